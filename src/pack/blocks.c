/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of blocks: the owner fills them in order, workers compress them in any
 * order, the owner writes them in order. Three counters say where each is
 * (written <= taken <= filled); a worker starts when there is work for it.
 *
 * A block of zeros is compressed once; all others like it are copies. So the
 * holes of a disk, and zeros that were written, cost a look at them.
 */
#include "pack/blocks.h"

#include "base/alloc.h"
#include "base/macro.h"
#include "os/fd.h"
#include "os/wait.h"
#include "pack/encoder_kind.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct slot {
	struct block block;
	unsigned char *before; /* history bytes; NULL: the codec uses none */
	struct error *error;
	bool is_done;
	bool is_zero;
};

struct blocks {
	struct encoder encoder;
	struct codec *codec;
	struct slot *slots;
	size_t slot_count;
	uint64_t filled, taken, written; /* counts of blocks; `written` is the owner's own */
	struct slot zero;                /* compressed, once there was one */
	bool has_zero;
	bool has_begun;
	int done_fd; /* eventfd: a block is done */

	pthread_mutex_t mutex; /* guards filled, taken, is_done and error of slots */
	pthread_cond_t work;
	atomic_bool stop;
	pthread_t *threads;
	int thread_count;
};

static struct slot *slot_at(struct blocks *b, uint64_t n)
{
	return &b->slots[n % b->slot_count];
}

static bool all_zero(const unsigned char *p, size_t len)
{
	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

/* ---- workers ---------------------------------------------------------------------------------- */

/* The next block that is not done already; NULL: it is over. */
static struct slot *take_slot(struct blocks *b)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&b->mutex);
	while (!s && !b->stop) {
		if (b->taken == b->filled)
			pthread_cond_wait(&b->work, &b->mutex);
		else if (!slot_at(b, b->taken++)->is_done)
			s = slot_at(b, b->taken - 1);
	}
	pthread_mutex_unlock(&b->mutex);
	return s;
}

static void finish_slot(struct blocks *b, struct slot *s, struct error *error)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&b->mutex);
	s->error = error;
	s->is_done = true;
	pthread_mutex_unlock(&b->mutex);
	(void)!write(b->done_fd, &one, sizeof(one));
}

static void *work(void *data)
{
	struct blocks *b = data;
	const struct codec_ops *ops = b->codec->ops;
	struct error *cannot = NULL;
	void *worker = ops->worker_new(b->codec, &cannot);
	struct slot *s;

	while ((s = take_slot(b))) {
		struct error *e = NULL;

		if (!worker)
			error_set(&e, cannot->kind, "%s", cannot->message);
		else
			(void)!ops->compress(worker, &s->block, &b->stop, &e);
		finish_slot(b, s, e);
	}
	if (worker)
		ops->worker_free(worker);
	error_free(cannot);
	return NULL;
}

static int start_worker(struct blocks *b, struct error **err)
{
	int r = pthread_create(&b->threads[b->thread_count], NULL, work, b);

	if (r == 0)
		b->thread_count++;
	else if (!b->thread_count)
		return error_set_errno(err, r, "cannot start a thread to compress");
	return 0;
}

/* ---- the owner: writing ------------------------------------------------------------------------- */

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

static bool is_done(struct blocks *b, struct slot *s)
{
	bool done;

	pthread_mutex_lock(&b->mutex);
	done = s->is_done;
	pthread_mutex_unlock(&b->mutex);
	return done;
}

/* Writes the oldest block, which is done. */
static int write_oldest(struct blocks *b, struct error **err)
{
	struct slot *s = slot_at(b, b->written);
	const struct block *made = s->is_zero ? &b->zero.block : &s->block;

	if (s->error)
		return error_move(err, TAKE(s->error));
	if (begin(b, err) < 0 || encoder_put(&b->encoder, made->out.buf, made->out.len, err) < 0)
		return -1;
	if (b->codec->ops->took && b->codec->ops->took(b->codec, made, err) < 0)
		return -1;
	b->written++;
	/* blocks of zeros go by without a worker having looked at them */
	pthread_mutex_lock(&b->mutex);
	b->taken = MAX(b->taken, b->written);
	pthread_mutex_unlock(&b->mutex);
	return 0;
}

static int wait_for_oldest(struct blocks *b, struct error **err)
{
	uint64_t count;

	while (!is_done(b, slot_at(b, b->written))) {
		if (io_wait(b->done_fd, POLLIN, DEADLINE_NEVER, b->encoder.options.cancel, err) < 0)
			return -1;
		(void)!read(b->done_fd, &count, sizeof(count));
	}
	return 0;
}

/* Writes what is done, and waits until at most `left` blocks are under way. */
static int drain(struct blocks *b, uint64_t left, struct error **err)
{
	while (b->written < b->filled) {
		if (b->filled - b->written > left) {
			if (wait_for_oldest(b, err) < 0)
				return -1;
		} else if (!is_done(b, slot_at(b, b->written))) {
			return 0;
		}
		if (write_oldest(b, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the owner: filling ------------------------------------------------------------------------- */

/* The block being filled. Its memory comes when it is first needed. */
static struct block *current(struct blocks *b)
{
	struct slot *s = slot_at(b, b->filled);

	if (!s->block.in)
		s->block.in = xmalloc(b->codec->block);
	return &s->block;
}

static void set_history(struct blocks *b, struct slot *s)
{
	const size_t history = b->codec->history;

	s->block.before_len = 0;
	if (!history || !b->filled)
		return;

	const struct slot *last = slot_at(b, b->filled - 1);

	if (!s->before)
		s->before = xmalloc(history);
	if (last->is_zero)
		memset(s->before, 0, history);
	else
		memcpy(s->before, last->block.in + b->codec->block - history, history);
	s->block.before = s->before;
	s->block.before_len = history;
}

static int compress_zero_block(struct blocks *b, struct error **err)
{
	const struct codec_ops *ops = b->codec->ops;
	struct block *z = &b->zero.block;
	void *worker;
	int r;

	if (b->has_zero)
		return 0;
	worker = ops->worker_new(b->codec, err);
	if (!worker)
		return -1;
	z->in = xcalloc(1, b->codec->block);
	z->len = b->codec->block;
	r = ops->compress(worker, z, &b->stop, err);
	ops->worker_free(worker);
	b->has_zero = r == 0;
	return r;
}

static void publish(struct blocks *b, bool is_ready)
{
	struct slot *s = slot_at(b, b->filled);

	pthread_mutex_lock(&b->mutex);
	s->is_done = is_ready;
	b->filled++;
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->mutex);
}

static int make_room(struct blocks *b, struct error **err)
{
	if (drain(b, b->slot_count - 1, err) < 0)
		return -1;
	slot_at(b, b->filled)->block.len = 0;
	return 0;
}

static int submit_zero(struct blocks *b, struct error **err)
{
	if (compress_zero_block(b, err) < 0)
		return -1;
	slot_at(b, b->filled)->is_zero = true;
	publish(b, true);
	return make_room(b, err);
}

static int submit(struct blocks *b, struct error **err)
{
	struct slot *s = slot_at(b, b->filled);

	if (s->block.len == b->codec->block && all_zero(s->block.in, s->block.len))
		return submit_zero(b, err);
	s->is_zero = false;
	set_history(b, s);
	strbuf_truncate(&s->block.out, 0);
	if (b->thread_count < b->encoder.options.threads &&
	    b->filled - b->written >= (uint64_t)b->thread_count && start_worker(b, err) < 0)
		return -1;
	publish(b, false);
	return make_room(b, err);
}

static int blocks_write(struct encoder *e, const void *data, size_t len, struct error **err)
{
	struct blocks *b = (struct blocks *)e;
	const unsigned char *p = data;

	while (len) {
		struct block *to = current(b);
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
		if (!slot_at(b, b->filled)->block.len && n >= (int64_t)whole) {
			if (cancel_check(e->options.cancel, err) < 0 || submit_zero(b, err) < 0)
				return -1;
			n -= (int64_t)whole;
			continue;
		}

		struct block *to = current(b);
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
	const bool is_empty = !b->filled && b->codec->wants_a_block;

	if (current(b)->len || is_empty)
		if (submit(b, err) < 0)
			return -1;
	if (drain(b, 0, err) < 0 || begin(b, err) < 0)
		return -1;
	if (b->codec->ops->end && b->codec->ops->end(b->codec, &tail, err) < 0)
		return -1;
	e->totals.crc = b->codec->crc;
	return encoder_put(e, tail.buf, tail.len, err);
}

/* ---- life ------------------------------------------------------------------------------------- */

static void slot_release(struct slot *s)
{
	free(s->block.in);
	free(s->before);
	strbuf_release(&s->block.out);
	error_free(s->error);
}

static void blocks_free(struct encoder *e)
{
	struct blocks *b = (struct blocks *)e;

	pthread_mutex_lock(&b->mutex);
	b->stop = true;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->mutex);
	for (int i = 0; i < b->thread_count; i++)
		pthread_join(b->threads[i], NULL);
	for (size_t i = 0; i < b->slot_count; i++)
		slot_release(&b->slots[i]);
	slot_release(&b->zero);
	b->codec->ops->free(b->codec);
	fd_close(b->done_fd);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->mutex);
	free(b->threads);
	free(b->slots);
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
	pthread_mutex_init(&b->mutex, NULL);
	pthread_cond_init(&b->work, NULL);
	/* one more than work for all, so that they go on while one is written or filled */
	b->slot_count = 2 * (size_t)o->threads + 1;
	b->slots = xcalloc(b->slot_count, sizeof(*b->slots));
	for (size_t i = 0; i < b->slot_count; i++)
		strbuf_init(&b->slots[i].block.out);
	strbuf_init(&b->zero.block.out);
	b->threads = xcalloc((size_t)o->threads, sizeof(*b->threads));
	b->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->done_fd < 0) {
		error_set_errno(err, errno, "cannot make an eventfd");
		blocks_free(&b->encoder);
		return NULL;
	}
	return &b->encoder;
}
