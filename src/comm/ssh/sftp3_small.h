/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads small files by the dozen: all are opened with one message, then all
 * are written, given their modes and closed with another, so that a tree costs
 * two round trips for each dozen instead of four for each file.
 */
#pragma once

#include "comm/ssh/sftp3_conn.h"
#include "comm/ssh/source.h"

enum {
	SFTP3_SMALL_MAX = SFTP3_PIECE, /* bytes of a file that goes this way */
	SFTP3_SMALL_FILES = 32,        /* open at a time over there; servers allow more */
};

struct sftp3_small_file {
	char *dst;
	struct strbuf content, handle;
	mode_t mode;
	bool keep_mode;
	uint32_t first_id, last_id; /* of the requests in flight */
};

struct sftp3_small {
	struct sftp3 *s;
	struct sftp3_small_file files[SFTP3_SMALL_FILES];
	size_t len;
};

/* Reads src, which is at its start and at most SFTP3_SMALL_MAX long, and sends when enough have
 * come together. Nothing else may be in flight. */
MUST_CHECK int sftp3_small_add(struct sftp3_small *b, struct upload_source *src, const char *dst,
			       struct error **err);
/* Sends what has been added and waits until it is there. */
MUST_CHECK int sftp3_small_flush(struct sftp3_small *b, struct error **err);
void sftp3_small_release(struct sftp3_small *b);
static inline void auto_sftp3_small(struct sftp3_small *b)
{
	sftp3_small_release(b);
}
