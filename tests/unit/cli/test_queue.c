/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "cli/output.h"
#include "os/cancel.h"
#include "os/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024 * 1024, LINES = 64 };

struct seen {
	struct strbuf text;
	size_t count;
};

static bool note(void *data, const struct event *ev)
{
	struct seen *s = data;

	s->count++;
	if (s->text.len < 1000)
		strbuf_addf(&s->text, "%d:%.3s%s%s;", ev->kind, ev->text ? ev->text : "-",
			    ev->type ? ev->type : "", ev->data ? ev->data[1] : "");
	return true;
}

static void test_order_and_copies(void **state)
{
	struct error *failed = NULL;
	AUTO(event_queue) struct event_queue *q = event_queue_new(&failed);
	struct event_sink *sink = event_queue_sink(q);
	struct seen s = { .text = STRBUF_INIT };
	char text[] = "one";
	char type[] = "t", second[] = "b";
	const char *data[] = { "a", second, NULL };
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "empty, as it should be");
	sink->emit(sink, &(struct event){ .kind = EVENT_SAY, .text = text });
	sink->emit(sink, &(struct event){ .kind = EVENT_TYPED, .type = type, .data = data });
	memset(text, 'x', 3);
	type[0] = second[0] = 'x';
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), 0);
	event_queue_drain(q, note, &s);
	assert_string_equal(s.text.buf, "0:one;9:-tb;");
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), -1);
	strbuf_release(&s.text);
}

struct talker {
	struct event_sink *sink;
	const char *line;
	atomic_int said;
};

static void *talk(void *data)
{
	struct talker *t = data;

	for (int i = 0; i < LINES; i++) {
		t->sink->emit(t->sink, &(struct event){ .kind = EVENT_OUTPUT, .text = t->line });
		atomic_fetch_add(&t->said, 1);
	}
	return NULL;
}

/* Who talks faster than we print has to wait. */
static void test_limit(void **state)
{
	struct error *failed = NULL;
	AUTO(event_queue) struct event_queue *q = event_queue_new(&failed);
	AUTO_FREE char *line = xcalloc(LINE + 1, 1);
	struct talker t = { .sink = event_queue_sink(q), .line = line };
	struct seen s = { .text = STRBUF_INIT };
	int64_t deadline = clock_deadline(10 * NSEC_PER_SEC);
	pthread_t thread;

	(void)state;
	memset(line, 'x', LINE);
	assert_int_equal(pthread_create(&thread, NULL, talk, &t), 0);
	while (s.count < LINES && clock_monotonic() < deadline) {
		AUTO(error) struct error *err = NULL;
		size_t before = s.count;

		assert_int_equal(io_wait(event_queue_fd(q), POLLIN, deadline, NULL, &err), 0);
		event_queue_drain(q, note, &s);
		assert_true(s.count - before <= 6); /* 4 MiB and the one that passes it */
	}
	pthread_join(thread, NULL);
	assert_int_equal(s.count, LINES);
	assert_int_equal(atomic_load(&t.said), LINES);
	strbuf_release(&s.text);
}

/* ---- questions -------------------------------------------------------------------- */

struct asker {
	struct event_sink *sink;
	struct cancel *cancel;
	char *line;
	struct error *error;
};

static void *ask(void *data)
{
	struct asker *a = data;
	const struct event ev = { .kind = EVENT_QUESTION, .text = "sure?", .build_name = "b" };

	if (a->sink->ask(a->sink, &ev, a->cancel, &a->line, &a->error) == 0)
		assert(!a->error);
	return NULL;
}

struct found {
	int question;
	size_t later; /* events after the question */
};

/* Stops at the question. */
static bool look_for(void *data, const struct event *ev)
{
	struct found *f = data;

	f->later += f->question != 0;
	if (ev->kind != EVENT_QUESTION)
		return true;
	f->question = ev->index;
	assert_string_equal(ev->text, "sure?");
	return false;
}

static int next_question(struct event_queue *q, struct found *f)
{
	int64_t deadline = clock_deadline(30 * NSEC_PER_SEC);
	AUTO(error) struct error *err = NULL;

	*f = (struct found){ 0 };
	while (!f->question) {
		assert_int_equal(io_wait(event_queue_fd(q), POLLIN, deadline, NULL, &err), 0);
		event_queue_drain(q, look_for, f);
	}
	return f->question;
}

static void start(pthread_t *ret, struct event_queue *q, struct asker *a, struct cancel *c)
{
	*a = (struct asker){ .sink = event_queue_sink(q), .cancel = c };
	assert_int_equal(pthread_create(ret, NULL, ask, a), 0);
}

static void test_answers(void **state)
{
	struct error *failed = NULL;
	AUTO(event_queue) struct event_queue *q = event_queue_new(&failed);
	struct event_sink *sink = event_queue_sink(q);
	struct asker a, b;
	pthread_t first, second;
	struct found f;

	(void)state;
	sink->emit(sink, &(struct event){ .kind = EVENT_SAY, .text = "before" });
	start(&first, q, &a, NULL);

	int one = next_question(q, &f);

	/* what comes behind a question waits for the next time */
	sink->emit(sink, &(struct event){ .kind = EVENT_SAY, .text = "after" });
	assert_int_equal(f.later, 0);
	start(&second, q, &b, NULL);

	int two = next_question(q, &f);

	assert_int_not_equal(one, two);
	assert_true(event_queue_asks(q, one) && event_queue_asks(q, two));
	event_queue_answer(q, two, xstrdup("yes"), NULL);
	event_queue_answer(q, two, xstrdup("too late"), NULL);
	assert_false(event_queue_asks(q, two));

	struct error *e = NULL;

	error_set(&e, ERROR_NOT_FOUND, "nobody");
	event_queue_answer(q, one, NULL, e);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	assert_string_equal(a.error->message, "nobody");
	assert_string_equal(b.line, "yes");
	event_queue_answer(q, 77, xstrdup("to nobody"), NULL);
	free(b.line);
	error_free(a.error);
}

static void test_withdrawn(void **state)
{
	struct error *failed = NULL;
	AUTO(event_queue) struct event_queue *q = event_queue_new(&failed);
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(error) struct error *err = NULL;
	struct asker a;
	pthread_t thread;
	struct found f;

	(void)state;
	start(&thread, q, &a, c);

	int question = next_question(q, &f);

	cancel_trigger(c);
	pthread_join(thread, NULL);
	assert_int_equal(a.error->kind, ERROR_CANCELLED);
	assert_false(event_queue_asks(q, question));
	/* the one who shows it is woken up */
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), 0);
	event_queue_hush(q);
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), -1);
	event_queue_answer(q, question, xstrdup("dropped"), NULL);
	error_free(a.error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_copies),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_withdrawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
