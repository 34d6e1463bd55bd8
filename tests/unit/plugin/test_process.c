/* SPDX-License-Identifier: Apache-2.0 */
/* Against tests/fakes/plugin.c, a real process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/wait.h"
#include "plugin/process.h"

static struct plugin_binary binary;

static int64_t soon(void)
{
	return clock_deadline(20 * NSEC_PER_SEC);
}

static struct plugin_process *start_both(const struct plugin_launch *l, struct cancel *c,
					 struct error **err)
{
	struct plugin_process *p = plugin_process_spawn(l, err);

	return p && plugin_process_connect(p, c, err) == 0 ? p : NULL;
}

static struct plugin_process *start_in(const char *component, char *const *env, int64_t patience,
				       struct error **err)
{
	struct plugin_launch l = {
		.binary = &binary,
		.kind = PLUGIN_PROVISIONER,
		.component = component,
		.environ = env,
		.run_uuid = "e1d2",
		.patience = patience,
	};

	return start_both(&l, NULL, err);
}

static struct plugin_process *start(const char *component)
{
	AUTO(error) struct error *err = NULL;
	struct plugin_process *p = start_in(component, environ, 0, &err);

	if (!p)
		fail_msg("%s", err->message);
	return p;
}

static const struct packed *ask(struct plugin_process *p, const char *method, const char *arg,
				struct arena *arena)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	pack_text(&sb, arg);

	const struct packed *v =
		rpc(plugin_process_main(p), method, &sb, arena, soon(), NULL, &err);

	if (!v)
		fail_msg("%s", err->message);
	return v;
}

static void test_calls(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	struct plugin_process *p = start("-packer-default-plugin-name-");

	assert_string_equal(plugin_process_name(p), "packer-plugin-fake");
	assert_string_equal(ask(p, "Fake.Echo", "hello", a)->bytes.p, "hello");

	const struct packed *how = ask(p, "Fake.Launch", NULL, a);

	assert_string_equal(how->many.items[0].bytes.p, "provisioner");
	assert_string_equal(how->many.items[1].bytes.p, "-packer-default-plugin-name-");
	assert_true(packed_bool(&how->many.items[2]));
	assert_string_equal(ask(p, "Fake.Environment", "PACKER_RUN_UUID", a)->bytes.p, "e1d2");
	assert_string_equal(ask(p, "Fake.Environment", "PACKER_PLUGIN_MIN_PORT", a)->bytes.p,
			    "10000");
	assert_null(rpc(plugin_process_main(p), "Fake.None", NULL, a, soon(), NULL, &err));
	assert_int_equal(err->kind, ERROR_REMOTE);
	assert_string_equal(err->message, "rpc: can't find method Fake.None");
	error_ignore(&err, "looked at");
	assert_null(rpc(plugin_process_main(p), "Fake.Fail", NULL, a, soon(), NULL, &err));
	assert_string_equal(err->message, "this always fails\nin two lines");
	/* alive and well */
	error_ignore(&err, "looked at");
	assert_int_equal(plugin_process_why_ended(p, &err), 0);
	plugin_process_stop(p);
}

static void test_gob_plugins_get_no_flag(void **state)
{
	AUTO(arena) struct arena *a = arena_new();

	binary.about.has_protobuf = false;

	struct plugin_process *p = start("x");

	assert_false(packed_bool(&ask(p, "Fake.Launch", NULL, a)->many.items[2]));
	plugin_process_stop(p);
	binary.about.has_protobuf = true;
}

static const struct {
	const char *component, *message;
	enum error_kind kind;
} bad_starts[] = {
	{ "exit-at-once",
	  "'packer-plugin-fake' exited with status 3 before it was ready: "
	  "cannot load the settings",
	  ERROR_GONE },
	{ "exit-with-much",
	  "'packer-plugin-fake' exited with status 1 before it was ready; it wrote:\n"
	  "    one\n    two\n    ?[1mthree",
	  ERROR_GONE },
	{ "old",
	  "'packer-plugin-fake' is too old: it was made before plugins told their API version",
	  ERROR_INVALID },
	{ "new", "'packer-plugin-fake' speaks version 6.0 of the plugin API, we speak 5.0",
	  ERROR_INVALID },
	{ "chatty",
	  "'packer-plugin-fake' said 'Hello, I am?a plugin' where it should say where it listens",
	  ERROR_INVALID },
	{ "nowhere",
	  "'packer-plugin-fake' cannot be connected to at '/nonexistent/socket': "
	  "No such file or directory",
	  ERROR_NOT_FOUND },
	{ "remote", "'packer-plugin-fake' listens on 'example.com:80', which is no address",
	  ERROR_INVALID },
	{ "endless-line",
	  "'packer-plugin-fake' said more than 4096 bytes where it should say where it listens",
	  ERROR_INVALID },
	{ "exit-late", "'packer-plugin-fake' exited with status 4: connected, and that is all",
	  ERROR_GONE },
	{ "wrong-echo",
	  "cannot connect to stream 0 of 'packer-plugin-fake': it answers with another number",
	  ERROR_INVALID },
};

static void test_bad_starts(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_starts); i++) {
		AUTO(error) struct error *err = NULL;

		assert_null(start_in(bad_starts[i].component, environ, 0, &err));
		assert_string_equal(err->message, bad_starts[i].message);
		assert_int_equal(err->kind, bad_starts[i].kind);
	}
}

static void test_no_program(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct plugin_binary none = { .path = (char *)"/nonexistent/packer-plugin-x" };
	struct plugin_launch l = { .binary = &none, .component = "x", .environ = environ };

	assert_null(start_both(&l, NULL, &err));
	assert_string_equal(err->message,
			    "cannot run '/nonexistent/packer-plugin-x': No such file or directory");
}

static void test_never_ready(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct plugin_launch l = { .binary = &binary, .component = "silent", .environ = environ };

	assert_null(start_in("silent", environ, 200 * NSEC_PER_MSEC, &err));
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_string_equal(err->message,
			    "'packer-plugin-fake' was not ready within 0 seconds: still waking up");
	error_ignore(&err, "looked at");
	cancel_trigger(c);
	assert_null(start_both(&l, c, &err));
	assert_int_equal(err->kind, ERROR_CANCELLED);
	assert_string_equal(err->message, "cancelled");
}

static const struct {
	const char *component, *message;
} bad_sessions[] = {
	{ "wrong-frame", "'packer-plugin-fake' sent a frame of type 9, which is unknown" },
	{ "huge-length",
	  "'packer-plugin-fake' sent a frame of 4294967295 bytes, 262144 are allowed" },
	{ "second-fin", "'packer-plugin-fake' ended stream 1 twice" },
	{ "no-message", "'packer-plugin-fake' sent what is no message: a byte that begins no "
			"value (0xc1)" },
	{ "mute", "'packer-plugin-fake' does not answer" },
};

static void test_bad_sessions(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_sessions); i++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(error) struct error *err = NULL;
		struct plugin_process *p = start_in(bad_sessions[i].component, environ, 0, &err);

		if (p) {
			mux_set_patience(plugin_process_mux(p),
					 (struct mux_patience){ .silence = 10 * NSEC_PER_MSEC,
								.answer = 20 * NSEC_PER_MSEC,
								.stall = NSEC_PER_SEC });
			assert_null(rpc(plugin_process_main(p), "Fake.Echo", NULL, a, soon(), NULL,
					&err));
			plugin_process_explain(p, &err);
		}
		assert_string_equal(err->message, bad_sessions[i].message);
		plugin_process_stop(p);
	}
}

/* A wait that watches the plugin learns why it ended. */
static void test_crash_in_a_call(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct plugin_process *p = start("x");

	assert_null(rpc(plugin_process_main(p), "Fake.Die", NULL, a, soon(), NULL, &err));
	assert_int_equal(err->kind, ERROR_GONE);
	plugin_process_explain(p, &err);
	assert_string_equal(err->message, "'packer-plugin-fake' exited with status 2; it wrote:\n"
					  "    panic: runtime error: no such luck\n"
					  "    goroutine 1 [running]:\n    main.main()");
	error_ignore(&err, "looked at");
	cancel_watch(c, plugin_process_ended_fd(p), plugin_process_why_ended, p);
	assert_int_equal(io_pause(soon(), c, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	plugin_process_stop(p);
}

static pid_t pid_of(struct plugin_process *p, struct arena *a)
{
	AUTO(error) struct error *err = NULL;
	int64_t pid = 0;

	assert_int_equal(packed_int(ask(p, "Fake.Pid", NULL, a), &pid, &err), 0);
	return (pid_t)pid;
}

static void test_killed_from_outside(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(arena) struct arena *a = arena_new();
	struct plugin_process *p = start("x");

	assert_int_equal(kill(pid_of(p, a), SIGKILL), 0);
	assert_int_equal(io_wait(plugin_process_ended_fd(p), POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(plugin_process_why_ended(p, &err), -1);
	assert_string_equal(err->message, "'packer-plugin-fake' was ended by signal 9");
	plugin_process_stop(p);
}

static void test_stop_ends_a_hanging_one(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(arena) struct arena *a = arena_new();
	struct plugin_process *p = start("x");
	pid_t pid = pid_of(p, a);
	struct rpc_call *call = rpc_start(plugin_process_main(p), "Fake.Hang", NULL, NULL, &err);
	int64_t begin = clock_monotonic();

	assert_non_null(call);
	plugin_process_stop(p);
	assert_true(clock_monotonic() - begin < 5 * NSEC_PER_SEC);
	assert_int_equal(proc_start_time(pid), 0);
	assert_int_equal(rpc_poll(call, &err), -1);
	rpc_call_free(call);
}

/* Many outputs of much more than pipes hold do not stop it; the log has all lines. */
static void test_flood(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(redactor) struct redactor *r = redactor_new();
	char path[] = "/tmp/ingot-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	redactor_add(r, "of many", 7);
	assert_int_equal(log_open(path, r, &err), 0);
	log_set_build("null.b");

	struct plugin_process *p = start("x");

	log_set_build(NULL);
	ask(p, "Fake.Flood", NULL, a);
	plugin_process_stop(p);
	assert_int_equal(log_close().lines, 0);
	assert_int_equal(fs_read(path, FS_READ_MAX, &text, &err), 0);
	assert_non_null(strstr(text.buf, "null.b: packer-plugin-fake plugin: [DEBUG] line 0 "
					 "<sensitive>\n"));
	assert_non_null(strstr(text.buf, "packer-plugin-fake plugin: [DEBUG] line 19999 "));
	assert_null(strstr(text.buf, "no one should read"));
	unlink(path);
}

/* A socket's path has room for 108 bytes. */
static void test_long_temporary_directory(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv env = STRV_INIT, left = STRV_INIT;
	AUTO_FREE char *top = NULL;
	char name[100];

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &top, &err), 0);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';

	AUTO_FREE char *dir = path_join(top, name);

	assert_int_equal(fs_mkdir(dir, 0700, &err), 0);
	strv_pushf(&env, "TMPDIR=%s", dir);

	struct plugin_process *p = start_in("x", env.v, 0, &err);

	if (!p)
		fail_msg("%s", err->message);

	AUTO_FREE char *seen = xstrdup(ask(p, "Fake.Environment", "TMPDIR", a)->bytes.p);
	AUTO_FREE char *real = realpath(seen, NULL);

	assert_true(strlen(seen) < 40);
	assert_string_equal(real, dir);
	plugin_process_stop(p);
	assert_false(fs_is_link(seen));
	/* nothing is left of the socket */
	assert_int_equal(fs_list(dir, &left, &err), 0);
	assert_int_equal(left.len, 0);
	assert_int_equal(fs_remove_tree(top, &err), 0);
}

/* What it has open when others are started stays its own. */
static void test_descriptors(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv before = STRV_INIT, after = STRV_INIT;
	struct plugin_process *p[3];

	assert_int_equal(fs_list("/proc/self/fd", &before, &err), 0);
	for (int i = 0; i < 3; i++)
		p[i] = start("x");

	/* 0, 1, 2, the folder itself, and what its own session needs */
	int64_t first = 0, last = 0;

	assert_int_equal(packed_int(ask(p[0], "Fake.Descriptors", NULL, a), &first, &err), 0);
	assert_int_equal(packed_int(ask(p[2], "Fake.Descriptors", NULL, a), &last, &err), 0);
	assert_int_equal(first, last);
	for (int i = 0; i < 3; i++)
		plugin_process_stop(p[i]);
	assert_int_equal(fs_list("/proc/self/fd", &after, &err), 0);
	assert_int_equal(before.len, after.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_gob_plugins_get_no_flag),
		cmocka_unit_test(test_bad_starts),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_never_ready),
		cmocka_unit_test(test_bad_sessions),
		cmocka_unit_test(test_crash_in_a_call),
		cmocka_unit_test(test_killed_from_outside),
		cmocka_unit_test(test_stop_ends_a_hanging_one),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_long_temporary_directory),
		cmocka_unit_test(test_descriptors),
	};

	binary.path = getenv("FAKE_PLUGIN");
	binary.about.has_protobuf = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
