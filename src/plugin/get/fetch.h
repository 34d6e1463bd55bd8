/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts and files below a base, which is a folder or an http(s) URL. Short
 * troubles of a server are sat out. ERROR_NOT_FOUND: it is not there (404, 410,
 * no such file).
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "net/http.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

struct fetcher {
	struct http_client *http;
	const char *plain_proxy; /* as in struct http_request */
	/* Of files; may be NULL. `total` -1: unknown. */
	void (*progress)(void *data, int64_t done, int64_t total);
	void *data;
};

bool fetch_is_url(const char *base);
/* BASE/REST, with one slash; heap. */
char *fetch_place(const char *base, const char *rest);
/* The name as messages may show it: no password; heap. */
char *fetch_shown(const char *place);

/* `token` (NULL: none) goes to the host of `place` only, and only where nobody can listen. */
MUST_CHECK int fetch_text(const struct fetcher *f, const char *place, const char *token,
			  struct cancel *c, struct strbuf *ret, struct error **err);
/* Makes the file `to`, which must have this SHA-256. */
MUST_CHECK int fetch_file(const struct fetcher *f, const char *place, const char *digest,
			  const char *to, struct cancel *c, struct error **err);
