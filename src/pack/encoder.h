/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes that is compressed into a file while it comes, on as many
 * threads as there are processors. What comes out is an ordinary file of its
 * format; it depends on the bytes and the level, not on the number of threads
 * or the sizes of the writes.
 * Zeros are told, not given: a hole of a disk costs next to nothing.
 *
 * An encoder belongs to one thread; its own threads share only its blocks.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdint.h>

enum encoding {
	ENCODING_NONE,
	ENCODING_GZIP,  /* one member */
	ENCODING_BGZF,  /* gzip in small members that tell their sizes */
	ENCODING_LZ4,   /* one frame */
	ENCODING_XZ,    /* one stream of several blocks */
	ENCODING_BZIP2, /* streams one after another, as pbzip2 writes them */
	ENCODING_ZSTD,  /* one frame */
	ENCODING_COUNT,
	ENCODING_DEFLATE = ENCODING_COUNT, /* inside of zip files; has no name */
};
const char *encoding_name(enum encoding e); /* "gzip"; NONE: "" */

struct encoder_options {
	enum encoding encoding;
	int level;    /* 1 to 9, zstd to 19; higher is the highest; 0 or less: the format's usual */
	int threads;  /* 0: one for each processor */
	int64_t size; /* of all that will come; -1: not known */
	int fd;       /* written to from where it stands; stays the caller's */
	const char *path;      /* for messages; outlives the encoder */
	struct cancel *cancel; /* ends it early */
};

struct encoder;
/* What only those who know an encoder's kind ask for. */
struct encoder_totals {
	uint64_t in, out; /* bytes */
	uint32_t crc;     /* of what came in: GZIP and DEFLATE */
};

struct encoder *encoder_new(const struct encoder_options *o, struct error **err);
MUST_CHECK int encoder_write(struct encoder *e, const void *data, size_t len, struct error **err);
MUST_CHECK int encoder_zeros(struct encoder *e, int64_t n, struct error **err);
/* The file is complete afterwards. */
MUST_CHECK int encoder_finish(struct encoder *e, struct error **err);
struct encoder_totals encoder_totals(const struct encoder *e); /* after finish() */
int encoder_threads(const struct encoder *e);                  /* how many it may use */
void encoder_free(struct encoder *e); /* also of one that was not finished */
DEFINE_AUTO(encoder, struct encoder *, encoder_free);
