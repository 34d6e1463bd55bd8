/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server for installers (qemu-builder.md 10): a directory, or a
 * list of texts. It runs on a thread of its own until it is stopped; the
 * library (libmicrohttpd) is loaded when the first server starts.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

#include <stddef.h>

struct http_page {
	const char *path; /* "/user-data", matched exactly */
	const char *text;
};

/* Everything is borrowed and outlives the server. */
struct http_server_spec {
	const char *address; /* numeric, to listen on */
	int port;
	const char *directory; /* NULL: the pages */
	const struct http_page *pages;
	size_t page_count;
};

struct http_server;

/* ERROR_EXISTS: the port is taken. ERROR_NOT_FOUND: no such directory, or no library (the hint
 * names the package). */
struct http_server *http_server_start(const struct http_server_spec *spec, struct error **err);
void http_server_stop(struct http_server *s); /* ends open transfers, too; NULL is fine */
DEFINE_AUTO(http_server, struct http_server *, http_server_stop);
