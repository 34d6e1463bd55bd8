/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/copy.h"

#include "base/alloc.h"
#include "disk/queue.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	PIECES = 48, /* half a MiB each */
	READS_MAX = 8,
};

struct pump;

struct worker {
	struct pump *pump;
	const struct disk_lane *lane;
	size_t index;
	pthread_t thread;
	struct cancel *cancel; /* its own: tokens belong to one thread */
	struct error *err;
};

struct reading {
	struct nbd_request request;
	struct disk_piece *piece;
};

struct pump {
	const struct disk_copy *copy;
	struct disk_queue *queue;
	struct worker workers[DISK_LANES_MAX];
	size_t running;
	atomic_int failed;                  /* the first worker that did, or -1 */
	int failed_fd;                      /* eventfd: one did */
	int ended_fd;                       /* eventfd: how many are at their end */
	struct reading readings[READS_MAX]; /* a ring */
	size_t first, len;
};

/* ---- the writers' threads ----------------------------------------------------------------- */

static int write_run(struct worker *w, const struct disk_piece *p, size_t from, size_t to,
		     struct error **err)
{
	struct disk_writer *writer = w->lane->writer;
	size_t start = from * DISK_CHUNK, end = MIN(to * DISK_CHUNK, p->len);

	return writer->ops->write(writer, p->offset + start, p->bytes + start, end - start,
				  w->cancel, err);
}

/* Each run of chunks that are not zero. */
static int write_piece(struct worker *w, const struct disk_piece *p, struct error **err)
{
	size_t chunks = (p->len + DISK_CHUNK - 1) / DISK_CHUNK;

	for (size_t i = 0; i < chunks; i++) {
		size_t from = i;

		while (i < chunks && p->data >> i & 1)
			i++;
		if (i > from && write_run(w, p, from, i, err) < 0)
			return -1;
	}
	return 0;
}

static int work(struct worker *w, struct error **err)
{
	struct disk_writer *writer = w->lane->writer;
	struct disk_queue *q = w->pump->queue;
	struct disk_piece *p;

	for (;;) {
		if (disk_queue_next(q, w->index, w->cancel, &p, err) < 0)
			return -1;
		if (!p)
			break;
		if (write_piece(w, p, err) < 0)
			return -1;
		disk_queue_done(q, p);
	}
	if (writer->ops->finish(writer, w->cancel, err) < 0)
		return -1;
	return w->lane->after ? w->lane->after(w->lane->data, w->cancel, err) : 0;
}

static void ring_bell(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void *worker_thread(void *data)
{
	struct worker *w = data;
	int nobody = -1;

	if (work(w, &w->err) < 0 &&
	    atomic_compare_exchange_strong(&w->pump->failed, &nobody, (int)w->index))
		ring_bell(w->pump->failed_fd);
	ring_bell(w->pump->ended_fd);
	return NULL;
}

/* ---- the reader ---------------------------------------------------------------------------- */

static unsigned data_of(const struct disk_piece *p)
{
	unsigned data = 0;

	for (size_t at = 0; at < p->len; at += DISK_CHUNK) {
		const unsigned char *chunk = p->bytes + at;
		size_t len = MIN((size_t)DISK_CHUNK, p->len - at);

		if (chunk[0] || memcmp(chunk, chunk + 1, len - 1) != 0)
			data |= 1U << at / DISK_CHUNK;
	}
	return data;
}

/* The oldest reading: waits for its bytes and passes them on. */
static int deliver(struct pump *m, struct cancel *c, struct error **err)
{
	struct reading *r = &m->readings[m->first];
	struct disk_piece *p = r->piece;
	const struct disk_copy *copy = m->copy;

	if (nbd_wait(disk_source_nbd(copy->source), &r->request, c, err) < 0)
		return -1;
	m->first = (m->first + 1) % READS_MAX;
	m->len--;

	uint64_t done = p->offset + p->len;

	p->data = data_of(p);
	if (p->data)
		disk_queue_give(m->queue, p);
	else
		disk_queue_again(m->queue, p);
	if (copy->progress)
		copy->progress(copy->data, done, disk_source_size(copy->source));
	return 0;
}

static int find_room(struct pump *m, struct disk_piece **ret, struct cancel *c, struct error **err)
{
	struct disk_piece *p = NULL;

	while (m->len == READS_MAX || (!(p = disk_queue_try(m->queue)) && m->len))
		if (deliver(m, c, err) < 0)
			return -1;
	if (!p)
		return disk_queue_take(m->queue, c, ret, err);
	*ret = p;
	return 0;
}

static int read_range(struct pump *m, const struct disk_range *range, struct cancel *c,
		      struct error **err)
{
	struct disk_piece *p;

	for (uint64_t at = 0; at < range->len; at += p->len) {
		struct reading *r;

		if (find_room(m, &p, c, err) < 0)
			return -1;
		p->offset = range->offset + at;
		p->len = (size_t)MIN((uint64_t)DISK_PIECE, range->len - at);
		r = &m->readings[(m->first + m->len++) % READS_MAX];
		r->piece = p;
		if (nbd_read(disk_source_nbd(m->copy->source), &r->request, p->bytes, p->len,
			     p->offset, err) < 0)
			return -1;
	}
	return 0;
}

static int read_all(struct pump *m, struct cancel *c, struct error **err)
{
	struct disk_range range;

	do {
		if (disk_source_next(m->copy->source, &range, c, err) < 0 ||
		    read_range(m, &range, c, err) < 0)
			return -1;
	} while (range.len);
	while (m->len)
		if (deliver(m, c, err) < 0)
			return -1;
	disk_queue_end(m->queue);
	return 0;
}

static int wait_for_workers(struct pump *m, struct cancel *c, struct error **err)
{
	for (uint64_t ended = 0; ended < m->running;) {
		uint64_t n = 0;

		if (io_wait(m->ended_fd, POLLIN, DEADLINE_NEVER, c, err) < 0)
			return -1;
		if (read(m->ended_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
			ended += n;
	}
	return 0;
}

/* ---- both together ------------------------------------------------------------------------- */

static int a_worker_failed(void *data, struct error **err)
{
	(void)data;
	return error_set(err, ERROR_FAILED, "a writer failed");
}

static int start_workers(struct pump *m, struct error **err)
{
	for (size_t i = 0; i < m->copy->lane_count; i++) {
		struct worker *w = &m->workers[i];

		*w = (struct worker){ .pump = m, .lane = &m->copy->lanes[i], .index = i };
		w->cancel = cancel_new(NULL, DEADLINE_NEVER);

		int r = pthread_create(&w->thread, NULL, worker_thread, w);

		if (r) {
			cancel_free(w->cancel);
			return error_set_errno(err, r, "cannot start a thread");
		}
		m->running++;
	}
	return 0;
}

static void end_workers(struct pump *m, bool at_once)
{
	for (size_t i = 0; i < m->running && at_once; i++)
		cancel_trigger(m->workers[i].cancel);
	for (size_t i = 0; i < m->running; i++) {
		pthread_join(m->workers[i].thread, NULL);
		cancel_free(m->workers[i].cancel);
	}
}

static void take_errors(struct pump *m, struct error **err)
{
	int failed = atomic_load(&m->failed);

	if (failed >= 0 && m->workers[failed].err->kind != ERROR_CANCELLED) {
		error_ignore(err, "it only says that a writer failed");
		error_move(err, TAKE(m->workers[failed].err));
	}
	for (size_t i = 0; i < m->running; i++)
		error_free(m->workers[i].err);
}

static int pump_run(struct pump *m, struct cancel *c, struct error **err)
{
	AUTO(cancel) struct cancel *mine = cancel_new(c, DEADLINE_NEVER);
	int r = disk_queue_new(m->copy->lane_count, PIECES, &m->queue, err);

	cancel_watch(mine, m->failed_fd, a_worker_failed, NULL);
	if (r == 0)
		r = start_workers(m, err);
	if (r == 0)
		r = read_all(m, mine, err);
	if (r == 0)
		r = wait_for_workers(m, mine, err);
	end_workers(m, r < 0);
	if (r == 0 && atomic_load(&m->failed) >= 0)
		r = error_set(err, ERROR_FAILED, "a writer failed");
	take_errors(m, err);
	disk_queue_free(m->queue);
	return r;
}

int disk_copy_run(const struct disk_copy *copy, struct cancel *c, struct error **err)
{
	AUTO_CLOSE int failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO_CLOSE int ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO_FREE struct pump *m = NEW(struct pump);

	*m = (struct pump){ .copy = copy, .failed_fd = failed_fd, .ended_fd = ended_fd };
	atomic_init(&m->failed, -1);
	if (failed_fd < 0 || ended_fd < 0)
		return error_set_errno(err, errno, "cannot make an event");
	return pump_run(m, c, err);
}
