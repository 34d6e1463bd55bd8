/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clients of Consul, Vault and AWS share: the world they are
 * configured by, and a request that is tried again while that can help.
 * Everything here may be called by several threads at once; nothing is kept
 * between calls.
 */
#pragma once

#include "base/redact.h"
#include "net/http.h"

#include <jansson.h>

struct cloud_ctx {
	const char *(*getenv)(const char *name);
	int64_t (*now)(void); /* ns since the epoch */
	const char *home;     /* NULL: unknown */
	struct cancel *cancel;
	struct redactor *redactor; /* gets the secrets that are fetched; NULL: nobody does */
	const char *aws_profile; /* asked for by name, so it goes before the environment; or NULL */
	int64_t retry_pause;     /* before the second try, doubles; 0: 250 ms */
};

void cloud_add_secret(const struct cloud_ctx *ctx, const char *text);
/* NULL when unset or empty. */
const char *cloud_env(const struct cloud_ctx *ctx, const char *name);
/* What Go's strconv.ParseBool takes; false: neither, *ret untouched. */
bool cloud_parse_bool(const char *text, bool *ret);

struct cloud_request {
	struct http_request http; /* redirects, proxies and limits are set here */
	int tries;                /* 0: 3 */
	int64_t timeout;          /* of each try, ns; 0: 60 s */
	int redirects;            /* to follow with all the headers; 0: none */
	/* Is this answer worth another try? NULL: 5xx but 501, 429. */
	bool (*is_transient)(const struct http_response *r);
};

/*
 * An answer of any status, the last one when tries run out. Redirects keep the
 * headers, secrets included, as these services expect, but never leave https
 * for http.
 */
MUST_CHECK int cloud_perform(const struct cloud_ctx *ctx, const struct cloud_request *req,
			     struct http_response *ret, struct error **err);

/* The body as a JSON object or array; owned. */
json_t *cloud_json(const struct http_response *r, struct error **err);
static inline void auto_json(json_t **j)
{
	json_decref(*j);
}
const char *cloud_json_text(const json_t *object, const char *name); /* or NULL */

/* A path for a URL: slashes are kept, what a path cannot have is escaped. */
void cloud_escape_path(struct strbuf *sb, const char *text);
