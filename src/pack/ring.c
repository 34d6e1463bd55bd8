/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/ring.h"

#include "base/alloc.h"
#include "base/macro.h"
#include "os/fd.h"
#include "os/wait.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct slot {
	struct block block;
	const struct block *made; /* NULL: not yet */
	struct error *error;
};

/*
 * Blocks are counted from the first; block n is in slot n % blocks:
 *
 *   taken <= begun <= filled <= taken + blocks
 *
 * Below `taken` the owner had all, below `begun` a thread has or had it. A block belongs to its
 * thread until it is made, then to the owner.
 */
struct ring {
	struct ring_spec spec;
	struct slot *slots;
	uint64_t taken; /* only the owner looks at it */
	int done_fd;    /* eventfd: a block is done */

	pthread_mutex_t mutex; /* guards begun, filled, made and error */
	pthread_cond_t work;
	uint64_t begun, filled; /* filled: only the owner changes it */
	atomic_bool stop;
	pthread_t *threads;
	int thread_count;
};

static struct slot *slot_at(struct ring *r, uint64_t n)
{
	return &r->slots[n % r->spec.blocks];
}

/* ---- threads -------------------------------------------------------------------------- */

/* The next that is not made already; NULL: it is over. */
static struct slot *begin_slot(struct ring *r)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&r->mutex);
	while (!s && !r->stop) {
		if (r->begun == r->filled)
			pthread_cond_wait(&r->work, &r->mutex);
		else if (!slot_at(r, r->begun++)->made)
			s = slot_at(r, r->begun - 1);
	}
	pthread_mutex_unlock(&r->mutex);
	return s;
}

static void end_slot(struct ring *r, struct slot *s, struct error *error)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&r->mutex);
	s->error = error;
	s->made = &s->block;
	pthread_mutex_unlock(&r->mutex);
	(void)!write(r->done_fd, &one, sizeof(one));
}

static void *work(void *data)
{
	struct ring *r = data;
	const struct codec_ops *ops = r->spec.codec->ops;
	struct error *cannot = NULL;
	void *worker = ops->worker_new(r->spec.codec, &cannot);
	struct slot *s;

	while ((s = begin_slot(r))) {
		struct error *e = NULL;

		if (!worker)
			error_set(&e, cannot->kind, "%s", cannot->message);
		else
			(void)!ops->compress(worker, &s->block, &r->stop, &e);
		end_slot(r, s, e);
	}
	if (worker)
		ops->worker_free(worker);
	error_free(cannot);
	return NULL;
}

/* Fewer threads than wanted are no reason to fail. */
static int start_thread(struct ring *r, struct error **err)
{
	int e = pthread_create(&r->threads[r->thread_count], NULL, work, r);

	if (e == 0)
		r->thread_count++;
	else if (!r->thread_count)
		return error_set_errno(err, e, "cannot start a thread");
	return 0;
}

/* ---- the owner ------------------------------------------------------------------------ */

struct block *ring_block(struct ring *r)
{
	struct block *b = &slot_at(r, r->filled)->block;

	if (!b->in)
		b->in = xmalloc(r->spec.codec->block);
	return b;
}

int ring_push(struct ring *r, const struct block *made, struct error **err)
{
	uint64_t under_way = r->filled - r->taken;

	assert(under_way < r->spec.blocks);
	if (!made && r->thread_count < r->spec.threads && under_way >= (uint64_t)r->thread_count &&
	    start_thread(r, err) < 0)
		return -1;
	pthread_mutex_lock(&r->mutex);
	slot_at(r, r->filled++)->made = made;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mutex);
	return 0;
}

/* The oldest block; NULL: it is not made. */
static const struct block *oldest(struct ring *r)
{
	const struct block *made;

	pthread_mutex_lock(&r->mutex);
	made = slot_at(r, r->taken)->made;
	pthread_mutex_unlock(&r->mutex);
	return made;
}

static int take(struct ring *r, const struct block *made, struct error **err)
{
	struct slot *s = slot_at(r, r->taken);

	if (s->error)
		return error_move(err, TAKE(s->error));
	if (r->spec.take(r->spec.owner, made, err) < 0)
		return -1;
	s->block.len = 0;
	strbuf_truncate(&s->block.out, 0);
	r->taken++;
	/* what was made elsewhere goes by without a thread having looked at it */
	pthread_mutex_lock(&r->mutex);
	r->begun = MAX(r->begun, r->taken);
	pthread_mutex_unlock(&r->mutex);
	return 0;
}

/* Takes what is done, and waits until at most `left` are under way. */
static int drain(struct ring *r, uint64_t left, struct error **err)
{
	const struct block *made;
	uint64_t count;

	while (r->taken < r->filled) {
		if ((made = oldest(r))) {
			if (take(r, made, err) < 0)
				return -1;
			continue;
		}
		if (r->filled - r->taken <= left)
			return 0;
		if (io_wait(r->done_fd, POLLIN, DEADLINE_NEVER, r->spec.cancel, err) < 0)
			return -1;
		(void)!read(r->done_fd, &count, sizeof(count));
	}
	return 0;
}

int ring_make_room(struct ring *r, struct error **err)
{
	return drain(r, r->spec.blocks - 1, err);
}

int ring_flush(struct ring *r, struct error **err)
{
	return drain(r, 0, err);
}

/* ---- life ----------------------------------------------------------------------------- */

struct ring *ring_new(const struct ring_spec *spec, struct error **err)
{
	AUTO(ring) struct ring *r = NEW(struct ring);

	r->spec = *spec;
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->work, NULL);
	r->slots = xcalloc(spec->blocks, sizeof(*r->slots));
	for (size_t i = 0; i < spec->blocks; i++)
		strbuf_init(&r->slots[i].block.out);
	r->threads = xcalloc((size_t)spec->threads, sizeof(*r->threads));
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd < 0) {
		error_set_errno(err, errno, "cannot make an eventfd");
		return NULL;
	}
	return TAKE(r);
}

void block_release(struct block *b)
{
	free(b->in);
	free(b->before);
	strbuf_release(&b->out);
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_broadcast(&r->work);
	pthread_mutex_unlock(&r->mutex);
	for (int i = 0; i < r->thread_count; i++)
		pthread_join(r->threads[i], NULL);
	for (size_t i = 0; i < r->spec.blocks; i++) {
		block_release(&r->slots[i].block);
		error_free(r->slots[i].error);
	}
	fd_close(r->done_fd);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->mutex);
	free(r->threads);
	free(r->slots);
	free(r);
}
