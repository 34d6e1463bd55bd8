/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The package archive: which of its suites a cast reads, and in which state it
 * is. The state is the signed index (InRelease) of every suite; it decides all
 * package versions, so its digest stands for the packages, and its date is the
 * date of an image that was not given one.
 */
#pragma once

#include "builder/bootstrap/config.h"

enum { ARCHIVE_SOURCES_MAX = 3 };

struct archive_source {
	const char *uri;
	char suite[96];
};

/* The release, its updates, its security updates; returns how many. */
size_t archive_sources(const struct bootstrap *b, struct archive_source ret[ARCHIVE_SOURCES_MAX]);
/* The same as one-line entries for mmdebstrap, with the keys of this host. */
void archive_lines(const struct bootstrap *b, struct strv *ret);

struct archive_state {
	char *digest;  /* lower-case hex SHA-256 over all indexes; heap */
	int64_t epoch; /* when the newest of them was made */
};
void archive_state_release(struct archive_state *s);

/* Reads the indexes with apt's own downloader into `dir`, which is created. Their signatures
 * are apt's business, later. */
MUST_CHECK int archive_look(const struct bootstrap *b, struct build_ctx *ctx, const char *dir,
			    struct archive_state *ret, struct error **err);
/* The Date of an InRelease text; false without one. */
bool archive_date(const char *text, int64_t *ret);
