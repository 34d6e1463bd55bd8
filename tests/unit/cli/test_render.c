/* SPDX-License-Identifier: Apache-2.0 */
/* The three renderers, line by line: what scripts and people read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "cli/output.h"
#include "core/artifact.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WALL (1700000000 * NSEC_PER_SEC) /* 2023-11-14T22:13:20Z */

struct screen {
	FILE *out;
	char *text;
	size_t len;
};

static void screen_open(struct screen *s)
{
	*s = (struct screen){ 0 };
	s->out = open_memstream(&s->text, &s->len);
	assert_non_null(s->out);
}

/* What was written since the last look. */
static void expect(struct screen *s, const char *want)
{
	fflush(s->out);
	assert_string_equal(s->text, want);
	rewind(s->out);
	memset(s->text, 0, s->len);
}

static void screen_close(struct screen *s)
{
	fclose(s->out);
	free(s->text);
}

static struct event of_build(enum event_kind kind, int build, const char *text)
{
	static const char *const names[] = { "null.a", "web.null.b" };

	return (struct event){ .kind = kind,
			       .wall = WALL,
			       .monotonic = clock_monotonic(),
			       .build = build,
			       .build_name = names[build],
			       .text = text,
			       .is_error = kind == EVENT_ERROR };
}

static void send(struct renderer *r, struct event ev)
{
	r->ops->event(r, &ev);
}

static struct event step(enum event_kind kind, const char *name, int index, bool ok)
{
	struct event ev = of_build(kind, 0, name);

	ev.index = index;
	ev.total = 3;
	ev.ok = ok;
	ev.duration = 1500 * NSEC_PER_MSEC;
	return ev;
}

static struct event build_end(bool ok, const char *text)
{
	struct event ev = of_build(EVENT_BUILD_END, 0, text);

	ev.ok = ok;
	ev.duration = 65 * NSEC_PER_SEC;
	return ev;
}

static struct event progress(int64_t done, int64_t total)
{
	struct event ev = of_build(EVENT_PROGRESS, 0, "downloading");

	ev.done = done;
	ev.total = total;
	return ev;
}

/* ---- human -------------------------------------------------------------------------- */

static void test_human_messages(void **state)
{
	const struct human_options opts = { 0 };
	struct screen s;
	struct event ev;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, of_build(EVENT_SAY, 0, "one\ntwo  "));
	expect(&s, "==> null.a: one\n==> null.a: two\n");
	send(r, of_build(EVENT_SAY, 1, ""));
	expect(&s, "==> web.null.b:\n");
	send(r, of_build(EVENT_ERROR, 0, "no"));
	expect(&s, "==> null.a: no\n");
	ev = of_build(EVENT_OUTPUT, 0, "from a command");
	send(r, ev);
	expect(&s, "    null.a: from a command\n");
	ev.is_error = true;
	send(r, ev);
	expect(&s, "==> null.a: from a command\n");
	ev = of_build(EVENT_SAY, 0, "packing\nmore");
	ev.label = "compress";
	send(r, ev);
	expect(&s, "==> null.a (compress): packing\n==> null.a (compress): more\n");
	r->ops->say(r, "\n==> Wait completed after 1 second");
	expect(&s, "\n==> Wait completed after 1 second\n");
	r->ops->error(r, "Error: no");
	expect(&s, "Error: no\n");
	send(r, progress(1, 2)); /* no terminal: nothing live */
	r->ops->tick(r);
	expect(&s, "");
	screen_close(&s);
}

static void test_human_colors(void **state)
{
	const struct human_options opts = { .color = true };
	struct screen s;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, of_build(EVENT_SAY, 0, "one\ntwo"));
	expect(&s, "\033[1;32m==> null.a: one\n==> null.a: two\033[0m\n");
	send(r, of_build(EVENT_OUTPUT, 1, "x"));
	expect(&s, "\033[1;36m    web.null.b: x\033[0m\n");
	send(r, of_build(EVENT_ERROR, 1, "x"));
	expect(&s, "\033[1;31m==> web.null.b: x\033[0m\n");
	r->ops->say(r, "general");
	expect(&s, "general\n");
	r->ops->error(r, "Error: no");
	expect(&s, "\033[1;31mError: no\033[0m\n");
	screen_close(&s);
}

static void test_human_times(void **state)
{
	const struct human_options opts = { .color = true, .timestamps = true };
	struct screen s;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, of_build(EVENT_SAY, 0, "one\ntwo"));
	expect(&s, "\033[1;32m2023-11-14T22:13:20Z: ==> null.a: one\n==> null.a: two\033[0m\n");
	screen_close(&s);
}

static void test_human_end(void **state)
{
	const struct human_options opts = { 0 };
	struct screen s;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, of_build(EVENT_BUILD_START, 0, NULL));
	send(r, step(EVENT_STEP_START, "start", 1, true));
	send(r, step(EVENT_STEP_END, "start", 1, true));
	send(r, step(EVENT_STEP_START, "shell", 2, true));
	send(r, step(EVENT_STEP_END, "shell", 2, false));
	expect(&s, "");
	send(r, build_end(false, "Script exited"));
	expect(&s, "    null.a:      1.5 s  start\n    null.a:      1.5 s  shell (failed)\n"
		   "Build 'null.a' errored after 1 minute 5 seconds: Script exited\n");
	screen_close(&s);

	screen_open(&s);
	AUTO(renderer) struct renderer *good = renderer_human_new(s.out, &opts);

	send(good, build_end(true, NULL));
	expect(&s, "Build 'null.a' finished after 1 minute 5 seconds.\n");
	screen_close(&s);
}

#define CLEAR  "\033[1A\033[2K"
#define STATUS "--> null.a: step 2 of 3: shell, 0:00\n"

static void test_human_live(void **state)
{
	const struct human_options opts = { .live = true };
	struct screen s;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, step(EVENT_STEP_START, "shell", 2, true));
	expect(&s, STATUS);
	send(r, of_build(EVENT_SAY, 0, "hello"));
	expect(&s, CLEAR "==> null.a: hello\n" STATUS);
	send(r, progress(512 * 1024, 1024 * 1024));
	expect(&s, CLEAR STATUS
	       "    null.a: downloading [============            ] 50% 512 KiB/1.0 MiB\n");
	r->ops->say(r, "general");
	expect(&s, CLEAR CLEAR "general\n" STATUS
			       "    null.a: downloading [============            ] 50% 512 "
			       "KiB/1.0 MiB\n");
	send(r, progress(-1, 0));
	expect(&s, CLEAR CLEAR STATUS);
	send(r, progress(2048, 0)); /* of unknown size */
	expect(&s, CLEAR STATUS "    null.a: downloading 2.0 KiB\n");
	r->ops->suspend(r);
	expect(&s, CLEAR CLEAR);
	send(r, build_end(true, NULL));
	r->ops->tick(r);
	expect(&s, "Build 'null.a' finished after 1 minute 5 seconds.\n");
	screen_close(&s);
}

/* A line as wide as the terminal would wrap and could not be taken away. */
static void test_human_live_is_cut(void **state)
{
	const struct human_options opts = { .live = true };
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;
	struct screen s;

	(void)state;
	for (int i = 0; i < 60; i++)
		strbuf_addstr(&name, "\xe6\xbc\xa2"); /* two columns each */
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_human_new(s.out, &opts);

	send(r, step(EVENT_STEP_START, name.buf, 2, true));
	fflush(s.out);
	assert_int_equal(s.len, strlen("--> null.a: step 2 of 3: ") + 27 * 3 + 1);
	screen_close(&s);
}

/* ---- machine-readable ------------------------------------------------------------------ */

static void test_machine(void **state)
{
	static const char *const data[] = { "a,b", "c\r\nd", NULL };
	struct screen s;
	struct event ev;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_machine_new(s.out);

	send(r, of_build(EVENT_SAY, 0, "one, two\nthree"));
	expect(&s, "1700000000,,ui,say,==> null.a: one%!(PACKER_COMMA) two\\n==> null.a: three\n");
	send(r, of_build(EVENT_ERROR, 0, "no"));
	expect(&s, "1700000000,,ui,error,==> null.a: no\n");
	ev = of_build(EVENT_OUTPUT, 0, "x");
	ev.is_error = true;
	send(r, ev);
	expect(&s, "1700000000,,ui,error,==> null.a: x\n");
	ev = of_build(EVENT_TYPED, 1, NULL);
	ev.type = "artifact";
	ev.data = data;
	send(r, ev);
	expect(&s, "1700000000,web.null.b,artifact,a%!(PACKER_COMMA)b,c\\r\\nd\n");
	send(r, step(EVENT_STEP_START, "start", 1, true));
	send(r, step(EVENT_STEP_END, "start", 1, true));
	send(r, progress(1, 2));
	expect(&s, "");
	send(r, build_end(false, "no"));
	expect(&s, "1700000000,,ui,error,Build 'null.a' errored after 1 minute 5 seconds: no\n");
	screen_close(&s);
}

/* ---- JSON lines ------------------------------------------------------------------------- */

#define AT "{\"time\":\"2023-11-14T22:13:20Z\",\"event\":"

static void test_json(void **state)
{
	AUTO(artifact) struct artifact *a = artifact_new("packer.file", "File", "Stored file: x");
	struct screen s;
	struct event ev;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_json_new(s.out);

	send(r, of_build(EVENT_SAY, 0, "say \"it\"\n"));
	expect(&s, AT "\"message\",\"build\":\"null.a\",\"text\":\"say \\\"it\\\"\\n\"}\n");
	ev = of_build(EVENT_OUTPUT, 0, "x");
	ev.is_error = true;
	ev.label = "compress";
	send(r, ev);
	expect(&s, AT "\"output\",\"build\":\"null.a\",\"label\":\"compress\",\"text\":\"x\","
		      "\"stream\":\"stderr\"}\n");
	send(r, step(EVENT_STEP_START, "start", 1, true));
	expect(&s, AT "\"step-start\",\"build\":\"null.a\",\"text\":\"start\",\"step\":1,"
		      "\"steps\":3}\n");
	send(r, step(EVENT_STEP_END, "start", 1, false));
	expect(&s, AT "\"step-end\",\"build\":\"null.a\",\"text\":\"start\",\"ok\":false,"
		      "\"seconds\":1.5,\"step\":1,\"steps\":3}\n");
	send(r, progress(1, 2));
	expect(&s, AT "\"progress\",\"build\":\"null.a\",\"text\":\"downloading\",\"done\":1,"
		      "\"total\":2,\"unit\":\"bytes\"}\n");
	strv_push(&a->files, "x");
	ev = of_build(EVENT_ARTIFACT, 0, NULL);
	ev.artifact = a;
	send(r, ev);
	expect(&s, AT "\"artifact\",\"build\":\"null.a\",\"artifact\":{\"builder_id\":"
		      "\"packer.file\",\"id\":\"File\",\"text\":\"Stored file: x\",\"files\":"
		      "[\"x\"]}}\n");
	screen_close(&s);
}

static void test_json_bytes(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s);
	AUTO(renderer) struct renderer *r = renderer_json_new(s.out);

	send(r, of_build(EVENT_OUTPUT, 0, "a\xff\xc3(\xe6\xbc\xa2\xc3"));
	expect(&s, AT "\"output\",\"build\":\"null.a\",\"text\":"
		      "\"a\xef\xbf\xbd\xef\xbf\xbd(\xe6\xbc\xa2\xef\xbf\xbd\",\"stream\":"
		      "\"stdout\"}\n");
	screen_close(&s);
}

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_human_messages), cmocka_unit_test(test_human_colors),
		cmocka_unit_test(test_human_times),    cmocka_unit_test(test_human_end),
		cmocka_unit_test(test_human_live),     cmocka_unit_test(test_human_live_is_cut),
		cmocka_unit_test(test_machine),        cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_bytes),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
