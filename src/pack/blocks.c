/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in a ring: the encoder fills them in order, the ring's threads compress them, and they are
 * written in order.
 *
 * A block of zeros is compressed once; all others like it are copies. So the
 * holes of a disk, and zeros that were written, cost a look at them.
 */
#include "pack/blocks.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/macro.h"
#include "pack/encoder_kind.h"
#include "pack/ring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct blocks {
	struct encoder encoder;
	struct codec *codec;
	struct ring *ring;
	const struct block *last; /* that was given to the ring; NULL: none yet */
	struct block zero;        /* compressed, once there was one */
	bool has_zero;
	bool has_begun;
};

/* ---- writing ------------------------------------------------------------------------------------ */

static int begin(struct blocks *b, struct error **err)
{
	AUTO(strbuf) struct strbuf head = STRBUF_INIT;

	if (b->has_begun)
		return 0;
	b->has_begun = true;
	if (!b->codec->ops->begin)
		return 0;
	if (b->codec->ops->begin(b->codec, &head, err) < 0)
		return -1;
	return encoder_put(&b->encoder, head.buf, head.len, err);
}

static int write_block(void *owner, const struct block *made, struct error **err)
{
	struct blocks *b = owner;

	if (begin(b, err) < 0 || encoder_put(&b->encoder, made->out.buf, made->out.len, err) < 0)
		return -1;
	return b->codec->ops->took ? b->codec->ops->took(b->codec, made, err) : 0;
}

/* ---- filling ----------------------------------------------------------------------------------- */

static void set_history(const struct blocks *b, struct block *to)
{
	const size_t history = b->codec->history;

	if (!history || !b->last)
		return;
	if (!to->before)
		to->before = xmalloc(history);
	memcpy(to->before, b->last->in + b->codec->block - history, history);
	to->before_len = history;
}

static int compress_zero_block(struct blocks *b, struct error **err)
{
	const struct codec_ops *ops = b->codec->ops;
	const atomic_bool never = false;
	struct block *z = &b->zero;
	void *worker;
	int r;

	if (b->has_zero)
		return 0;
	worker = ops->worker_new(b->codec, err);
	if (!worker)
		return -1;
	z->in = xcalloc(1, b->codec->block);
	z->len = b->codec->block;
	r = ops->compress(worker, z, &never, err);
	ops->worker_free(worker);
	b->has_zero = r == 0;
	return r;
}

/* The block is full, or the last. */
static int push(struct blocks *b, const struct block *made, struct error **err)
{
	const struct block *last = made ? made : ring_block(b->ring);

	if (ring_push(b->ring, made, err) < 0)
		return -1;
	b->last = last;
	return ring_make_room(b->ring, err);
}

static int submit_zero(struct blocks *b, struct error **err)
{
	return compress_zero_block(b, err) < 0 ? -1 : push(b, &b->zero, err);
}

static int submit(struct blocks *b, struct error **err)
{
	struct block *full = ring_block(b->ring);

	if (full->len == b->codec->block && is_zeros(full->in, full->len))
		return submit_zero(b, err);
	set_history(b, full);
	return push(b, NULL, err);
}

static int blocks_write(struct encoder *e, const void *data, size_t len, struct error **err)
{
	struct blocks *b = (struct blocks *)e;
	const unsigned char *p = data;

	while (len) {
		struct block *to = ring_block(b->ring);
		size_t n = MIN(len, b->codec->block - to->len);

		memcpy(to->in + to->len, p, n);
		to->len += n;
		p += n;
		len -= n;
		if (to->len == b->codec->block && submit(b, err) < 0)
			return -1;
	}
	return 0;
}

static int blocks_zeros(struct encoder *e, int64_t n, struct error **err)
{
	struct blocks *b = (struct blocks *)e;
	const size_t whole = b->codec->block;

	while (n > 0) {
		if (!ring_block(b->ring)->len && n >= (int64_t)whole) {
			if (cancel_check(e->options.cancel, err) < 0 || submit_zero(b, err) < 0)
				return -1;
			n -= (int64_t)whole;
			continue;
		}

		struct block *to = ring_block(b->ring);
		size_t part = (size_t)MIN(n, (int64_t)(whole - to->len));

		memset(to->in + to->len, 0, part);
		to->len += part;
		n -= (int64_t)part;
		if (to->len == whole && submit(b, err) < 0)
			return -1;
	}
	return 0;
}

static int blocks_finish(struct encoder *e, struct error **err)
{
	struct blocks *b = (struct blocks *)e;
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;
	const bool is_empty = !b->last && b->codec->wants_a_block;

	if (ring_block(b->ring)->len || is_empty)
		if (submit(b, err) < 0)
			return -1;
	if (ring_flush(b->ring, err) < 0 || begin(b, err) < 0)
		return -1;
	if (b->codec->ops->end && b->codec->ops->end(b->codec, &tail, err) < 0)
		return -1;
	e->totals.crc = b->codec->crc;
	return encoder_put(e, tail.buf, tail.len, err);
}

/* ---- life ------------------------------------------------------------------------------------- */

static void blocks_free(struct encoder *e)
{
	struct blocks *b = (struct blocks *)e;

	ring_free(b->ring); /* first: its threads work on the rest */
	block_release(&b->zero);
	b->codec->ops->free(b->codec);
	free(b);
}

static const struct encoder_ops block_ops = {
	.write = blocks_write,
	.zeros = blocks_zeros,
	.finish = blocks_finish,
	.free = blocks_free,
};

struct encoder *block_encoder_new(const struct encoder_options *o, struct codec *codec,
				  struct error **err)
{
	struct blocks *b = NEW(struct blocks);

	b->encoder = (struct encoder){ .ops = &block_ops, .options = *o, .threads = o->threads };
	b->codec = codec;
	strbuf_init(&b->zero.out);

	const struct ring_spec ring = {
		.codec = codec,
		.take = write_block,
		.owner = b,
		.threads = o->threads,
		/* one more than work for all, so that they go on while one is written or filled */
		.blocks = 2 * (size_t)o->threads + 1,
		.cancel = o->cancel,
	};

	b->ring = ring_new(&ring, err);
	if (!b->ring) {
		blocks_free(&b->encoder);
		return NULL;
	}
	return &b->encoder;
}
