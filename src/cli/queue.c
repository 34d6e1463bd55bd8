/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/vec.h"
#include "cli/output.h"
#include "core/artifact.h"
#include "os/fd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* More text than this does not wait: builds do, until the reader of our output has caught up. */
enum { WAITING_MAX = 4 * 1024 * 1024 };

/* An event with its own copies of what the emitter lent. */
struct owned_event {
	struct event ev;
	char *text;
	char **data;
};
VEC_DECLARE(owned_events, struct owned_event);

struct event_queue {
	struct event_sink sink;
	pthread_mutex_t mutex; /* guards waiting and bytes */
	pthread_cond_t taken;  /* waiting was emptied */
	struct owned_events waiting;
	size_t bytes; /* of text in waiting */
	int fd;
};

static char **copy_strings(const char *const *v)
{
	size_t n = 0;

	while (v[n])
		n++;

	char **copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(v[i]);
	return copy;
}

static void emit(struct event_sink *sink, const struct event *ev)
{
	struct event_queue *q = (struct event_queue *)sink;
	struct owned_event o = { .ev = *ev, .text = xstrdup(ev->text) };
	size_t bytes = sizeof(o) + (ev->text ? strlen(ev->text) : 0);
	uint64_t one = 1;

	o.ev.text = o.text;
	if (ev->data) {
		o.data = copy_strings(ev->data);
		o.ev.data = (const char *const *)o.data;
	}
	pthread_mutex_lock(&q->mutex);
	while (q->bytes > WAITING_MAX)
		pthread_cond_wait(&q->taken, &q->mutex);
	q->bytes += bytes;
	*vec_push(&q->waiting) = o;
	pthread_mutex_unlock(&q->mutex);
	(void)!write(q->fd, &one, sizeof(one));
}

struct event_queue *event_queue_new(void)
{
	struct event_queue *q = NEW(struct event_queue);

	q->sink.emit = emit;
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->taken, NULL);
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return q;
}

static void release(struct owned_event *o)
{
	free(o->text);
	strv_free_raw(o->data);
}

void event_queue_free(struct event_queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->waiting.len; i++)
		release(&q->waiting.items[i]);
	vec_release(&q->waiting);
	pthread_mutex_destroy(&q->mutex);
	pthread_cond_destroy(&q->taken);
	fd_close(q->fd);
	free(q);
}

struct event_sink *event_queue_sink(struct event_queue *q)
{
	return &q->sink;
}

int event_queue_fd(const struct event_queue *q)
{
	return q->fd;
}

void event_queue_drain(struct event_queue *q, void (*fn)(void *data, const struct event *ev),
		       void *data)
{
	uint64_t count;

	(void)!read(q->fd, &count, sizeof(count));
	pthread_mutex_lock(&q->mutex);

	struct owned_events taken = q->waiting;

	q->waiting = (struct owned_events){ 0 };
	q->bytes = 0;
	pthread_cond_broadcast(&q->taken);
	pthread_mutex_unlock(&q->mutex);
	for (size_t i = 0; i < taken.len; i++) {
		fn(data, &taken.items[i].ev);
		release(&taken.items[i]);
	}
	vec_release(&taken);
}

void renderer_free(struct renderer *r)
{
	if (r)
		r->ops->free(r);
}
