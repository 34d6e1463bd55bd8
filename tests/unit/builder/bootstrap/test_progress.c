/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from the output of mmdebstrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/bootstrap/progress.h"

#include "base/alloc.h"

struct record {
	struct event_sink sink;
	int64_t done, total;
	char said[256];
};

static void emit(struct event_sink *sink, const struct event *ev)
{
	struct record *r = (struct record *)sink;

	if (ev->kind == EVENT_PROGRESS && ev->done >= 0) {
		r->done = ev->done;
		r->total = ev->total;
	} else if (ev->kind == EVENT_SAY) {
		(void)snprintf(r->said, sizeof(r->said), "%s", ev->text);
	}
}

static void test_lines(void **state)
{
	struct record r = { .sink.emit = emit };
	AUTO(redactor) struct redactor *redactor = redactor_new();
	struct ui ui = { .sink = &r.sink, .redactor = redactor, .build = -1 };
	struct progress p = { .ui = &ui };
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	(void)state;
	progress_line(&p, "I: downloading packages with apt...");
	assert_string_equal(r.said, "Downloading packages...");
	progress_line(&p, "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.");
	progress_line(&p, "Unpacking libc6:amd64 (2.36-9) ...");
	assert_int_equal(r.done, 1);
	assert_int_equal(r.total, 4);
	progress_line(&p, "Setting up libc6:amd64 (2.36-9) ...");
	progress_line(&p, "E: Unable to locate package nginxx");
	progress_line(&p, "E: apt-get failed");
	assert_int_equal(p.packages, 2);
	assert_int_equal(p.unpacked + p.configured, 2);
	assert_string_equal(p.cause, "E: Unable to locate package nginxx");
	progress_tail(&p, &tail);
	assert_non_null(strstr(tail.buf, "E: apt-get failed"));
	progress_release(&p);
}

static void test_tail_is_bounded(void **state)
{
	struct record r = { .sink.emit = emit };
	AUTO(redactor) struct redactor *redactor = redactor_new();
	struct ui ui = { .sink = &r.sink, .redactor = redactor, .build = -1 };
	struct progress p = { .ui = &ui };
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 100; i++) {
		AUTO_FREE char *line = xasprintf("line %d", i);

		progress_line(&p, line);
	}
	progress_tail(&p, &tail);
	assert_null(strstr(tail.buf, "line 87\n"));
	assert_memory_equal(tail.buf, "line 88\nline 89\n", 16);
	assert_non_null(strstr(tail.buf, "line 99"));
	progress_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_tail_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
