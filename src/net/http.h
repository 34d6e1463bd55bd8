/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests: one at a time on a client, which keeps connections for the
 * next one; a client belongs to one thread. Proxies come from the environment
 * (http_proxy, https_proxy, no_proxy, ...). A response of any status is a
 * success here; what the status means is the caller's business.
 *
 * Errors: the reason of the cancel token; ERROR_TIMEOUT when the request took
 * too long or stalled; ERROR_DISCONNECTED when the peer could not be reached
 * or was lost (worth a retry); ERROR_AUTH for certificates; ERROR_INVALID for
 * bad URLs; and whatever `head` and `sink` return.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

struct http_client;
struct http_client *http_client_new(void);
void http_client_free(struct http_client *h);
DEFINE_AUTO(http_client, struct http_client *, http_client_free);

struct http_response {
	int status;
	char *url;          /* the last one, after redirects */
	int64_t length;     /* of this body, -1 if the server does not say */
	int64_t received;   /* bytes of the body that came */
	int64_t modified;   /* Last-Modified, seconds since the epoch; -1 */
	struct map headers; /* names in lower case; of several, the last */
	struct strv lines;  /* the headers as sent, "Name: value" */
	struct strbuf body; /* stays empty when there is a sink */
};
void http_response_release(struct http_response *r);
static inline void auto_http_response(struct http_response *r)
{
	http_response_release(r);
}
const char *http_response_header(const struct http_response *r, const char *name); /* or NULL */

enum { HTTP_BODY_MAX = 16 * 1024 * 1024 };

struct http_request {
	const char *method;         /* NULL: GET, or POST when there is a body */
	const char *url;            /* http or https; credentials in it are used, never shown */
	const struct strv *headers; /* "Name: value", may be NULL */
	const void *body;
	size_t body_len;
	int64_t range_from;                   /* > 0: the bytes from here on; look for status 206 */
	const char *netrc;                    /* file with credentials, NULL: none */
	const char *ca_file, *ca_path;        /* NULL: those of the system */
	const char *client_cert, *client_key; /* PEM files, may be NULL */
	const char *unix_socket;              /* connect there, whatever host the URL names */
	const char *tls_name; /* whose certificate it must be, instead of the URL's host */
	/* Proxy of http: URLs, before $http_proxy. For $HTTP_PROXY, which curl does not read as
	 * it may come from a client of a CGI program. */
	const char *plain_proxy;
	bool no_proxy;     /* the server is near: whatever the environment says */
	bool insecure;     /* do not check the certificate */
	bool no_redirects; /* else up to 10 are followed */
	int64_t connect_timeout, stall_timeout; /* ns; 0: 30 s to connect, 60 s without a byte */
	int64_t deadline;                       /* of the whole; 0: never */
	size_t body_max;                        /* largest body kept in memory; 0: HTTP_BODY_MAX */
	/* Once, before the body: status and headers are there. May be NULL. */
	int (*head)(void *data, const struct http_response *r, struct error **err);
	/* Pieces of the body. NULL: it is kept in the response. */
	int (*sink)(void *data, const void *bytes, size_t len, struct error **err);
	/* At most ten times a second, and at the end; total -1: unknown. May be NULL. */
	void (*progress)(void *data, int64_t done, int64_t total);
	void *data;
};
MUST_CHECK int http_perform(struct http_client *h, const struct http_request *req, struct cancel *c,
			    struct http_response *ret, struct error **err);

/* The URL with a password in it replaced, for messages; heap. */
char *http_url_shown(const char *url);
