/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/vec.h"
#include "cli/output.h"
#include "core/artifact.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
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
	char *text, *type;
	char **data;
};
VEC_DECLARE(owned_events, struct owned_event);

/* Lives on the stack of the thread that asks. */
struct question {
	int number;
	int fd; /* readable once it is answered */
	bool answered;
	char *line;
	struct error *error;
};
VEC_DECLARE(question_list, struct question *);

struct event_queue {
	struct event_sink sink;
	pthread_mutex_t mutex; /* guards waiting, bytes, questions, last_question */
	pthread_cond_t taken;  /* waiting was emptied */
	struct owned_events waiting;
	size_t bytes; /* of text in waiting */
	struct question_list questions;
	int last_question;
	int fd;
	/* of the thread that made it and drains it */
	pthread_t owner;
	struct owned_events out;
	size_t next;
};

static char **copy_strings(const char *const *v, size_t *bytes)
{
	size_t n = 0;

	while (v[n])
		n++;

	char **copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i] = xstrdup(v[i]);
		*bytes += sizeof(*copy) + strlen(v[i]);
	}
	return copy;
}

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void emit(struct event_sink *sink, const struct event *ev)
{
	struct event_queue *q = (struct event_queue *)sink;
	struct owned_event o = { .ev = *ev, .text = xstrdup(ev->text), .type = xstrdup(ev->type) };
	size_t bytes = sizeof(o) + (ev->text ? strlen(ev->text) : 0);

	o.ev.text = o.text;
	o.ev.type = o.type;
	if (ev->data) {
		o.data = copy_strings(ev->data, &bytes);
		o.ev.data = (const char *const *)o.data;
	}
	pthread_mutex_lock(&q->mutex);
	while (q->bytes > WAITING_MAX)
		pthread_cond_wait(&q->taken, &q->mutex);
	q->bytes += bytes;
	*vec_push(&q->waiting) = o;
	pthread_mutex_unlock(&q->mutex);
	wake(q->fd);
}

/* ---- questions ----------------------------------------------------------------- */

/* Its place, with the mutex held; the number of all when it is not there. */
static size_t find_question(const struct event_queue *q, int number)
{
	size_t i = 0;

	while (i < q->questions.len && q->questions.items[i]->number != number)
		i++;
	return i;
}

static void withdraw(struct event_queue *q, int number)
{
	pthread_mutex_lock(&q->mutex);

	size_t at = find_question(q, number);

	if (at < q->questions.len)
		vec_remove(&q->questions, at);
	pthread_mutex_unlock(&q->mutex);
	wake(q->fd);
}

static int ask(struct event_sink *sink, const struct event *ev, struct cancel *c, char **ret_line,
	       struct error **err)
{
	struct event_queue *q = (struct event_queue *)sink;
	AUTO_CLOSE int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct question question = { .fd = fd };
	struct event numbered = *ev;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot ask");
	if (pthread_equal(q->owner, pthread_self())) /* nobody else is there to answer */
		return error_set(err, ERROR_NOT_FOUND, "no available tty");
	pthread_mutex_lock(&q->mutex);
	numbered.index = question.number = ++q->last_question;
	*vec_push(&q->questions) = &question;
	pthread_mutex_unlock(&q->mutex);
	emit(sink, &numbered);

	int r = io_wait(fd, POLLIN, DEADLINE_NEVER, c, err);

	withdraw(q, question.number);
	if (r < 0) { /* an answer that came at the same moment is too late */
		free(question.line);
		error_free(question.error);
		return -1;
	}
	if (question.error)
		return error_move(err, question.error);
	*ret_line = question.line;
	return 0;
}

bool event_queue_asks(struct event_queue *q, int question)
{
	pthread_mutex_lock(&q->mutex);

	size_t at = find_question(q, question);
	bool asks = at < q->questions.len && !q->questions.items[at]->answered;

	pthread_mutex_unlock(&q->mutex);
	return asks;
}

void event_queue_answer(struct event_queue *q, int question, char *line, struct error *error)
{
	pthread_mutex_lock(&q->mutex);

	size_t at = find_question(q, question);

	if (at < q->questions.len && !q->questions.items[at]->answered) {
		struct question *asked = q->questions.items[at];

		asked->line = TAKE(line);
		asked->error = TAKE(error);
		asked->answered = true;
		wake(asked->fd);
	}
	pthread_mutex_unlock(&q->mutex);
	free(line);
	error_free(error);
}

/* ---- the queue ----------------------------------------------------------------- */

struct event_queue *event_queue_new(struct error **err)
{
	AUTO_CLOSE int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		error_set_errno(err, errno, "cannot follow the builds");
		return NULL;
	}

	struct event_queue *q = NEW(struct event_queue);

	q->sink.emit = emit;
	q->sink.ask = ask;
	q->owner = pthread_self();
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->taken, NULL);
	q->fd = fd_take(&fd);
	return q;
}

static void release(struct owned_event *o)
{
	free(o->text);
	free(o->type);
	strv_free_raw(o->data);
}

void event_queue_free(struct event_queue *q)
{
	if (!q)
		return;
	for (size_t i = q->next; i < q->out.len; i++)
		release(&q->out.items[i]);
	for (size_t i = 0; i < q->waiting.len; i++)
		release(&q->waiting.items[i]);
	vec_release(&q->out);
	vec_release(&q->waiting);
	vec_release(&q->questions);
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

void event_queue_hush(struct event_queue *q)
{
	uint64_t count;

	(void)!read(q->fd, &count, sizeof(count));
}

/* False when the callback wants no more for now. */
static bool give_out(struct event_queue *q, bool (*fn)(void *data, const struct event *ev),
		     void *data)
{
	while (q->next < q->out.len) {
		struct owned_event *o = &q->out.items[q->next++];
		bool go_on = fn(data, &o->ev);

		release(o);
		if (!go_on)
			return false;
	}
	return true;
}

void event_queue_drain(struct event_queue *q, bool (*fn)(void *data, const struct event *ev),
		       void *data)
{
	event_queue_hush(q);
	if (!give_out(q, fn, data))
		return;
	vec_release(&q->out);
	q->next = 0;
	pthread_mutex_lock(&q->mutex);
	q->out = q->waiting;
	q->waiting = (struct owned_events){ 0 };
	q->bytes = 0;
	pthread_cond_broadcast(&q->taken);
	pthread_mutex_unlock(&q->mutex);
	(void)give_out(q, fn, data);
}

void renderer_free(struct renderer *r)
{
	if (r)
		r->ops->free(r);
}
