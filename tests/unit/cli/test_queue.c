/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "cli/output.h"
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
		strbuf_addf(&s->text, "%d:%.3s%s;", ev->kind, ev->text ? ev->text : "-",
			    ev->data ? ev->data[1] : "");
	return true;
}

static void test_order_and_copies(void **state)
{
	AUTO(event_queue) struct event_queue *q = event_queue_new();
	struct event_sink *sink = event_queue_sink(q);
	struct seen s = { .text = STRBUF_INIT };
	char text[] = "one";
	char second[] = "b";
	const char *data[] = { "a", second, NULL };
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "empty, as it should be");
	sink->emit(sink, &(struct event){ .kind = EVENT_SAY, .text = text });
	sink->emit(sink, &(struct event){ .kind = EVENT_TYPED, .data = data });
	memset(text, 'x', 3);
	second[0] = 'x';
	assert_int_equal(io_wait(event_queue_fd(q), POLLIN, clock_deadline(0), NULL, &err), 0);
	event_queue_drain(q, note, &s);
	assert_string_equal(s.text.buf, "0:one;9:-b;");
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
	AUTO(event_queue) struct event_queue *q = event_queue_new();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_copies),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
