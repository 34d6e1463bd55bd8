/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) and bare deflate. Blocks are pieces of one stream, each ends
 * at a whole byte and knows the window before it, so the file is one member
 * and hardly larger than one made in one go. No name and no time in it: same
 * input, same bytes.
 *
 * bgzf (SAM/BAM format specification, 4.1): members of at most 64 KiB, each
 * with its own size in an extra field, so that a reader may begin in the
 * middle; an empty member marks the end. Any gunzip reads it.
 */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/macro.h"
#include "pack/codec.h"
#include "pack/zdeflate.h"

#include <stdlib.h>

enum {
	GZIP_BLOCK = 512 * 1024,
	THREAD_MEMORY = 4 * 1024 * 1024,

	BGZF_INPUT = 65280, /* fits into a member even where it does not get smaller */
	BGZF_MEMBERS = 8,   /* in a block */
	BGZF_MAX = 65536,
	BGZF_HEADER = 18,
	BGZF_TRAILER = 8,
};

struct gzip_codec {
	struct codec codec;
	int level;
	bool is_member;
	uint64_t size;
};

static void *worker_new(const struct codec *c, struct error **err)
{
	return zdeflate_new(((const struct gzip_codec *)c)->level);
}

static void worker_free(void *worker)
{
	zdeflate_free(worker);
}

static int gzip_compress(void *worker, struct block *b, const atomic_bool *stop, struct error **err)
{
	zdeflate_piece(worker, b->in, b->len, b->before, b->before_len, &b->out);
	b->check = zdeflate_crc(b->in, b->len);
	return 0;
}

static int gzip_begin(struct codec *c, struct strbuf *ret, struct error **err)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

	if (((struct gzip_codec *)c)->is_member)
		strbuf_add(ret, header, sizeof(header));
	return 0;
}

static int gzip_took(struct codec *c, const struct block *b, struct error **err)
{
	struct gzip_codec *g = (struct gzip_codec *)c;

	c->crc = zdeflate_join_crcs(c->crc, (uint32_t)b->check, (int64_t)b->len);
	g->size += b->len;
	return 0;
}

static int gzip_end(struct codec *c, struct strbuf *ret, struct error **err)
{
	struct gzip_codec *g = (struct gzip_codec *)c;
	unsigned char trailer[8];

	zdeflate_add_end(ret);
	put_le(trailer, c->crc, 4);
	put_le(trailer + 4, g->size, 4); /* of large files its lower half */
	if (g->is_member)
		strbuf_add(ret, trailer, sizeof(trailer));
	return 0;
}

static void codec_free(struct codec *c)
{
	free(c);
}

static const struct codec_ops gzip_ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = gzip_compress,
	.begin = gzip_begin,
	.took = gzip_took,
	.end = gzip_end,
	.free = codec_free,
};

static struct gzip_codec *codec_new(const struct codec_ops *ops, int level)
{
	struct gzip_codec *g = NEW(struct gzip_codec);

	g->codec.ops = ops;
	g->codec.thread_memory = THREAD_MEMORY;
	g->level = level > 0 ? MIN(level, 9) : -1;
	return g;
}

struct codec *gzip_codec_new(int level, bool is_member)
{
	struct gzip_codec *g = codec_new(&gzip_ops, level);

	g->codec.block = GZIP_BLOCK;
	g->codec.history = DEFLATE_WINDOW;
	g->is_member = is_member;
	return &g->codec;
}

/* ---- bgzf --------------------------------------------------------------------------------------- */

static void add_member(struct zdeflate *d, const unsigned char *in, size_t len, struct strbuf *out)
{
	static const unsigned char header[BGZF_HEADER] = {
		0x1f, 0x8b, 8, 4 /* an extra field */, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0,
	};
	const size_t at = out->len;
	unsigned char trailer[BGZF_TRAILER];

	strbuf_add(out, header, sizeof(header));
	zdeflate_whole(d, in, len, out);
	if (out->len - at > BGZF_MAX - BGZF_TRAILER) {
		struct zdeflate *plain = zdeflate_new(0);

		strbuf_truncate(out, at + sizeof(header));
		zdeflate_whole(plain, in, len, out);
		zdeflate_free(plain);
	}
	put_le(trailer, zdeflate_crc(in, len), 4);
	put_le(trailer + 4, len, 4);
	strbuf_add(out, trailer, sizeof(trailer));
	assert(out->len - at <= BGZF_MAX);
	put_le((unsigned char *)out->buf + at + BGZF_HEADER - 2, out->len - at - 1, 2);
}

static int bgzf_compress(void *worker, struct block *b, const atomic_bool *stop, struct error **err)
{
	for (size_t at = 0; at < b->len; at += BGZF_INPUT)
		add_member(worker, b->in + at, MIN((size_t)BGZF_INPUT, b->len - at), &b->out);
	return 0;
}

static int bgzf_end(struct codec *c, struct strbuf *ret, struct error **err)
{
	struct zdeflate *d = zdeflate_new(((struct gzip_codec *)c)->level);

	add_member(d, (const unsigned char *)"", 0, ret);
	zdeflate_free(d);
	return 0;
}

static const struct codec_ops bgzf_ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = bgzf_compress,
	.end = bgzf_end,
	.free = codec_free,
};

struct codec *bgzf_codec_new(int level)
{
	struct gzip_codec *g = codec_new(&bgzf_ops, level);

	g->codec.block = BGZF_MEMBERS * BGZF_INPUT;
	return &g->codec;
}
