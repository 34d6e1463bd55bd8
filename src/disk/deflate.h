/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of pieces on several threads, with libdeflate: each piece is a stream of its own, and
 * they come out in the order they went in, on the thread of the caller. What is under way is
 * bounded (pack/ring.h). libdeflate, because it is more than twice as fast as zlib on whole pieces;
 * it is loaded when it is first used.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum deflate_form { DEFLATE_ZLIB, DEFLATE_GZIP };
enum { DEFLATE_LEVEL_MAX = 12, DEFLATE_LEVEL_DEFAULT = 5 };

typedef int (*deflate_out_fn)(void *data, uint64_t tag, const void *bytes, size_t len,
			      struct error **err);

struct deflate_spec {
	enum deflate_form form;
	int level; /* 1 to DEFLATE_LEVEL_MAX, else the default */
	int threads;
	size_t piece_max;
	deflate_out_fn out;
	void *data; /* given to `out` */
};

struct deflater;
struct deflater *deflater_new(const struct deflate_spec *spec, struct error **err);
void deflater_free(struct deflater *d); /* what did not come out is dropped */
DEFINE_AUTO(deflater, struct deflater *, deflater_free);

/* Where the next piece is to be put, piece_max bytes; earlier ones may come out. NULL: `out` failed. */
unsigned char *deflater_room(struct deflater *d, struct error **err);
/* The piece is in its room. */
MUST_CHECK int deflater_push(struct deflater *d, uint64_t tag, size_t len, struct error **err);
/* All pieces come out. */
MUST_CHECK int deflater_flush(struct deflater *d, struct error **err);

/* Is the library there? */
MUST_CHECK int deflate_check(struct error **err);
/* The most that so many bytes can become. */
MUST_CHECK int deflate_bound(enum deflate_form form, size_t len, size_t *ret, struct error **err);
/* One piece, at once; `out` has room for the bound. Returns the length, 0: an error. */
size_t deflate_piece(enum deflate_form form, const void *data, size_t len, void *out, size_t room,
		     struct error **err);
