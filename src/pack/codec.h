/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format whose files can be put together from blocks that were compressed
 * apart. The functions of a worker run on threads; all else on the one that
 * the encoder belongs to, in the order of the blocks.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "pack/encoder.h"

#include <stdatomic.h>
#include <stdint.h>

struct block {
	unsigned char *in;
	size_t len;
	unsigned char *before; /* the codec's `history` bytes before `in`, or fewer */
	size_t before_len;
	struct strbuf out;
	uint64_t check; /* what the codec needs to know of it later */
};
void block_release(struct block *b);

struct codec;
struct codec_ops {
	void *(*worker_new)(const struct codec *c, struct error **err);
	void (*worker_free)(void *worker);
	/* Appends to b->out. What takes long looks at `stop`, and then may return what it likes. */
	int (*compress)(void *worker, struct block *b, const atomic_bool *stop, struct error **err);
	int (*begin)(struct codec *c, struct strbuf *ret, struct error **err);
	int (*took)(struct codec *c, const struct block *b, struct error **err);
	int (*end)(struct codec *c, struct strbuf *ret, struct error **err);
	void (*free)(struct codec *c);
};

/* First member of each. begin, took and end may be NULL. */
struct codec {
	const struct codec_ops *ops;
	size_t block;          /* bytes of input */
	size_t history;        /* how much of the bytes before it a block makes use of */
	int64_t thread_memory; /* about what one more thread costs */
	uint32_t crc;          /* for encoder_totals */
	/* The format wants to know of no data at all, too: an empty block. */
	bool wants_a_block;
};

struct codec *gzip_codec_new(int level, bool is_member);
struct codec *bgzf_codec_new(int level);
struct codec *lz4_codec_new(int level, struct error **err);
struct codec *xz_codec_new(int level, struct error **err);
struct codec *bzip2_codec_new(int level, struct error **err);
