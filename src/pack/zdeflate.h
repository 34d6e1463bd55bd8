/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate, as gzip, bgzf and zip have it inside. The only place that sees zlib. */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEFLATE_WINDOW = 32 * 1024 };

struct zdeflate;
struct zdeflate *zdeflate_new(int level); /* 1 to 9, or -1: zlib's default */
void zdeflate_free(struct zdeflate *d);
/* A piece of a stream, after the bytes `before` it; ends at a whole byte, not the stream. */
void zdeflate_piece(struct zdeflate *d, const void *in, size_t len, const void *before,
		    size_t before_len, struct strbuf *ret);
/* A whole stream of its own. */
void zdeflate_whole(struct zdeflate *d, const void *in, size_t len, struct strbuf *ret);
/* What makes one stream of pieces: comes after the last. */
void zdeflate_add_end(struct strbuf *ret);

uint32_t zdeflate_crc(const void *data, size_t len);
/* Of two texts one after the other, the second of `len` bytes. */
uint32_t zdeflate_join_crcs(uint32_t first, uint32_t second, int64_t len);
