/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps run again, and what is kept of those that ran (docs/internals/reuse.md). */
#include "keep_case.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STEP(args) "  provisioner \"append\" {\n    " args "\n  }\n"
#define WORD(text) STEP("word = \"" text "\"")
#define AND        "\n    "

static void template(const char *steps)
{
	AUTO_FREE char *text = xasprintf("source \"text\" \"m\" {\n  text   = \"0\"\n"
					 "  output = \"out\"\n}\n"
					 "build {\n  sources = [\"source.text.m\"]\n%s}\n",
					 steps);

	put("t.pkr.hcl", text);
}

/* What the run does, words apart by blanks. */
static void check_run(struct keep_case *c, const char *want, const char *file, int line)
{
	AUTO_FREE char *log = NULL;

	drop("log");
	run(c);
	log = get("log");
	for (char *p = log; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
	if (strcmp(log, want) != 0)
		fail_msg("%s:%d: want '%s', got '%s'; said:\n%s%s", file, line, want, log,
			 c->said.buf, c->results[0].error ? c->results[0].error : "");
}
#define RUN(c, want) check_run(c, want, __FILE__, __LINE__)

static void made(const char *want)
{
	AUTO_FREE char *text = get("out/text");

	assert_string_equal(text, want);
}

static size_t count_said(const struct keep_case *c, const char *what)
{
	size_t n = 0;

	for (const char *p = c->said.buf; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void said(const struct keep_case *c, const char *what)
{
	if (!count_said(c, what))
		fail_msg("nobody said '%s', but:\n%s", what, c->said.buf);
}

static struct store_usage usage(struct keep_case *c)
{
	AUTO(error) struct error *err = NULL;
	struct store_usage u;

	must(store_usage(c->store, &u, &err), err);
	return u;
}

/* So many states are kept, and nothing else is there: each has one layer of its own. */
static void check_kept(struct keep_case *c, size_t states, const char *file, int line)
{
	AUTO_FREE char *staging = path_join(c->store_dir, "staging");
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv left = STRV_INIT;
	struct store_usage u = usage(c);

	must(fs_list(staging, &left, &err), err);
	if (u.entries != states || u.layers != states || left.len)
		fail_msg("%s:%d: want %zu, got %zu entries, %zu layers, %zu in staging", file, line,
			 states, u.entries, u.layers, left.len);
}
#define KEPT(c, states) check_kept(c, states, __FILE__, __LINE__)

/* ---- what runs ------------------------------------------------------------------------------------- */

static void test_edits(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	made("0abc");
	KEPT(c, 4);
	RUN(c, "");
	said(c, "Up to date");
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "+d finish");
	made("0abd");
	said(c, "Going on after step 2 of 3 (append), kept");
	template(WORD("a") WORD("x") WORD("d"));
	RUN(c, "+x +d finish");
	made("0axd");
	template(WORD("x") WORD("a") WORD("d"));
	RUN(c, "+x +a +d finish");
	said(c, "Going on from the started machine, kept");
	made("0xad");
	/* back again: all steps are there, the artifact is not as it was */
	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "finish");
	made("0abc");
	/* one less, one more */
	template(WORD("a") WORD("b"));
	RUN(c, "finish");
	made("0ab");
	template(WORD("a") WORD("b") WORD("c") WORD("d"));
	RUN(c, "+d finish");
	made("0abcd");
	c->policy.needs_artifact = true;
	RUN(c, "finish");
}

static void test_no_steps(void **state)
{
	struct keep_case *c = *state;

	template("");
	RUN(c, "start finish");
	KEPT(c, 1);
	RUN(c, "");
	drop("out/text");
	RUN(c, "finish");
	made("0");
}

static void test_files(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("file = \"in\"") WORD("c"));
	put("in", "one");
	RUN(c, "start +a +one +c finish");
	put("in", "two");
	RUN(c, "+two +c finish");
	made("0atwoc");
	put("in", "one");
	RUN(c, "finish");
	made("0aonec");
}

/* ---- failures --------------------------------------------------------------------------------------- */

static void check_state(struct keep_case *c, const char *key, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(store_entry) struct store_entry *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	assert_non_null(key);
	must(store_get(c->store, key, NULL, &e, &err), err);
	for (size_t i = 0; i < e->layers.len; i++) {
		AUTO_FREE char *path = xasprintf("%s/layers/%s", c->store_dir, e->layers.v[i]);

		must(fs_read(path, FILE_MAX, &text, &err), err);
	}
	assert_string_equal(text.buf, want);
}

static void test_failure(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") STEP("word = \"c\"" AND "fails = \"f\"") WORD("d"));
	put("f", "");
	RUN(c, "start +a +b +c");
	assert_false(c->results[0].ok);
	assert_int_equal(c->results[0].failed_step, 3);
	check_state(c, c->results[0].checkpoint, "0ab");
	KEPT(c, 3);
	RUN(c, "+c");
	assert_int_equal(c->results[0].failed_step, 3);
	check_state(c, c->results[0].checkpoint, "0ab");
	drop("f");
	RUN(c, "+c +d finish");
	made("0abcd");
	assert_true(c->results[0].ok);
	assert_int_equal(c->results[0].failed_step, 0);
	assert_null(c->results[0].checkpoint);
	KEPT(c, 5);
}

static void test_tolerated(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("word = \"b\"" AND "fails = \"f\"" AND "continue_on_error = true")
			 WORD("c"));
	put("f", "");
	RUN(c, "start +a +b +c finish");
	assert_true(c->results[0].ok);
	KEPT(c, 2);
	RUN(c, "+b +c finish");
	drop("f");
	RUN(c, "+b +c finish");
	KEPT(c, 4);
	RUN(c, "");
	made("0abc");
}

/* What a first try left of itself is in the machine: nobody else goes on from there. */
static void test_tried_again(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("word = \"b\"" AND "fails = \"f\"") WORD("c"));
	put("f", "");
	c->retry = "f";
	RUN(c, "start +a +b +b +c finish");
	assert_true(c->results[0].ok);
	assert_int_equal(c->results[0].failed_step, 0);
	assert_null(c->results[0].checkpoint);
	made("0abbc");
	KEPT(c, 2);
	RUN(c, "+b +c finish");
	made("0abc");
	KEPT(c, 4);
}

/* ---- what is not kept ---------------------------------------------------------------------------------- */

static void test_barrier(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("word = \"b\"" AND "cache = false") WORD("c") WORD("d"));
	RUN(c, "start +a +b +c +d finish");
	KEPT(c, 2);
	RUN(c, "+b +c +d finish");
	made("0abcd");
	KEPT(c, 2);
	template(WORD("a") STEP("word = \"b\"" AND "barrier = true") WORD("c") WORD("d"));
	RUN(c, "+b +c +d finish");
	KEPT(c, 2);
	template(WORD("a") STEP("word = \"b\"" AND "barrier = true" AND "cache_inputs = []")
			 WORD("c") WORD("d"));
	RUN(c, "+b +c +d finish");
	KEPT(c, 5);
	RUN(c, "");
}

/* The machine before the failing step stays, whatever stands before that. */
static void test_barrier_failure(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("word = \"b\"" AND "cache = false") WORD("c")
			 STEP("word = \"d\"" AND "fails = \"f\""));
	put("f", "");
	RUN(c, "start +a +b +c +d");
	assert_int_equal(c->results[0].failed_step, 4);
	check_state(c, c->results[0].checkpoint, "0abc");
	assert_int_equal(usage(c).entries, 3);
	drop("f");
	RUN(c, "+b +c +d finish");
	made("0abcd");
}

static void test_altered_meanwhile(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("file = \"in\"" AND "alters = \"in\"") WORD("c"));
	put("in", "x");
	RUN(c, "start +a +x +c finish");
	KEPT(c, 2);
	RUN(c, "+x! +c finish");
	made("0ax!c");
	KEPT(c, 4);
	RUN(c, "");
}

/* A file of a step that has run by then: its state is right, the result is not that of the files. */
static void test_altered_later(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("file = \"in\"") STEP("word = \"c\"" AND "alters = \"in\""));
	put("in", "x");
	RUN(c, "start +a +x +c finish");
	RUN(c, "+x! +c finish");
	made("0ax!c");
	RUN(c, "");
	put("in", "x");
	RUN(c, "finish");
	made("0axc");
}

static void test_secret(void **state)
{
	struct keep_case *c = *state;

	put("v.pkr.hcl", "variable \"pw\" {\n  default   = \"s3cret-pw\"\n  sensitive = true\n}\n");
	template(WORD("a") STEP("word = var.pw") WORD("c"));
	RUN(c, "start +a +s3cret-pw +c finish");
	assert_int_equal(text_world.memories, 2);
	KEPT(c, 4);
	template(WORD("a") STEP("word = var.pw") WORD("d"));
	RUN(c, "+d finish");
	assert_int_equal(text_world.disk_starts, 1);
	made("0as3cret-pwd");
	template(WORD("a") WORD("d"));
	RUN(c, "+d finish");
	assert_int_equal(text_world.memory_starts, 1);
}

static void test_full(void **state)
{
	struct keep_case *c = *state;

	text_world.checkpoint_error = ENOSPC;
	text_world.checkpoint_good = 2;
	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	assert_true(c->results[0].ok);
	assert_int_equal(count_said(c, "warning"), 1);
	said(c, "warning: finished steps are not kept from here on");
	made("0abc");
	KEPT(c, 2);
	text_world.checkpoint_error = 0;
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "+b +d finish");
	assert_int_equal(count_said(c, "warning"), 0);
	KEPT(c, 4);
}

/* What fails beside the running machine is noticed later, and told once. */
static void test_full_late(void **state)
{
	struct keep_case *c = *state;

	text_world.late_error = ENOSPC;
	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	assert_true(c->results[0].ok);
	assert_int_equal(count_said(c, "warning"), 1);
	said(c, "warning: finished steps are not kept from here on");
	made("0abc");
	KEPT(c, 0);
	text_world.late_error = 0;
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "start +a +b +d finish");
	assert_int_equal(count_said(c, "warning"), 0);
	KEPT(c, 4);
}

/* ---- what is asked for -------------------------------------------------------------------------------- */

static void test_ttl(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	c->policy.ttl = 1;
	RUN(c, "start +a +b +c finish");
	KEPT(c, 4);
	c->policy.ttl = 3600 * NSEC_PER_SEC;
	RUN(c, "");
	template(WORD("a") STEP("word = \"b\"" AND "cache_ttl = \"1ns\"") WORD("c"));
	RUN(c, "+b +c finish");
	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "");
}

static void test_from(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	c->policy.from = "2";
	RUN(c, "");
	assert_false(c->results[0].ok);
	assert_string_equal(c->results[0].error, "text.m: cannot begin at step 2 (append): the "
						 "state before it is not kept");
	c->policy.from = NULL;
	RUN(c, "start +a +b +c finish");
	c->policy.from = "3";
	RUN(c, "+c finish");
	c->policy.from = "1";
	RUN(c, "+a +b +c finish");
	made("0abc");
	KEPT(c, 4);
	c->policy.from = "3";
	c->policy.refresh = "2";
	RUN(c, "");
	assert_string_equal(c->results[0].error,
			    "text.m: -refresh means step 2, which -from leaves out: "
			    "it begins at step 3");
	c->policy.refresh = NULL;
	template(WORD("x") WORD("b") WORD("c"));
	c->policy.from = "2";
	RUN(c, "");
	assert_false(c->results[0].ok);
	c->policy.from = "1";
	RUN(c, "+x +b +c finish");
	c->policy.from = NULL;
	RUN(c, "");
}

static void test_refresh(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	c->policy.refresh = "2";
	RUN(c, "start +a +b +c finish");
	RUN(c, "+b +c finish");
	made("0abc");
	KEPT(c, 4);
	c->policy.refresh = NULL;
	RUN(c, "");
	template(WORD("a") WORD("b") WORD("c") WORD("d"));
	c->policy.refresh = "4";
	RUN(c, "+d finish");
}

/* ---- the way back ------------------------------------------------------------------------------------- */

static void test_bad_checkpoint(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	text_world.bad_checkpoint = true;
	text_world.bad_text = "0ab";
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "+b +d finish");
	made("0abd");
	said(c, "What was kept is of no use (a bad checkpoint): going back further");
	text_world.bad_text = NULL;
	template(WORD("a") WORD("b") WORD("e"));
	RUN(c, "start +a +b +e finish");
	made("0abe");
	text_world.bad_checkpoint = false;
	template(WORD("a") WORD("b") WORD("f"));
	RUN(c, "+f finish");
}

/* What was of no use is not there for the next run. */
static void test_bad_checkpoint_is_removed(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") STEP("word = \"b\"" AND "fails = \"f\"") WORD("c"));
	RUN(c, "start +a +b +c finish");
	template(WORD("a") STEP("word = \"b\"" AND "fails = \"f\"") WORD("d"));
	put("f", "");
	text_world.deaf_text = "0ab";
	RUN(c, "+b");
	assert_int_equal(c->results[0].failed_step, 2);
	check_state(c, c->results[0].checkpoint, "0a");
	assert_int_equal(usage(c).entries, 3); /* start, a, and c: nobody tried that one */
	text_world.deaf_text = NULL;
	RUN(c, "+b");
	drop("f");
	RUN(c, "+b +d finish");
	made("0abd");
}

static void test_memory_does_not_go_on(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	template(WORD("a") WORD("b") WORD("d"));
	text_world.deaf = true;
	RUN(c, "+d finish");
	said(c, "The kept machine does not go on (nobody answers): its disk is booted");
	assert_int_equal(text_world.disk_starts, 1);
	template(WORD("a") WORD("b") WORD("e"));
	RUN(c, "+e finish"); /* it is known by now */
	assert_int_equal(count_said(c, "does not go on"), 0);
	said(c, "Its disk is booted: its memory did not go on before");
	assert_int_equal(text_world.disk_starts, 2);
	text_world.deaf = false;
	text_world.resume_fails = true;
	template(WORD("a") WORD("e"));
	RUN(c, "+e finish");
	said(c, "The kept machine does not go on (the clock may not be set)");
	assert_int_equal(text_world.disk_starts, 3);
	made("0ae");
	text_world.deaf_text = "0ab";
	template(WORD("a") WORD("b") WORD("f"));
	RUN(c, "+b +f finish");
	assert_int_equal(count_said(c, "Its disk is booted"), 2);
	assert_int_equal(count_said(c, "going back further"), 1);
	made("0abf");
	text_world.deaf_text = NULL;
	text_world.resume_fails = false;
	template(WORD("a") WORD("b") WORD("g"));
	RUN(c, "+g finish");
}

/* The newest layer of a state that ends with `text`. */
static char *find_layer(struct keep_case *c, const char *text)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = path_join(c->store_dir, "layers");
	AUTO(strv) struct strv names = STRV_INIT;

	must(fs_list(dir, &names, &err), err);
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		AUTO_FREE char *got = get(path);

		if (!strcmp(got, text))
			return TAKE(path);
	}
	fail_msg("no layer '%s'", text);
	return NULL;
}

static void damage(const char *path, const char *text)
{
	assert_int_equal(chmod(path, 0600), 0);
	put(path, text);
}

static void test_damage(void **state)
{
	struct keep_case *c = *state;

	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "start +a +b +c finish");
	AUTO_FREE char *layer = find_layer(c, "b");

	damage(layer, "z");
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "+b +d finish");
	made("0abd");
	assert_int_equal(count_said(c, "warning: a kept step is of no use"), 1);
	template(WORD("a") WORD("b") WORD("c"));
	RUN(c, "+c finish"); /* it stood on the same layer */
	made("0abc");
	RUN(c, "");
}

/* Somebody else still holds what is damaged. */
static void test_damage_in_use(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv keys = STRV_INIT;
	struct keep_case *c = *state;
	struct store_entry *held[BUILDS_MAX];

	template(WORD("a") WORD("b"));
	RUN(c, "start +a +b finish");
	must(store_list(c->store, &keys, &err), err);
	for (size_t i = 0; i < keys.len; i++)
		must(store_get(c->store, keys.v[i], NULL, &held[i], &err), err);
	AUTO_FREE char *layer = find_layer(c, "b");

	damage(layer, "z");
	template(WORD("a") WORD("b") WORD("d"));
	RUN(c, "+b +d finish");
	made("0abd");
	assert_int_equal(count_said(c, "warning: a kept step is of no use"), 1);
	for (size_t i = 0; i < keys.len; i++)
		store_entry_free(held[i]);
	RUN(c, "");
}

/* ---- many at once ---------------------------------------------------------------------------------------- */

/* m1 … mN with common steps and each one of its own. */
static void flavours(int n, const char *common)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (int i = 1; i <= n; i++)
		strbuf_addf(
			&sb,
			"source \"text\" \"m%d\" {\n  text   = \"0\"\n  output = \"out%d\"\n}\n", i,
			i);
	strbuf_addstr(&sb, "build {\n  sources = [");
	for (int i = 1; i <= n; i++)
		strbuf_addf(&sb, "\"source.text.m%d\", ", i);
	strbuf_addf(&sb, "]\n%s", common);
	for (int i = 1; i <= n; i++)
		strbuf_addf(&sb,
			    "  provisioner \"append\" {\n    only = [\"text.m%d\"]\n    word = "
			    "\"%d\"\n  }\n",
			    i, i);
	strbuf_addstr(&sb, "}\n");
	put("t.pkr.hcl", sb.buf);
}

static size_t times_done(const char *what)
{
	AUTO_FREE char *log = get("log"), *line = xasprintf("%s\n", what);
	size_t n = 0;

	for (const char *p = log; *p; p = strchr(p, '\n') + 1)
		n += text_starts_with(p, line);
	return n;
}

static void check_flavours(const struct keep_case *c, int n, const char *text)
{
	for (int i = 1; i <= n; i++) {
		AUTO_FREE char *path = xasprintf("out%d/text", i);
		AUTO_FREE char *want = xasprintf("%s%d", text, i), *got = get(path);

		if (!c->results[i - 1].ok)
			fail_msg("%s", c->results[i - 1].error);
		assert_string_equal(got, want);
	}
}

static void run_flavours(struct keep_case *c, int n, int parallel)
{
	c->parallel = parallel;
	flavours(n, WORD("a") WORD("b"));
	drop("log");
	run(c);
	check_flavours(c, n, "0ab");
	assert_int_equal(times_done("start"), 1);
	assert_int_equal(times_done("+a"), 1);
	assert_int_equal(times_done("+b"), 1);
	assert_int_equal(times_done("finish"), n);
	KEPT(c, 3 + (size_t)n);
	flavours(n, WORD("a") WORD("c"));
	drop("log");
	run(c);
	check_flavours(c, n, "0ac");
	assert_int_equal(times_done("start"), 0);
	assert_int_equal(times_done("+a"), 0);
	assert_int_equal(times_done("+c"), 1);
}

static void test_two_builds(void **state)
{
	run_flavours(*state, 2, 0);
}

static void test_five_builds(void **state)
{
	run_flavours(*state, 5, 0);
}

static void test_one_after_the_other(void **state)
{
	run_flavours(*state, 3, 1);
}

/* The second really waits: the first goes on only when it has said so. */
static void test_waits(void **state)
{
	struct keep_case *c = *state;

	flavours(2, STEP("word = \"a\"" AND "makes = \"began\"" AND "awaits = \"go\""));
	drop("log");
	pid_t pid = fork();
	if (!pid) {
		run(c);
		_exit(c->results[0].ok && c->results[1].ok ? 0 : 1);
	}
	while (!fs_exists("began"))
		usleep(1000);
	put("go", "");
	run(c);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_flavours(c, 2, "0a");
	assert_int_equal(times_done("start"), 1);
	assert_int_equal(times_done("+a"), 1);
	assert_int_equal(times_done("+1"), 1);
	assert_int_equal(times_done("+2"), 1);
}

/* The one that makes the common step fails: another takes over. */
static void test_maker_fails(void **state)
{
	struct keep_case *c = *state;

	flavours(3, WORD("a") STEP("word = \"b\"" AND "fails = \"f\""));
	put("f", "");
	drop("log");
	run(c);
	for (int i = 0; i < 3; i++) {
		assert_false(c->results[i].ok);
		assert_int_equal(c->results[i].failed_step, 2);
		check_state(c, c->results[i].checkpoint, "0a");
	}
	assert_int_equal(times_done("start"), 1);
	assert_int_equal(times_done("+a"), 1);
	assert_int_equal(times_done("+b"), 3);
	KEPT(c, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, keep_case_begin, keep_case_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(edits),
		TEST(no_steps),
		TEST(files),
		TEST(failure),
		TEST(tried_again),
		TEST(tolerated),
		TEST(barrier),
		TEST(barrier_failure),
		TEST(altered_meanwhile),
		TEST(altered_later),
		TEST(secret),
		TEST(full),
		TEST(full_late),
		TEST(ttl),
		TEST(from),
		TEST(refresh),
		TEST(bad_checkpoint),
		TEST(bad_checkpoint_is_removed),
		TEST(memory_does_not_go_on),
		TEST(damage),
		TEST(damage_in_use),
		TEST(two_builds),
		TEST(five_builds),
		TEST(one_after_the_other),
		TEST(waits),
		TEST(maker_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
