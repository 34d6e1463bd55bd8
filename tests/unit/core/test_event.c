/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/strv.h"
#include "core/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void keep_line(void *data, const char *line)
{
	strv_push(data, line);
}

static char *split(const char *bytes, size_t piece)
{
	AUTO(strv) struct strv lines = STRV_INIT;
	struct line_splitter *ls = line_splitter_new(keep_line, &lines);

	for (size_t len = strlen(bytes), at = 0; at < len; at += piece)
		line_splitter_feed(ls, bytes + at, MIN(piece, len - at));
	line_splitter_free(ls);
	return strv_join(&lines, "|");
}

static void test_lines_are_cut_and_trimmed(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "a\nb\n", "a|b" },       { "a\nb", "a|b" },
		{ "a  \t\r\nb\n", "a|b" }, { "10%\r20%\r100%\n", "100%" },
		{ "\n\nx\n", "||x" },      { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t piece = 1; piece < 4; piece++) {
			AUTO_FREE char *got = split(cases[i].in, piece);

			assert_string_equal(got, cases[i].want);
		}
}

static void count_bytes(void *data, const char *line)
{
	*(size_t *)data += strlen(line);
}

static void test_line_without_end_is_shown_in_pieces(void **state)
{
	size_t total = 0;
	struct line_splitter *ls = line_splitter_new(count_bytes, &total);
	AUTO_FREE char *block = xmalloc(65536);

	(void)state;
	memset(block, 'x', 65536);
	for (int i = 0; i < 160; i++) /* 10 MiB without a newline */
		line_splitter_feed(ls, block, 65536);
	line_splitter_free(ls);
	assert_int_equal(total, 160 * 65536);
}

struct recorder {
	struct event_sink sink;
	struct strv texts;
	int progress;
};

static void record(struct event_sink *sink, const struct event *ev)
{
	struct recorder *r = (struct recorder *)sink;

	if (ev->kind == EVENT_PROGRESS)
		r->progress++;
	else
		strv_push(&r->texts, ev->text ? ev->text : "");
}

static void test_secrets_never_leave(void **state)
{
	struct recorder r = { .sink.emit = record };
	AUTO(redactor) struct redactor *redactor = redactor_new();
	struct ui ui = { .sink = &r.sink, .redactor = redactor, .build = 0, .build_name = "b" };

	(void)state;
	strv_init(&r.texts);
	redactor_add(redactor, "hunter2", 7);
	ui_say(&ui, "the password is %s", "hunter2");
	ui_error(&ui, "%s", "x hunter2 y");
	ui_output(&ui, true, "aHVudGVyMg== in base64");
	assert_string_equal(r.texts.v[0], "the password is <sensitive>");
	assert_string_equal(r.texts.v[1], "x <sensitive> y");
	assert_string_equal(r.texts.v[2], "<sensitive> in base64");
	strv_release(&r.texts);
}

static int answer(struct event_sink *sink, const struct event *ev, struct cancel *c,
		  char **ret_line, struct error **err)
{
	struct recorder *r = (struct recorder *)sink;

	(void)c;
	(void)err;
	strv_push(&r->texts, ev->text);
	*ret_line = xstrdup("yes");
	return 0;
}

static void test_waits_and_questions(void **state)
{
	struct recorder r = { .sink.emit = record };
	AUTO(redactor) struct redactor *redactor = redactor_new();
	struct ui ui = { .sink = &r.sink, .redactor = redactor, .build = 0, .build_name = "b" };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *line = NULL;

	(void)state;
	strv_init(&r.texts);
	redactor_add(redactor, "hunter2", 7);
	ui_wait(&ui, "%s to end", "hunter2");
	ui_wait(&ui, "%s to end", "hunter2"); /* said already */
	assert_string_equal(ui.waiting_for, "<sensitive> to end");
	ui_wait_end(&ui);
	ui_wait_end(&ui);
	assert_null(ui.waiting_for);
	assert_int_equal(ui_ask(&ui, "sure?", NULL, &line, &err), -1);
	assert_string_equal(err->message, "no available tty");
	error_ignore(&err, "nobody is there");
	r.sink.ask = answer;
	assert_int_equal(ui_ask(&ui, "is it hunter2?", NULL, &line, &err), 0);
	assert_string_equal(line, "yes");
	assert_int_equal(r.texts.len, 3);
	assert_string_equal(r.texts.v[0], "<sensitive> to end");
	assert_string_equal(r.texts.v[2], "is it <sensitive>?");
	ui_wait(&ui, "the end");
	ui_release(&ui);
	strv_release(&r.texts);
}

static void test_progress_is_limited_but_the_end_is_told(void **state)
{
	struct recorder r = { .sink.emit = record };
	struct ui ui = { .sink = &r.sink, .build = 0, .build_name = "b" };

	(void)state;
	strv_init(&r.texts);
	for (int i = 0; i <= 1000; i++)
		ui_progress(&ui, "work", i, 1000, UNIT_ITEMS);
	assert_in_range(r.progress, 2, 20);
	strv_release(&r.texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_cut_and_trimmed),
		cmocka_unit_test(test_line_without_end_is_shown_in_pieces),
		cmocka_unit_test(test_secrets_never_leave),
		cmocka_unit_test(test_waits_and_questions),
		cmocka_unit_test(test_progress_is_limited_but_the_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
