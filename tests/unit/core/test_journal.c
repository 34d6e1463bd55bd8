/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/str.h"
#include "core/journal.h"
#include "core/journal_entry.h"
#include "os/fs.h"
#include "os/proc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static char *state_dir;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	(void)state;
	return fs_temp_dir("/tmp", "ingot-journal-test-", &state_dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(state_dir, &e);

	(void)state;
	free(state_dir);
	return r;
}

static char reported[256]; /* the first thing of the last recovery */

static void note_report(void *data, const char *run_id, const char *what, bool ok)
{
	(void)data, (void)run_id, (void)ok;
	if (!*reported)
		snprintf(reported, sizeof(reported), "%s", what);
}

static int recover(void)
{
	AUTO(error) struct error *e = NULL;
	int removed = -1;

	*reported = 0;
	assert_int_equal(journal_recover(state_dir, note_report, NULL, &removed, &e), 0);
	return removed;
}

static char *make_file(const char *name)
{
	char *path = xasprintf("%s/%s", state_dir, name);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_write(path, "x", 1, 0600, &e), 0);
	return path;
}

static bool has_runs(void)
{
	AUTO_FREE char *runs = xasprintf("%s/runs", state_dir);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	return fs_list(runs, &names, &e) == 0 && names.len > 0;
}

/* What a run that is killed does: journals, creates, dies without a word. */
static void die_after(void (*work)(struct journal *j))
{
	pid_t pid = fork();

	if (pid == 0) {
		struct error *e = NULL;
		struct journal *j;

		if (journal_open(state_dir, "dead", &j, &e) < 0)
			_exit(1);
		work(j);
		kill(getpid(), SIGKILL);
	}

	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_clean_run_leaves_no_file(void **state)
{
	AUTO(error) struct error *e = NULL;
	struct journal *j;
	uint64_t id;

	(void)state;
	assert_int_equal(journal_open(state_dir, "a", &j, &e), 0);
	assert_int_equal(journal_path(j, "/nonexistent/x", &id, &e), 0);
	assert_true(has_runs());
	journal_done(j, id);
	journal_close(j);
	assert_false(has_runs());
}

static void test_clean_run_at_rest_holds_no_file(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strv) struct strv left = STRV_INIT;
	struct journal *j;
	uint64_t id;

	(void)state;
	assert_int_equal(journal_open(state_dir, "a", &j, &e), 0);
	assert_int_equal(journal_path(j, state_dir, &id, &e), 0);
	journal_rest(j); /* something is left: gc has to find it, and so has whoever lists it */
	assert_true(has_runs());
	journal_describe_open(j, &left);
	assert_int_equal(left.len, 1);
	journal_done(j, id);
	journal_rest(j);
	assert_false(has_runs());
	journal_rest(j);
	journal_close(j);
	assert_false(has_runs());
}

static void test_live_run_is_left_alone(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *path = make_file("mine");
	struct journal *j;
	uint64_t id;

	(void)state;
	assert_int_equal(journal_open(state_dir, "live", &j, &e), 0);
	assert_int_equal(journal_path(j, path, &id, &e), 0);
	assert_int_equal(recover(), 0);
	assert_true(fs_exists(path));
	journal_done(j, id);
	journal_close(j);
}

static void leave_file(struct journal *j)
{
	struct error *e = NULL;
	AUTO_FREE char *path = xasprintf("%s/left/deep", state_dir);
	AUTO_FREE char *top = xasprintf("%s/left", state_dir);
	uint64_t id;

	if (journal_path(j, top, &id, &e) < 0 || fs_mkdir_all(path, 0700, &e) < 0)
		_exit(1);
}

static void test_files_of_a_dead_run_go(void **state)
{
	AUTO_FREE char *top = xasprintf("%s/left", state_dir);

	(void)state;
	die_after(leave_file);
	assert_true(fs_exists(top));
	assert_int_equal(recover(), 1);
	assert_false(fs_exists(top));
	assert_false(has_runs());
}

/* Starts a child as builders do; `tell` says whether its pid gets recorded. */
static void leave_process(struct journal *j, bool tell)
{
	struct error *e = NULL;
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
	struct proc p = PROC_INIT;
	uint64_t id;

	strv_pushl(&argv, "sleep", "1000", NULL);
	strv_pushv(&env, environ);
	if (journal_process(j, "sleeper", &env, &id, &e) < 0)
		_exit(1);

	struct proc_spec spec = { .argv = &argv, .env = &env };

	if (proc_start(&p, &spec, &e) < 0)
		_exit(1);
	if (tell && journal_started(j, id, p.pid, &e) < 0)
		_exit(1);

	AUTO_FREE char *path = xasprintf("%s/pid", state_dir);
	AUTO_FREE char *text = xasprintf("%d", (int)p.pid);

	if (fs_write(path, text, strlen(text), 0600, &e) < 0)
		_exit(1);
}

static void leave_known_process(struct journal *j)
{
	leave_process(j, true);
}

static void leave_unknown_process(struct journal *j)
{
	leave_process(j, false);
}

static void check_process_ends(void (*work)(struct journal *j))
{
	AUTO_FREE char *path = xasprintf("%s/pid", state_dir);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(64);
	AUTO(error) struct error *e = NULL;
	int64_t pid = 0;

	die_after(work);
	assert_int_equal(fs_read(path, 64, &text, &e), 0);
	assert_true(parse_int64(text.buf, 10, &pid));
	assert_int_equal(kill((pid_t)pid, 0), 0);
	assert_true(recover() >= 1);

	/* Orphans come to us (main()), so that their end can be seen. */
	int status;

	assert_int_equal(waitpid((pid_t)pid, &status, WNOHANG), pid);
	assert_true(WIFSIGNALED(status));
	assert_false(has_runs());
}

static void test_process_of_a_dead_run_ends(void **state)
{
	(void)state;
	check_process_ends(leave_known_process);
}

static void test_process_without_recorded_pid_is_found(void **state)
{
	(void)state;
	check_process_ends(leave_unknown_process);
	assert_string_equal(reported, "a process (sleeper)");
}

static void keep_file(struct journal *j)
{
	leave_file(j);
	journal_keep(j);
}

static void test_kept_things_stay(void **state)
{
	AUTO_FREE char *top = xasprintf("%s/left", state_dir);

	(void)state;
	die_after(keep_file);
	assert_int_equal(recover(), 0);
	assert_true(fs_exists(top));
	assert_false(has_runs());
}

static void test_torn_last_line_is_harmless(void **state)
{
	AUTO_FREE char *file = xasprintf("%s/runs/dead/journal", state_dir);
	AUTO_FREE char *top = xasprintf("%s/left", state_dir);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(65536);
	AUTO(error) struct error *e = NULL;

	(void)state;
	die_after(leave_file);
	assert_int_equal(fs_read(file, 65536, &text, &e), 0);
	strbuf_addstr(&text, "{\"id\":1,\"do");
	assert_int_equal(fs_write(file, text.buf, text.len, 0600, &e), 0);
	assert_int_equal(recover(), 1);
	assert_false(fs_exists(top));
}

static void test_open_things_are_listed(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *path = make_file("open");
	AUTO(strv) struct strv list = STRV_INIT;
	struct journal *j;
	uint64_t id;

	(void)state;
	assert_int_equal(journal_open(state_dir, "list", &j, &e), 0);
	assert_int_equal(journal_path(j, path, &id, &e), 0);
	journal_describe_open(j, &list);
	assert_int_equal(list.len, 1);
	assert_non_null(strstr(list.v[0], path));
	journal_done(j, id);
	journal_close(j);
}

/* Only texts: nothing here comes near a file system. */
static void test_paths_that_stay(void **state)
{
	static const char records[] = "/home/me/.local/state/ingot";
	static const char *const no[] = {
		"/",
		"",
		"relative",
		"/etc",
		"/etc/ssh",
		"/usr",
		"/usr/lib/x",
		"/home",
		"/home/me",
		"/home/me/.local/state",
		"/root",
		"/tmp",
		"/var",
		"/var/tmp",
		"/home/me/.local/state/ingot",
		"/tmp/x/..",
		"/tmp/../etc",
		"/tmp/",
		"//etc",
		"/proc/1",
		"/dev/shm",
		"/dev/sda",
	};
	static const char *const yes[] = {
		"/tmp/ingot-1",
		"/home/me/out",
		"/home/me2",
		"/var/tmp/x",
		"/output-web",
		"/etcetera",
		"/srv/images/out-q",
		"/home/me/.local/state/ingot/x",
		"/root/t/output-web",
		"/home/me/.cache/ingot/port",
		"/dev/shm/ingot-1.tree",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (journal_may_remove(no[i], records))
			fail_msg("would remove '%s'", no[i]);
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (!journal_may_remove(yes[i], records))
			fail_msg("would not remove '%s'", yes[i]);
}

/* A file that does not name its run is not ours, whatever it says. */
static void test_foreign_journal_is_left_alone(void **state)
{
	static const char *const firsts[] = { "", "{\"run\":\"another\"}\n", "garbage\n" };
	AUTO_FREE char *victim = xasprintf("%s/victim", state_dir);
	AUTO_FREE char *dir = xasprintf("%s/runs/foreign", state_dir);
	AUTO_FREE char *file = xasprintf("%s/journal", dir);
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(fs_mkdir_all(dir, 0700, &e), 0);
	assert_int_equal(fs_mkdir(victim, 0700, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
		AUTO_FREE char *text =
			xasprintf("%s{\"id\":1,\"path\":\"%s\"}\n", firsts[i], victim);

		assert_int_equal(fs_write(file, text, strlen(text), 0600, &e), 0);
		assert_int_equal(recover(), 0);
		assert_true(fs_exists(victim));
		assert_true(fs_exists(file));
	}
}

/* A tool that writes down what it is told; `name` decides whether it is believed. */
static char *fake_tool(const char *name, const char *body)
{
	char *path = xasprintf("%s/%s", state_dir, name);
	AUTO_FREE char *text = xasprintf("#!/bin/sh\n"
					 "echo \"$DOCKER_HOST $*\" >>%s/said\n%s\n",
					 state_dir, body);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0700, &e), 0);
	return path;
}

static char *tool;
static char container_env[] = "DOCKER_HOST=unix:///there";

static void leave_container(struct journal *j)
{
	char *env[] = { (char *)"HOME=/home/me", container_env, NULL };
	struct error *e = NULL;
	uint64_t id, gone;

	if (journal_container(j, tool, "ingot-x.1", env, &id, &e) < 0 ||
	    journal_container(j, tool, "ingot-gone.1", env, &gone, &e) < 0)
		_exit(1);
	journal_done(j, gone);
}

static void test_container_of_a_dead_run_goes(void **state)
{
	AUTO_FREE char *path = fake_tool("docker-20", "echo ingot-x.1");
	AUTO_FREE char *said = xasprintf("%s/said", state_dir);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	(void)state;
	tool = path;
	die_after(leave_container);
	assert_int_equal(recover(), 1);
	assert_false(has_runs());
	assert_int_equal(fs_read(said, 1000, &text, &e), 0);
	/* where the run had it, and nothing else */
	assert_string_equal(text.buf, "unix:///there rm --force --volumes ingot-x.1\n");
}

/* The tool is there, its daemon is not: the next gc has another try. */
static void test_container_that_cannot_go_stays_known(void **state)
{
	AUTO_FREE char *path = fake_tool("podman", "echo no daemon >&2; exit 1");

	(void)state;
	tool = path;
	die_after(leave_container);
	assert_int_equal(recover(), 0);
	assert_true(has_runs());
	free(fake_tool("podman", "echo Error: no container with name ingot-x.1 >&2; exit 1"));
	assert_int_equal(recover(), 0);
	assert_false(has_runs());
}

/* Whoever can write a journal does not get programs run. */
static void test_containers_that_stay(void **state)
{
	(void)state;
	assert_true(journal_may_remove_container("docker", "ingot-1.1"));
	assert_true(journal_may_remove_container("/opt/podman-5/bin/podman", "abc"));
	assert_false(journal_may_remove_container("/tmp/evil", "ingot-1.1"));
	assert_false(journal_may_remove_container("docker/evil", "ingot-1.1"));
	assert_false(journal_may_remove_container("docker", "--all"));
	assert_false(journal_may_remove_container("docker", "a b"));
	assert_false(journal_may_remove_container("docker", ""));
	assert_true(journal_is_container_variable("DOCKER_HOST=x"));
	assert_false(journal_is_container_variable("LD_PRELOAD=x"));
	assert_false(journal_is_container_variable("DOCKER_HOSTILE=x"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clean_run_leaves_no_file),
		TEST(test_clean_run_at_rest_holds_no_file),
		TEST(test_live_run_is_left_alone),
		TEST(test_files_of_a_dead_run_go),
		TEST(test_process_of_a_dead_run_ends),
		TEST(test_process_without_recorded_pid_is_found),
		TEST(test_kept_things_stay),
		TEST(test_torn_last_line_is_harmless),
		TEST(test_open_things_are_listed),
		TEST(test_foreign_journal_is_left_alone),
		TEST(test_container_of_a_dead_run_goes),
		TEST(test_container_that_cannot_go_stays_known),
		cmocka_unit_test(test_containers_that_stay),
		cmocka_unit_test(test_paths_that_stay),
	};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
