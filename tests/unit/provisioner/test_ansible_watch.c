/* SPDX-License-Identifier: Apache-2.0 */
/* What Ansible prints, and what becomes the error of it. */
#include "bench.h"
#include "provisioner/ansible/watch.h"

static char *failure_of(struct bench *b, const char *output)
{
	AUTO(watch) struct watch *w = watch_new(&b->ui);
	struct str rest = str_of(output);

	while (rest.len) {
		AUTO_FREE char *line = str_dup(str_split(rest, '\n', &rest));

		watch_line(w, false, line);
	}
	return watch_failure(w);
}

static void expect(void **state, const char *output, const char *want)
{
	AUTO_FREE char *got = failure_of(*state, output);

	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void test_message(void **state)
{
	struct bench *b = *state;

	expect(state,
	       "TASK [web : install [all] of it] *****\n"
	       "fatal: [default]: FAILED! => {\"changed\": false, \"msg\": \"No package 'x'\"}\n"
	       "PLAY RECAP ****\n",
	       "task 'web : install [all] of it' failed on 'default': No package 'x'");
	assert_non_null(strstr(b->log.buf, "out TASK [web"));
}

static void test_command(void **state)
{
	expect(state,
	       "RUNNING HANDLER [restart] **\n"
	       "\033[0;31mfatal: [h -> other]: FAILED! => {\"msg\": \"non-zero return code\", "
	       "\"stderr\": \"a\\nlast words\\nShared connection to h closed.\\r\\n\", \"stdout\": "
	       "\"x\"}\033[0m\n",
	       "handler 'restart' failed on 'h -> other': non-zero return code: last words");
}

static void test_gathering(void **state)
{
	expect(state,
	       "TASK [Gathering Facts] **\n"
	       "fatal: [a]: FAILED! => {\"failed_modules\": {\"setup\": {\"module_stderr\": "
	       "\"sh: sudo: not found\\n\"}}, \"msg\": \"modules failed: setup\\n\"}\n",
	       "task 'Gathering Facts' failed on 'a': modules failed: setup: sh: sudo: not found");
}

static void test_unreachable(void **state)
{
	expect(state,
	       "TASK [Gathering Facts] **\n"
	       "fatal: [default]: UNREACHABLE! => {\"msg\": \"no route\", \"unreachable\": true}\n",
	       "task 'Gathering Facts' did not reach 'default': no route");
}

static void test_items(void **state)
{
	expect(state,
	       "TASK [t] **\nfailed: [a] (item=1) => {\"msg\": \"one\"}\n"
	       "failed: [a] (item=2) => {\"msg\": \"two\"}\n",
	       "task 't' failed on 'a': one; task 't' failed on 'a': two");
}

static void test_ignored(void **state)
{
	expect(state, "TASK [t] **\nfatal: [a]: FAILED! => {\"msg\": \"one\"}\n...ignoring\n",
	       NULL);
}

/* The one before it was rescued. */
static void test_last_task(void **state)
{
	expect(state,
	       "TASK [t] **\nfatal: [a]: FAILED! => {\"msg\": \"one\"}\n"
	       "TASK [u] **\nfatal: [a]: FAILED! => {\"msg\": \"two\"}\n",
	       "task 'u' failed on 'a': two");
}

static void test_hidden(void **state)
{
	expect(state,
	       "TASK [t] **\nfatal: [a]: FAILED! => {\"censored\": \"the output has been "
	       "hidden\"}\n",
	       "task 't' failed on 'a': the output has been hidden");
}

static void test_yaml(void **state)
{
	expect(state,
	       "TASK [t] **\nfatal: [a]: FAILED! => changed=false \n  cmd: x\n  msg: it broke\n",
	       "task 't' failed on 'a': it broke");
	expect(state, "TASK [t] **\nfatal: [a]: FAILED! => changed=false \n  msg: |-\n    deep\n",
	       "task 't' failed on 'a': deep");
	/* blanks and a colour, and nothing else: there is no message */
	expect(state, "TASK [t] **\nfatal: [a]: FAILED! => x\n  msg:    \033[0m\n  rc: 1\n",
	       "task 't' failed on 'a'");
}

static void test_pretty_json(void **state)
{
	expect(state,
	       "TASK [t] **\nfatal: [a]: FAILED! => {\n    \"changed\": false,\n    \"msg\": \"it "
	       "\\\"broke\\\"\",\n}\n",
	       "task 't' failed on 'a': it \"broke\"");
}

/* Cut in two by its length, or not JSON at all. */
static void test_broken(void **state)
{
	expect(state, "TASK [t] **\nfatal: [a]: FAILED! => {\"msg\": \"why\", \"stdout\": \"aaa\n",
	       "task 't' failed on 'a': why");
	expect(state, "fatal: [a]: FAILED! => {{{{{{\n", "Ansible failed on 'a'");
	expect(state, "fatal: [a\nfatal: []: FAILED!\nfailed: [x] => \n", NULL);
}

static void test_complaint(void **state)
{
	expect(state, "\033[0;31mERROR! the playbook: x could not be found\033[0m\nERROR! more\n",
	       "the playbook: x could not be found");
}

static void test_long(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "TASK [t] **\nfatal: [a]: FAILED! => {\"msg\": \"");
	for (int i = 0; i < 2000; i++)
		strbuf_addstr(&text, "\xc3\xa4");
	strbuf_addstr(&text, "\"}\n");

	AUTO_FREE char *got = failure_of(*state, text.buf);

	assert_true(strlen(got) < 1100);
	assert_true(text_ends_with(got, "\xc3\xa4\xe2\x80\xa6"));
}

static void expect_nothing_done(struct bench *b, const char *output, bool want)
{
	AUTO(watch) struct watch *w = watch_new(&b->ui);

	watch_line(w, false, output);
	assert_int_equal(watch_did_nothing(w), want);
}

static void test_no_hosts(void **state)
{
	struct bench *b = *state;
	static const char none[] = "PLAY [web] **\nskipping: no hosts matched\n\nPLAY RECAP **\n";

	expect_nothing_done(b, none, true);
	expect_nothing_done(b, "PLAY [db] **\n\033[0;36mskipping: no hosts matched\033[0m\n", true);
	expect_nothing_done(
		b, "PLAY [web] **\nskipping: no hosts matched\nPLAY [all] **\nTASK [t] **\n",
		false);
	expect_nothing_done(b, "PLAY [all] **\n\nPLAY RECAP **\n", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_message),     BENCH(test_gathering), BENCH(test_command),
		BENCH(test_unreachable), BENCH(test_items),     BENCH(test_ignored),
		BENCH(test_last_task),   BENCH(test_hidden),    BENCH(test_yaml),
		BENCH(test_pretty_json), BENCH(test_broken),    BENCH(test_complaint),
		BENCH(test_long),        BENCH(test_no_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
