/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where something is downloaded from: a path, a file: URL or an http(s): URL,
 * taken apart. The query parameters `checksum` and `archive` speak to the
 * downloader and are never sent (qemu-builder.md 13.3).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct source {
	bool is_local;
	char *path;     /* local: absolute, cleaned; else the decoded path of the URL */
	char *url;      /* what is requested; local: NULL */
	char *checksum; /* value of the parameter, or NULL */
	char *archive;  /* value of the parameter, or NULL */
};

/* Relative paths are meant from `cwd`. */
MUST_CHECK int source_parse(struct source *s, const char *text, const char *cwd,
			    struct error **err);
void source_release(struct source *s);
static inline void auto_source(struct source *s)
{
	source_release(s);
}

/*
 * `text` with the parameter checksum=VALUE (NULL: none) put in its place among
 * the others, for messages; a password is replaced; heap.
 */
char *source_shown(const char *text, const char *checksum);
