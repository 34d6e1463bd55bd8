/* SPDX-License-Identifier: Apache-2.0 */
/* Histories of builds: what a step's key is not the last one's for, and how long it takes. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "core/history.h"
#include "os/clock.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char *state_dir;
static struct redactor *secrets;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	(void)state;
	secrets = redactor_new();
	return fs_temp_dir("/tmp", "ingot-history-test-", &state_dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(state_dir, &e);

	(void)state;
	free(state_dir);
	redactor_free(secrets);
	return r;
}

/* ---- builds ----------------------------------------------------------------------------- */

enum { STEPS_MAX = 8, INPUTS_MAX = 3 };

static const struct builder_type builder = { .name = "maker" };
static const struct provisioner_type shell = { .name = "shell" }, file = { .name = "file" };
static const struct postproc_type compress = { .name = "compress" };
static const struct config_postprocessor compress_block = { .type = "compress" };

/* A step: its type, its name, and NAME=DIGEST[/MARKS] of what takes part. */
struct made_step {
	const struct provisioner_type *type;
	const char *name;
	const char *inputs[INPUTS_MAX];
	enum history_outcome outcome;
	int seconds;
};

struct made {
	struct plan plan;
	struct plan_build build;
	struct plan_step steps[STEPS_MAX];
	struct config_provisioner blocks[STEPS_MAX];
	struct plan_post post;
	struct plan_chain chain;
	struct history *h;
};

static void note_key(struct history *h, enum history_kind kind, size_t i, const char *const *inputs,
		     struct strbuf *so_far)
{
	struct step_key key = { 0 };
	AUTO(strv) struct strv texts = STRV_INIT;

	for (size_t k = 0; k < INPUTS_MAX && inputs[k]; k++) {
		char *name = xstrdup(inputs[k]), *digest = strchr(name, '=');
		char *lines = strchr(digest, '/');

		strbuf_addf(so_far, "%s;", inputs[k]);
		*digest++ = '\0';
		if (lines)
			*lines++ = '\0';
		*vec_push(&key.inputs) =
			(struct key_input){ .name = name, .digest = digest, .lines = lines };
		strv_push_take(&texts, name);
	}
	strbuf_addch(so_far, '|');
	/* what is before it takes part */
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *hex = NULL;

	digest_add(d, so_far->buf, so_far->len);
	key.hex = hex = digest_finish_hex(d);
	history_note_key(h, kind, i, &key);
	vec_release(&key.inputs);
}

/* A build of `steps` (type NULL ends) in the state that was loaded; the key of start is `base`. */
static void make(struct made *m, const char *template, const char *base,
		 const struct made_step *steps)
{
	AUTO(strbuf) struct strbuf key = STRBUF_INIT;

	*m = (struct made){ .post = { .type = &compress, .block = &compress_block } };
	m->chain = (struct plan_chain){ .items = &m->post, .len = 1 };
	m->build = (struct plan_build){ .name = "maker.x",
					.type = &builder,
					.steps = m->steps,
					.chains = &m->chain,
					.chain_count = 1 };
	m->plan = (struct plan){ .builds = &m->build, .len = 1, .options.redactor = secrets };
	for (size_t i = 0; steps[i].type; i++) {
		m->blocks[i] = (struct config_provisioner){ .name = steps[i].name };
		m->steps[i] = (struct plan_step){ .type = steps[i].type, .block = &m->blocks[i] };
		m->build.step_count++;
	}
	m->h = history_load(state_dir, template, &m->plan, &m->build);
	note_key(m->h, HISTORY_START, 0, (const char *[INPUTS_MAX]){ base }, &key);
	for (size_t i = 0; steps[i].type; i++) {
		note_key(m->h, HISTORY_STEP, i, steps[i].inputs, &key);
		history_note_end(m->h, HISTORY_STEP, i, steps[i].outcome,
				 steps[i].seconds * NSEC_PER_SEC);
	}
	note_key(m->h, HISTORY_FINISH, 0, (const char *[INPUTS_MAX]){ "format=qcow2" }, &key);
	note_key(m->h, HISTORY_POST, 0, (const char *[INPUTS_MAX]){ "output=a.gz" }, &key);
	history_note_end(m->h, HISTORY_START, 0, HISTORY_DONE, NSEC_PER_SEC);
	history_note_end(m->h, HISTORY_FINISH, 0, HISTORY_DONE, NSEC_PER_SEC);
	history_note_end(m->h, HISTORY_POST, 0, HISTORY_DONE, NSEC_PER_SEC);
}

static void run(const char *template, const char *base, const struct made_step *steps)
{
	AUTO(error) struct error *e = NULL;
	struct made m;

	make(&m, template, base, steps);
	assert_int_equal(history_save(m.h, &e), 0);
	history_free(m.h);
}

static void expect(struct made *m, enum history_kind kind, size_t i,
		   enum history_change_kind change, const char *text)
{
	AUTO(history_change) struct history_change c = { 0 };

	history_explain(m->h, kind, i, &c);
	assert_string_equal(c.text ? c.text : "-", text ? text : "-");
	assert_int_equal(c.kind, change);
}

#define SHELL(...)                                                                                 \
	{                                                                                          \
		&shell, NULL, { __VA_ARGS__ }, HISTORY_DONE, 1                                     \
	}
#define NAMED(name, ...)                                                                           \
	{                                                                                          \
		&shell, name, { __VA_ARGS__ }, HISTORY_DONE, 1                                     \
	}
#define END                                                                                        \
	{                                                                                          \
		.type = NULL                                                                       \
	}

static const struct made_step three[] = { SHELL("inline=1"),
					  SHELL("script b.sh=2"),
					  { &file, NULL, { "file c=3" }, HISTORY_DONE, 1 },
					  END };

/* ---- what changed ------------------------------------------------------------------------ */

static void test_first_and_same(void **state)
{
	struct made m;

	(void)state;
	make(&m, "/first", "base image=1", three);
	expect(&m, HISTORY_START, 0, CHANGE_NOT_RUN, "not run yet");
	expect(&m, HISTORY_STEP, 1, CHANGE_NOT_RUN, "not run yet");
	history_free(m.h);
	run("/first", "base image=1", three);
	make(&m, "/first", "base image=1", three);
	expect(&m, HISTORY_START, 0, CHANGE_NONE, NULL);
	for (size_t i = 0; i < 3; i++)
		expect(&m, HISTORY_STEP, i, CHANGE_NONE, NULL);
	history_free(m.h);
	/* another template is another history */
	make(&m, "/second", "base image=1", three);
	expect(&m, HISTORY_STEP, 1, CHANGE_NOT_RUN, "not run yet");
	history_free(m.h);
}

static void test_input(void **state)
{
	static const struct made_step other[] = { SHELL("inline=1"),
						  SHELL("script b.sh=X"),
						  { &file, NULL, { "file c=3" }, HISTORY_DONE, 1 },
						  END };
	struct made m;

	(void)state;
	run("/input", "base image=1", three);
	make(&m, "/input", "base image=1", other);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	expect(&m, HISTORY_STEP, 1, CHANGE_INPUT, "script b.sh changed");
	expect(&m, HISTORY_STEP, 2, CHANGE_BEFORE, "after step 2");
	history_free(m.h);
	make(&m, "/input", "base image=2", three);
	expect(&m, HISTORY_START, 0, CHANGE_INPUT, "base image changed");
	expect(&m, HISTORY_STEP, 0, CHANGE_BEFORE, "after start");
	history_free(m.h);
}

static void expect_input(const char *const *then, const char *const *now, const char *text)
{
	struct made_step a[] = { SHELL(NULL), END }, b[] = { SHELL(NULL), END };
	struct made m;

	for (size_t i = 0; i < INPUTS_MAX; i++) {
		a[0].inputs[i] = then[i];
		b[0].inputs[i] = now[i];
	}
	run("/inputs", "base image=1", a);
	make(&m, "/inputs", "base image=1", b);
	expect(&m, HISTORY_STEP, 0, text ? CHANGE_INPUT : CHANGE_NONE, text);
	history_free(m.h);
}

#define INPUTS(...) ((const char *[INPUTS_MAX]){ __VA_ARGS__ })

static void test_inputs(void **state)
{
	(void)state;
	expect_input(INPUTS("a=1", "b=2"), INPUTS("a=1", "b=2"), NULL);
	expect_input(INPUTS("a=1", "b=2"), INPUTS("a=1", "b=3"), "b changed");
	expect_input(INPUTS("a=1", "b=2"), INPUTS("a=2", "b=3"), "a changed (and 1 more)");
	expect_input(INPUTS("a=1"), INPUTS("a=1", "b=3"), "b was added");
	expect_input(INPUTS("a=1", "b=3"), INPUTS("a=1"), "b was removed");
	expect_input(INPUTS("b=3"), INPUTS("a=1", "b=3"), "a was added");
	expect_input(INPUTS("a=1", "b=3"), INPUTS("b=3", "a=1"), "the order of its inputs changed");
	expect_input(INPUTS("a=1", "a=2"), INPUTS("a=1", "a=3"), "a changed");
}

/* marks of lines: A, B, … eight times */
static void expect_lines(const char *then, const char *now, const char *text)
{
	AUTO(strbuf) struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

	strbuf_addstr(&a, "inline=1/");
	strbuf_addstr(&b, "inline=2/");
	for (; *then; then++)
		strbuf_addchars(&a, *then, 8);
	for (; *now; now++)
		strbuf_addchars(&b, *now, 8);
	expect_input(INPUTS(a.buf), INPUTS(b.buf), text);
}

static void test_lines(void **state)
{
	(void)state;
	expect_lines("abcde", "abXde", "inline changed: line 3");
	expect_lines("abcde", "Xbcde", "inline changed: line 1");
	expect_lines("abcde", "abcdX", "inline changed: line 5");
	expect_lines("abcde", "aXXXe", "inline changed: lines 2-4");
	expect_lines("abcde", "abXYcde", "inline changed: lines 3-4 added");
	expect_lines("abcde", "abcdeX", "inline changed: line 6 added");
	expect_lines("abcde", "abde", "inline changed: line 3 removed");
	expect_lines("abcde", "cde", "inline changed: lines 1-2 removed");
	expect_lines("aaa", "aaaa", "inline changed: line 4 added");
	expect_lines("abc", "abc", "inline changed"); /* the end of its last line */
	expect_lines("", "abc", "inline changed");
	expect_lines("a", "b", "inline changed"); /* there is but one */
}

static void test_new_and_removed(void **state)
{
	static const struct made_step four[] = { SHELL("inline=1"),
						 SHELL("inline=new"),
						 SHELL("script b.sh=2"),
						 { &file, NULL, { "file c=3" }, HISTORY_DONE, 1 },
						 END };
	static const struct made_step swapped[] = {
		SHELL("inline=1"),
		{ &file, NULL, { "file c=3" }, HISTORY_DONE, 1 },
		SHELL("script b.sh=2"),
		END
	};
	struct made m;

	(void)state;
	run("/new", "base image=1", three);
	make(&m, "/new", "base image=1", four);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	expect(&m, HISTORY_STEP, 1, CHANGE_NEW, "new step");
	expect(&m, HISTORY_STEP, 2, CHANGE_BEFORE, "after step 2");
	expect(&m, HISTORY_STEP, 3, CHANGE_BEFORE, "after step 2");
	expect(&m, HISTORY_FINISH, 0, CHANGE_BEFORE, "after step 2");
	expect(&m, HISTORY_POST, 0, CHANGE_BEFORE, "after step 2");
	history_free(m.h);
	run("/new", "base image=1", four);
	make(&m, "/new", "base image=1", three);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	expect(&m, HISTORY_STEP, 1, CHANGE_REMOVED, "step 2 (shell) was removed before it");
	expect(&m, HISTORY_STEP, 2, CHANGE_REMOVED, "step 2 (shell) was removed before it");
	history_free(m.h);
	run("/new", "base image=1", three);
	make(&m, "/new", "base image=1", swapped);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	expect(&m, HISTORY_STEP, 1, CHANGE_REMOVED, "step 2 (shell) was moved behind it");
	expect(&m, HISTORY_STEP, 2, CHANGE_MOVED, "moved: it was step 2");
	history_free(m.h);
}

static void test_names_pair(void **state)
{
	static const struct made_step then[] = { NAMED("a", "inline=1"), NAMED("b", "inline=2"),
						 END };
	static const struct made_step now[] = { NAMED("b", "inline=3"), END };
	static const struct made_step renamed[] = { NAMED("z", "inline=1"), NAMED("b", "inline=2"),
						    END };
	struct made m;

	(void)state;
	run("/names", "base image=1", then);
	make(&m, "/names", "base image=1", now);
	expect(&m, HISTORY_STEP, 0, CHANGE_INPUT, "inline changed");
	history_free(m.h);
	make(&m, "/names", "base image=1", renamed);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	history_free(m.h);
}

/* The second one fails: what is known of the third stays. */
static void test_failed(void **state)
{
	static const struct made_step broken[] = {
		{ &shell, NULL, { "inline=1" }, HISTORY_REUSED, 0 },
		{ &shell, NULL, { "script b.sh=X" }, HISTORY_FAILED, 9 },
		{ &file, NULL, { "file c=X" }, HISTORY_NOT_RUN, 0 },
		{ &file, NULL, { "file d=1" }, HISTORY_NOT_RUN, 0 },
		END
	};
	static const struct made_step mended[] = { SHELL("inline=1"),
						   SHELL("script b.sh=Y"),
						   { &file, NULL, { "file c=X" }, HISTORY_DONE, 1 },
						   { &file, NULL, { "file d=1" }, HISTORY_DONE, 1 },
						   END };
	struct made m;

	(void)state;
	run("/failed", "base image=1", three);
	run("/failed", "base image=1", broken);
	make(&m, "/failed", "base image=1", broken);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	expect(&m, HISTORY_STEP, 1, CHANGE_FAILED, "failed last time");
	expect(&m, HISTORY_STEP, 2, CHANGE_INPUT, "file c changed");
	expect(&m, HISTORY_STEP, 3, CHANGE_NOT_RUN, "not run yet");
	history_free(m.h);
	make(&m, "/failed", "base image=1", mended);
	expect(&m, HISTORY_STEP, 1, CHANGE_INPUT, "script b.sh changed");
	assert_int_equal(history_duration(m.h, HISTORY_STEP, 1), NSEC_PER_SEC);
	history_free(m.h);
}

/* Without a cache nobody knows the keys: what is known of a step stays, its time counts. */
static void test_unkeyed(void **state)
{
	static const struct made_step other[] = { SHELL("inline=2"), END };
	struct made_step one[] = { SHELL("inline=1"), END };
	AUTO(error) struct error *e = NULL;
	struct made m;

	(void)state;
	run("/unkeyed", "base image=1", one);
	make(&m, "/unkeyed", "base image=1", one);
	history_free(m.h);
	m.h = history_load(state_dir, "/unkeyed", &m.plan, &m.build);
	history_note_end(m.h, HISTORY_STEP, 0, HISTORY_DONE, 3 * NSEC_PER_SEC);
	assert_int_equal(history_save(m.h, &e), 0);
	history_free(m.h);
	make(&m, "/unkeyed", "base image=1", one);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	assert_int_equal(history_duration(m.h, HISTORY_STEP, 0), 2 * NSEC_PER_SEC);
	history_free(m.h);
	make(&m, "/unkeyed", "base image=1", other);
	expect(&m, HISTORY_STEP, 0, CHANGE_INPUT, "inline changed");
	history_free(m.h);
	/* and where nothing was known, nothing is said */
	make(&m, "/unknown", "base image=1", one);
	history_free(m.h);
	m.h = history_load(state_dir, "/unknown", &m.plan, &m.build);
	history_note_end(m.h, HISTORY_STEP, 0, HISTORY_DONE, 3 * NSEC_PER_SEC);
	assert_int_equal(history_save(m.h, &e), 0);
	history_free(m.h);
	make(&m, "/unknown", "base image=1", other);
	expect(&m, HISTORY_STEP, 0, CHANGE_NONE, NULL);
	history_free(m.h);
}

/* ---- times -------------------------------------------------------------------------------- */

static void test_durations(void **state)
{
	static const int took[] = { 100, 1, 2, 3, 40, 50 };
	struct made_step one[] = { SHELL("inline=1"), END };
	struct made m;
	int64_t now = clock_wall();

	(void)state;
	make(&m, "/times", "base image=1", one);
	assert_int_equal(history_duration(m.h, HISTORY_STEP, 0), -1);
	assert_int_equal(history_ran(m.h, HISTORY_STEP, 0), 0);
	history_free(m.h);
	for (size_t i = 0; i < ARRAY_LEN(took); i++) {
		one[0].seconds = took[i];
		run("/times", "base image=1", one);
	}
	one[0].outcome = HISTORY_REUSED;
	run("/times", "base image=1", one);
	make(&m, "/times", "base image=1", one);
	/* the first is too long ago */
	assert_int_equal(history_duration(m.h, HISTORY_STEP, 0), 3 * NSEC_PER_SEC);
	assert_int_equal(history_duration(m.h, HISTORY_CONNECT, 0), -1);
	assert_true(history_ran(m.h, HISTORY_STEP, 0) >= now - NSEC_PER_SEC);
	history_free(m.h);
}

/* ---- files -------------------------------------------------------------------------------- */

static char *only_file(const char *dir)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strv) struct strv files = STRV_INIT;

	assert_int_equal(fs_walk_files(dir, &files, &e), 0);
	assert_int_equal(files.len, 1);
	return xstrdup(files.v[0]);
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"format\":1}",
		"{\"format\":1,\"steps\":[1,{},{\"kind\":\"step\"}]}",
		"{\"format\":1,\"steps\":[{\"kind\":\"step\",\"type\":\"shell\",\"inputs\":[[],[1,"
		"2]],"
		"\"ms\":[1,2,3,4,5,6,7,\"x\"]}]}",
		"{\"format\":2,\"steps\":[{\"kind\":\"start\",\"type\":\"maker\",\"ran\":1}]}"
	};
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *path = NULL, *dir = path_join(state_dir, "history");
	struct made m;
	struct stat st;

	(void)state;
	assert_int_equal(fs_remove_tree(dir, &e), 0);
	run("/damaged", "base image=1", three);
	path = only_file(dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(fs_write(path, texts[i], strlen(texts[i]), 0600, &e), 0);
		make(&m, "/damaged", "base image=1", three);
		expect(&m, HISTORY_STEP, 1, CHANGE_NOT_RUN, "not run yet");
		history_free(m.h);
	}
	run("/damaged", "base image=1", three);
	make(&m, "/damaged", "base image=1", three);
	expect(&m, HISTORY_STEP, 1, CHANGE_NONE, NULL);
	history_free(m.h);
}

static void test_program(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *path = NULL, *dir = path_join(state_dir, "history");
	struct made m;

	(void)state;
	assert_int_equal(fs_remove_tree(dir, &e), 0);
	run("/program", "base image=1", three);
	path = only_file(dir);
	assert_int_equal(fs_read(path, 1 << 20, &text, &e), 0);
	strbuf_replace(&text, "\"version\":\"" INGOT_VERSION "\"", "\"version\":\"0.0.9\"");
	strbuf_replace(&text, "\"key\":\"", "\"key\":\"0"); /* as it makes other keys */
	assert_int_equal(fs_write(path, text.buf, text.len, 0600, &e), 0);
	make(&m, "/program", "base image=1", three);
	expect(&m, HISTORY_STEP, 1, CHANGE_PROGRAM, "ingot 0.0.9 ran it, this is " INGOT_VERSION);
	history_free(m.h);
}

/* A secret of the run does not reach the disk. */
static void test_secrets(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *path = NULL, *dir = path_join(state_dir, "history");
	const struct made_step one[] = { NAMED("to HUNTER2", "script HUNTER2.sh=1"), END };

	(void)state;
	assert_int_equal(fs_remove_tree(dir, &e), 0);
	redactor_add(secrets, "HUNTER2", strlen("HUNTER2"));
	run("/secret", "base image=1", one);
	path = only_file(dir);
	assert_int_equal(fs_read(path, 1 << 20, &text, &e), 0);
	assert_non_null(strstr(text.buf, "script <sensitive>.sh"));
	assert_non_null(strstr(text.buf, "to <sensitive>"));
	assert_null(strstr(text.buf, "HUNTER2"));
}

static void test_prune(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *dir = path_join(state_dir, "history");
	AUTO(strv) struct strv left = STRV_INIT;
	int removed;

	(void)state;
	assert_int_equal(fs_remove_tree(dir, &e), 0);
	assert_int_equal(history_prune(state_dir, 0, 1, &removed, &e), 0);
	assert_int_equal(removed, 0);
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *template = xasprintf("/%d", i);

		run(template, "base image=1", three);
	}
	assert_int_equal(history_prune(state_dir, 0, 5, &removed, &e), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(history_prune(state_dir, 0, 3, &removed, &e), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(history_prune(state_dir, clock_wall() + NSEC_PER_SEC, 3, &removed, &e), 0);
	assert_int_equal(removed, 3);
	assert_int_equal(fs_list(dir, &left, &e), 0);
	assert_int_equal(left.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_and_same),  cmocka_unit_test(test_input),
		cmocka_unit_test(test_inputs),          cmocka_unit_test(test_lines),
		cmocka_unit_test(test_new_and_removed), cmocka_unit_test(test_names_pair),
		cmocka_unit_test(test_failed),          cmocka_unit_test(test_unkeyed),
		cmocka_unit_test(test_durations),       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_program),         cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_prune),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
