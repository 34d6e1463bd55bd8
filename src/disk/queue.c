/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/queue.h"

#include "base/alloc.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A ring that has room for all pieces there are. */
struct lane {
	struct disk_piece **ring;
	size_t first, len;
	int news; /* eventfd: a look may show something */
};

struct disk_queue {
	pthread_mutex_t mutex; /* guards all but the event fds */
	struct disk_piece *pieces;
	size_t count;
	struct disk_piece *empty; /* a list */
	int room;                 /* eventfd: there may be an empty one */
	struct lane lanes[DISK_LANES_MAX];
	size_t lane_count;
	bool ended;
};

static void ring_bell(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one)); /* it cannot run over */
}

/* The bell is silenced before the look: what comes after it rings again. */
static int wait_for_bell(int fd, struct cancel *c, struct error **err)
{
	uint64_t count;

	if (io_wait(fd, POLLIN, DEADLINE_NEVER, c, err) < 0)
		return -1;
	(void)!read(fd, &count, sizeof(count));
	return 0;
}

static int new_bell(int *ret, struct error **err)
{
	*ret = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *ret < 0 ? error_set_errno(err, errno, "cannot make an event") : 0;
}

int disk_queue_new(size_t lanes, size_t pieces, struct disk_queue **ret, struct error **err)
{
	AUTO(disk_queue) struct disk_queue *q = NEW(struct disk_queue);

	assert(lanes && lanes <= DISK_LANES_MAX && pieces);
	*q = (struct disk_queue){ .count = pieces, .lane_count = lanes, .room = -1 };
	pthread_mutex_init(&q->mutex, NULL);
	q->pieces = xcalloc(pieces, sizeof(*q->pieces));
	for (size_t i = 0; i < lanes; i++)
		q->lanes[i] = (struct lane){ .news = -1 };
	for (size_t i = 0; i < pieces; i++) {
		q->pieces[i] =
			(struct disk_piece){ .bytes = xmalloc(DISK_PIECE), .next = q->empty };
		q->empty = &q->pieces[i];
	}
	for (size_t i = 0; i < lanes; i++) {
		q->lanes[i].ring = xcalloc(pieces, sizeof(struct disk_piece *));
		if (new_bell(&q->lanes[i].news, err) < 0)
			return -1;
	}
	if (new_bell(&q->room, err) < 0)
		return -1;
	*ret = TAKE(q);
	return 0;
}

void disk_queue_free(struct disk_queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->pieces[i].bytes);
	for (size_t i = 0; i < q->lane_count; i++) {
		free(q->lanes[i].ring);
		fd_close(q->lanes[i].news);
	}
	fd_close(q->room);
	free(q->pieces);
	pthread_mutex_destroy(&q->mutex);
	free(q);
}

struct disk_piece *disk_queue_try(struct disk_queue *q)
{
	pthread_mutex_lock(&q->mutex);

	struct disk_piece *p = q->empty;

	if (p)
		q->empty = p->next;
	pthread_mutex_unlock(&q->mutex);
	return p;
}

int disk_queue_take(struct disk_queue *q, struct cancel *c, struct disk_piece **ret,
		    struct error **err)
{
	struct disk_piece *p;

	while (!(p = disk_queue_try(q)))
		if (wait_for_bell(q->room, c, err) < 0)
			return -1;
	*ret = p;
	return 0;
}

void disk_queue_give(struct disk_queue *q, struct disk_piece *p)
{
	pthread_mutex_lock(&q->mutex);
	p->users = (int)q->lane_count;
	for (size_t i = 0; i < q->lane_count; i++) {
		struct lane *l = &q->lanes[i];

		l->ring[(l->first + l->len++) % q->count] = p;
	}
	pthread_mutex_unlock(&q->mutex);
	for (size_t i = 0; i < q->lane_count; i++)
		ring_bell(q->lanes[i].news);
}

void disk_queue_again(struct disk_queue *q, struct disk_piece *p)
{
	pthread_mutex_lock(&q->mutex);
	p->next = q->empty;
	q->empty = p;
	pthread_mutex_unlock(&q->mutex);
	ring_bell(q->room);
}

void disk_queue_end(struct disk_queue *q)
{
	pthread_mutex_lock(&q->mutex);
	q->ended = true;
	pthread_mutex_unlock(&q->mutex);
	for (size_t i = 0; i < q->lane_count; i++)
		ring_bell(q->lanes[i].news);
}

/* False: it has to wait. */
static bool look(struct disk_queue *q, struct lane *l, struct disk_piece **ret)
{
	pthread_mutex_lock(&q->mutex);

	bool known = l->len || q->ended;

	*ret = NULL;
	if (l->len) {
		*ret = l->ring[l->first];
		l->first = (l->first + 1) % q->count;
		l->len--;
	}
	pthread_mutex_unlock(&q->mutex);
	return known;
}

int disk_queue_next(struct disk_queue *q, size_t lane, struct cancel *c, struct disk_piece **ret,
		    struct error **err)
{
	assert(lane < q->lane_count);
	while (!look(q, &q->lanes[lane], ret))
		if (wait_for_bell(q->lanes[lane].news, c, err) < 0)
			return -1;
	return 0;
}

void disk_queue_done(struct disk_queue *q, struct disk_piece *p)
{
	bool is_last;

	pthread_mutex_lock(&q->mutex);
	is_last = --p->users == 0;
	pthread_mutex_unlock(&q->mutex);
	if (is_last)
		disk_queue_again(q, p);
}
