/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/wait.h"

static int64_t soon(void)
{
	return clock_deadline(30 * NSEC_PER_SEC);
}

/* `sh -c SCRIPT` */
static void sh(struct strv *argv, const char *script)
{
	strv_pushl(argv, "/bin/sh", "-c", script, NULL);
}

static int run_sh(const char *script, struct proc_run *run, struct cancel *c, int *ret_status,
		  struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	sh(&argv, script);
	run->spec.argv = &argv;
	return proc_run(run, c, ret_status, err);
}

/* Standard output of a script. */
static char *output_of(const char *script)
{
	AUTO(error) struct error *err = NULL;
	struct strbuf out = STRBUF_INIT_MAX(1 << 20);
	struct proc_run run = { .output = &out };

	if (run_sh(script, &run, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
	return strbuf_detach(&out);
}

static void check_status(const char *script, int want)
{
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { 0 };
	int status = -1;

	assert_int_equal(run_sh(script, &run, NULL, &status, &err), 0);
	assert_int_equal(status, want);
}

static void test_status(void **state)
{
	check_status("exit 0", 0);
	check_status("exit 7", 7);
	check_status("kill -KILL $$", 128 + SIGKILL);
	check_status("kill -TERM $$", 128 + SIGTERM);
}

static void test_bad_status_quotes_stderr(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { 0 };

	assert_int_equal(run_sh("echo out; echo bad disk >&2; exit 3", &run, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_FAILED);
	assert_string_equal(err->message, "'/bin/sh' exited with status 3: bad disk");
	error_ignore(&err, "looked at");
	assert_int_equal(run_sh("exit 4", &run, NULL, NULL, &err), -1);
	assert_string_equal(err->message, "'/bin/sh' exited with status 4");
}

static void test_stderr_tail(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { 0 };

	assert_int_equal(run_sh("i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done "
				">&2; echo last >&2; exit 1",
				&run, NULL, NULL, &err),
			 -1);
	assert_true(strlen(err->message) < 17 * 1024);
	assert_true(text_ends_with(err->message, "0123456789\nlast"));
}

static void check_start_fails(const struct proc_spec *spec, enum error_kind kind,
			      const char *message)
{
	AUTO(error) struct error *err = NULL;
	struct proc p = PROC_INIT;

	assert_int_equal(proc_start(&p, spec, &err), -1);
	assert_int_equal(err->kind, kind);
	assert_string_equal(err->message, message);
	assert_int_equal(p.pid, 0);
}

static void test_missing_program(void **state)
{
	AUTO(strv) struct strv argv = STRV_INIT, slash = STRV_INIT, file = STRV_INIT;
	AUTO(strv) struct strv empty = STRV_INIT, here = STRV_INIT;
	struct proc_spec spec = { .argv = &argv };

	strv_push(&argv, "no-such-program-x");
	check_start_fails(&spec, ERROR_NOT_FOUND,
			  "cannot run 'no-such-program-x': not found in PATH");
	strv_push(&slash, "/no/such/program");
	spec.argv = &slash;
	check_start_fails(&spec, ERROR_NOT_FOUND,
			  "cannot run '/no/such/program': No such file or directory");
	strv_push(&file, "/etc/passwd");
	spec.argv = &file;
	check_start_fails(&spec, ERROR_IO, "cannot run '/etc/passwd': Permission denied");
	strv_push(&empty, "");
	spec.argv = &empty;
	check_start_fails(&spec, ERROR_INVALID, "cannot run a program without a name");
	sh(&here, "true");
	spec.argv = &here;
	spec.dir = "/no/such/dir";
	check_start_fails(&spec, ERROR_NOT_FOUND,
			  "cannot run '/bin/sh' in '/no/such/dir': No such file or directory");
}

static void test_path_of_env(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
	AUTO_FREE char *dir = NULL;
	struct strbuf out = STRBUF_INIT_MAX(100);
	struct proc_run run = { .spec = { .argv = &argv, .env = &env }, .output = &out };

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);

	AUTO_FREE char *tool = path_join(dir, "ingot-test-tool");
	const char script[] = "#!/bin/sh\necho \"$X|$HOME\"\n";

	assert_int_equal(fs_write(tool, script, sizeof(script) - 1, 0755, &err), 0);
	strv_push(&argv, "ingot-test-tool");
	strv_pushf(&env, "PATH=::/nonexistent:%s:/bin", dir);
	strv_push(&env, "X=y z");
	assert_int_equal(proc_run(&run, NULL, NULL, &err), 0);
	assert_string_equal(out.buf, "y z|\n");
	strbuf_release(&out);
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_directory(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;
	struct strbuf out = STRBUF_INIT_MAX(100);
	struct proc_run run = { .spec = { .argv = &argv, .dir = "/usr" }, .output = &out };

	sh(&argv, "pwd");
	assert_int_equal(proc_run(&run, NULL, NULL, &err), 0);
	assert_string_equal(out.buf, "/usr\n");
	strbuf_release(&out);
}

static void test_output_limit(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct strbuf out = STRBUF_INIT_MAX(1000);
	struct proc_run run = { .output = &out };

	assert_int_equal(run_sh("while echo 0123456789; do :; done", &run, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, "'/bin/sh' printed more than 1000 bytes");
	strbuf_release(&out);
}

static void collect(void *data, bool is_stderr, const char *line)
{
	strbuf_addf(data, "%s[%s]", is_stderr ? "E" : "O", line);
}

static void check_lines(const char *script, bool merge, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	struct proc_run run = { .spec = { .merge_err = merge },
				.line = collect,
				.line_data = &got };

	assert_int_equal(run_sh(script, &run, NULL, NULL, &err), 0);
	assert_string_equal(got.buf, want);
}

static void test_lines(void **state)
{
	check_lines("printf 'a\\n\\nb\\r\\nend'", false, "O[a]O[]O[b\r]O[end]");
	check_lines("printf 'x\\n' >&2", false, "E[x]");
	check_lines("echo a; echo b >&2; echo c", true, "O[a]O[b]O[c]");
	check_lines("printf 'a\\0b\\n'", false, "O[ab]");
	check_lines("true", false, "");
}

static void count_long(void *data, bool is_stderr, const char *line)
{
	size_t *longest = data;

	*longest = MAX(*longest, strlen(line));
}

static void test_endless_line(void **state)
{
	AUTO(error) struct error *err = NULL;
	size_t longest = 0;
	struct proc_run run = { .line = count_long, .line_data = &longest };

	assert_int_equal(run_sh("head -c 300000 /dev/zero | tr '\\0' x", &run, NULL, NULL, &err),
			 0);
	assert_int_equal(longest, 64 * 1024);
}

static void test_input(void **state)
{
	enum { BIG = 1000000 };
	AUTO(error) struct error *err = NULL;
	struct strbuf out = STRBUF_INIT_MAX(2 * BIG);
	char *data = malloc(BIG);
	struct proc_run run = { .input = data, .input_len = BIG, .output = &out };

	for (size_t i = 0; i < BIG; i++)
		data[i] = (char)i;
	assert_int_equal(run_sh("cat", &run, NULL, NULL, &err), 0);
	assert_int_equal(out.len, BIG);
	assert_memory_equal(out.buf, data, BIG);
	strbuf_release(&out);
	/* one that does not read is no failure, nor does SIGPIPE come to us */
	assert_int_equal(run_sh("exec <&-; echo done", &run, NULL, NULL, &err), 0);
	assert_string_equal(out.buf, "done\n");
	strbuf_release(&out);
	run.input = "";
	run.input_len = 0;
	assert_int_equal(run_sh("cat; echo end", &run, NULL, NULL, &err), 0);
	assert_string_equal(out.buf, "end\n");
	strbuf_release(&out);
	free(data);
}

struct feed {
	int left;
	bool fails;
};

static ssize_t give_more(void *data, void *buf, size_t len, struct error **err)
{
	struct feed *f = data;

	if (!f->left)
		return f->fails ? error_set(err, ERROR_IO, "no more of it") : 0;
	f->left--;
	memset(buf, 'x', MIN(len, (size_t)1000));
	return (ssize_t)MIN(len, (size_t)1000);
}

static int count_bytes(void *data, bool is_stderr, const void *bytes, size_t len,
		       struct error **err)
{
	size_t *count = data;

	if (len && *(const char *)bytes == '!')
		return error_set(err, ERROR_FAILED, "that is enough");
	count[is_stderr] += len;
	return 0;
}

static void test_more_and_bytes(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct feed feed = { .left = 500 };
	size_t count[2] = { 0 };
	struct proc_run run = {
		.more = give_more, .more_data = &feed, .bytes = count_bytes, .bytes_data = count
	};

	(void)state;
	assert_int_equal(run_sh("cat; printf '\\0bad' >&2", &run, NULL, NULL, &err), 0);
	assert_int_equal(count[0], 500000);
	assert_int_equal(count[1], 4);
	/* it stops reading: no failure */
	feed.left = 500;
	assert_int_equal(run_sh("head -c 10", &run, NULL, NULL, &err), 0);
	/* who gives or takes may refuse */
	feed = (struct feed){ .left = 1, .fails = true };
	assert_int_equal(run_sh("cat; sleep 60", &run, NULL, NULL, &err), -1);
	assert_string_equal(err->message, "no more of it");
	error_free(TAKE(err));
	feed = (struct feed){ 0 };
	assert_int_equal(run_sh("printf !; sleep 60", &run, NULL, NULL, &err), -1);
	assert_string_equal(err->message, "that is enough");
}

/* Nothing, until there is something in a pipe, which says so. */
struct slow_feed {
	int fds[2], asked;
};

static ssize_t give_slowly(void *data, void *buf, size_t len, struct error **err)
{
	struct slow_feed *f = data;
	ssize_t n = read(f->fds[0], buf, len);

	(void)err;
	f->asked++;
	return n;
}

/* What the child says brings the next piece. */
static int answer(void *data, bool is_stderr, const void *bytes, size_t len, struct error **err)
{
	struct slow_feed *f = data;

	(void)is_stderr;
	(void)err;
	if (memchr(bytes, '3', len))
		fd_close(fd_take(&f->fds[1]));
	else if (len)
		assert_int_equal(write(f->fds[1], "x\n", 2), 2);
	return 0;
}

static void test_more_that_comes_later(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct slow_feed f;
	struct proc_run run = {
		.more = give_slowly, .more_data = &f, .bytes = answer, .bytes_data = &f
	};
	int status = -1;

	(void)state;
	f.asked = 0;
	assert_int_equal(pipe2(f.fds, O_CLOEXEC | O_NONBLOCK), 0);
	run.more_fd = f.fds[0];
	assert_int_equal(
		run_sh("n=1; echo $n; while read -r x; do n=$((n + 1)); echo $n; done; exit $n",
		       &run, NULL, &status, &err),
		0);
	assert_int_equal(status, 3);
	assert_true(f.asked < 20); /* it was not asked in vain */
	fd_close(f.fds[0]);
}

static void test_files_for_both_ends(void **state)
{
	AUTO(error) struct error *err = NULL;
	char in[] = "/tmp/ingot-proc-in.XXXXXX", out[] = "/tmp/ingot-proc-out.XXXXXX";
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_CLOSE int in_fd = mkstemp(in), out_fd = mkstemp(out);
	struct proc_run run = {
		.spec = { .in = PROC_FD, .in_fd = in_fd, .out = PROC_FD, .out_fd = out_fd },
	};

	(void)state;
	assert_int_equal(write(in_fd, "hello", 5), 5);
	assert_int_equal(lseek(in_fd, 0, SEEK_SET), 0);
	assert_int_equal(run_sh("cat; echo world", &run, NULL, NULL, &err), 0);
	assert_int_equal(fs_read(out, 100, &text, &err), 0);
	assert_string_equal(text.buf, "helloworld\n");
	unlink(in);
	unlink(out);
}

static void test_no_input_is_null(void **state)
{
	AUTO_FREE char *out = output_of("cat; echo end");

	assert_string_equal(out, "end\n");
}

/* Whoever forks into the background and keeps the pipe must not hold us. */
static void test_background_holds_pipe(void **state)
{
	int64_t start = clock_monotonic();
	AUTO_FREE char *out = output_of("sleep 60 & echo $!");
	int64_t pid = 0;

	out[strcspn(out, "\n")] = '\0';
	assert_true(parse_int64(out, 10, &pid));
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
	assert_true(clock_monotonic() - start < 20 * NSEC_PER_SEC);
}

static void test_deadline(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .deadline = clock_deadline(20 * NSEC_PER_MSEC) };

	assert_int_equal(run_sh("sleep 60", &run, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_string_equal(err->message, "'/bin/sh': timed out");
}

static pid_t started_pid;

static int note_pid(void *data, pid_t pid, struct error **err)
{
	started_pid = pid;
	return 0;
}

static int refuse(void *data, pid_t pid, struct error **err)
{
	started_pid = pid;
	return error_set(err, ERROR_IO, "cannot write the journal");
}

static void trigger(void *data, bool is_stderr, const char *line)
{
	cancel_trigger(data);
}

/* The child and what it started are gone when a cancelled run returns. */
static void test_cancel(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct proc_run run = { .line = trigger, .line_data = c, .started = note_pid };

	assert_int_equal(run_sh("sleep 60 & echo ready; wait", &run, c, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	assert_string_equal(err->message, "'/bin/sh': cancelled");
	assert_true(started_pid > 0);
	assert_int_equal(kill(started_pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	error_ignore(&err, "looked at");
	/* nothing is started under a token that has ended */
	started_pid = 0;
	assert_int_equal(run_sh("true", &run, c, NULL, &err), -1);
	assert_int_equal(started_pid, 0);
}

static void test_started_refuses(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .started = refuse };

	assert_int_equal(run_sh("sleep 60", &run, NULL, NULL, &err), -1);
	assert_string_equal(err->message, "cannot write the journal");
	assert_int_equal(kill(started_pid, 0), -1);
}

static void start_sh(struct proc *p, const char *script, struct proc_spec *spec)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;

	sh(&argv, script);
	spec->argv = &argv;
	if (proc_start(p, spec, &err) < 0)
		fail_msg("%s", err->message);
}

static void read_line(int fd, char *buf, size_t size)
{
	AUTO(error) struct error *err = NULL;
	size_t len = 0;

	while (len + 1 < size && (!len || buf[len - 1] != '\n')) {
		assert_int_equal(io_wait(fd, POLLIN, soon(), NULL, &err), 0);
		if (read(fd, buf + len, 1) != 1)
			break;
		len++;
	}
	buf[len] = '\0';
}

static void test_stop_hard(void **state)
{
	struct proc p = PROC_INIT;
	struct proc_spec spec = { .out = PROC_PIPE };
	char line[20];

	start_sh(&p, "trap '' TERM; echo ready; while :; do sleep 60; done", &spec);
	read_line(p.out_fd, line, sizeof(line));
	assert_string_equal(line, "ready\n");
	proc_stop(&p, 10 * NSEC_PER_MSEC);
	assert_true(p.reaped);
	assert_int_equal(p.status, 128 + SIGKILL);
	assert_int_equal(p.out_fd, -1);
	proc_stop(&p, 0); /* again does nothing */
}

static void test_stop_gently(void **state)
{
	struct proc p = PROC_INIT, zeroed = { 0 };
	struct proc_spec spec = { .out = PROC_PIPE };
	char line[20];

	start_sh(&p, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", &spec);
	read_line(p.out_fd, line, sizeof(line));
	proc_stop(&p, 30 * NSEC_PER_SEC);
	assert_true(p.reaped);
	assert_int_equal(p.status, 5);
	proc_stop(&zeroed, 0);
}

/* The one who is killed, not those it has started. */
static void test_kill(void **state)
{
	struct proc p = PROC_INIT, zeroed = { 0 };
	struct proc_spec spec = { .in = PROC_PIPE, .out = PROC_PIPE };
	AUTO(error) struct error *err = NULL;
	char line[20];

	/* the child of it answers when it is gone */
	start_sh(&p, "exec 3<&0; cat <&3 & echo ready; wait; :", &spec);
	read_line(p.out_fd, line, sizeof(line));
	assert_string_equal(line, "ready\n");
	proc_kill(&p);
	assert_true(p.reaped);
	assert_int_equal(p.status, 128 + SIGKILL);
	proc_kill(&p);
	assert_int_equal(io_write_all(p.in_fd, "alive\n", 6, soon(), NULL, &err), 0);
	read_line(p.out_fd, line, sizeof(line));
	assert_string_equal(line, "alive\n");
	proc_release(&p);
	proc_kill(&zeroed);
}

static void test_wait_and_reap(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct proc p = PROC_INIT;
	struct proc_spec spec = { .in = PROC_PIPE };
	int status = -1;

	start_sh(&p, "read x; exit 9", &spec);
	assert_false(proc_try_reap(&p));
	assert_int_equal(proc_wait(&p, clock_deadline(0), NULL, &status, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "looked at");
	cancel_trigger(c);
	assert_int_equal(proc_wait(&p, soon(), c, &status, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	error_ignore(&err, "looked at");
	assert_true(proc_start_time(p.pid) > 0);
	assert_int_equal(io_write_all(p.in_fd, "\n", 1, soon(), NULL, &err), 0);
	assert_int_equal(proc_wait(&p, soon(), NULL, &status, &err), 0);
	assert_int_equal(status, 9);
	assert_true(proc_try_reap(&p));
	assert_int_equal(proc_wait(&p, soon(), NULL, &status, &err), 0);
	assert_int_equal(proc_start_time(p.pid), 0);
	proc_signal(&p, SIGTERM); /* not to whoever has the number now */
	proc_release(&p);
}

static void test_own_group_and_signals(void **state)
{
	sigset_t blocked, before;
	uint64_t ignored = 0;

	/* a blocked or ignored signal of ours is neither in the child */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	signal(SIGUSR2, SIG_IGN);

	AUTO_FREE char *out =
		output_of("printf %s \"$(grep -E 'Sig(Blk|Ign)' /proc/self/status)\"");
	AUTO_FREE char *group = output_of("echo $$ $(cut -d' ' -f5 /proc/$$/stat)");

	signal(SIGUSR2, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_true(text_starts_with(out, "SigBlk:\t0000000000000000\nSigIgn:\t"));
	/* the two signals that the C library keeps to itself do not count */
	assert_true(parse_uint64(out + strlen(out) - 16, 16, &ignored));
	assert_int_equal(ignored & 0x7fffffff, 0);

	struct str second;
	struct str first = str_split(str_trim(str_of(group)), ' ', &second);

	assert_true(str_eq(first, second));
}

/* Only the three streams and what was asked for get through. */
static void test_descriptors(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_CLOSE int leaked = open("/dev/null", O_RDONLY);
	AUTO_CLOSE int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int high = fcntl(low, F_DUPFD_CLOEXEC, 40);
	AUTO_CLOSE int between = fcntl(low, F_DUPFD, 20);
	const int pass[] = { high, low, -1 };
	struct strbuf out = STRBUF_INIT_MAX(1000);
	struct proc_run run = { .spec = { .argv = &argv, .pass_fds = pass }, .output = &out };
	char want[50];

	assert_true(leaked >= 0 && between >= 20 && high >= 40);
	/* the shell itself opens none; the glob sees its own directory, closed by then */
	sh(&argv, "cd /proc/$$/fd && for i in *; do [ -e $i ] && printf '%s ' $i; done");
	assert_int_equal(proc_run(&run, NULL, NULL, &err), 0);
	snprintf(want, sizeof(want), "0 1 2 %d %d ", low, high);
	if (low > high)
		fail();

	AUTO_FREE char *sorted = xstrdup(out.buf);

	strbuf_release(&out);
	/* the glob is sorted as text */
	AUTO(strv) struct strv got = STRV_INIT, expected = STRV_INIT;
	struct str rest = str_trim(str_of(sorted)), tail;

	while (rest.len) {
		strv_push_take(&got, str_dup(str_split(rest, ' ', &tail)));
		rest = tail;
	}
	strv_pushl(&expected, "0", "1", "2", NULL);
	strv_pushf(&expected, "%d", low);
	strv_pushf(&expected, "%d", high);
	strv_sort(&got);
	strv_sort(&expected);

	AUTO_FREE char *a = strv_join(&got, " ");
	AUTO_FREE char *b = strv_join(&expected, " ");

	assert_string_equal(a, b);
}

static void test_given_descriptors(void **state)
{
	AUTO(error) struct error *err = NULL;
	int in[2], out[2], status = -1;
	char line[20];

	assert_int_equal(fd_pipe(in, &err), 0);
	assert_int_equal(fd_pipe(out, &err), 0);

	struct proc p = PROC_INIT;
	struct proc_spec spec = {
		.in = PROC_FD, .in_fd = in[0], .out = PROC_FD, .out_fd = out[1], .merge_err = true
	};

	start_sh(&p, "read x; echo \"got $x\" >&2", &spec);
	assert_int_equal(io_write_all(in[1], "it\n", 3, soon(), NULL, &err), 0);
	read_line(out[0], line, sizeof(line));
	assert_string_equal(line, "got it\n");
	assert_int_equal(proc_wait(&p, soon(), NULL, &status, &err), 0);
	assert_int_equal(status, 0);
	proc_release(&p);
	for (int i = 0; i < 2; i++) {
		fd_close(in[i]);
		fd_close(out[i]);
	}
}

/* A program somebody has open for writing is tried again for a while. */
static void test_busy_program(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *dir = NULL;
	struct proc p = PROC_INIT;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);

	AUTO_FREE char *tool = path_join(dir, "tool");
	struct proc_spec spec = { .argv = &argv };

	assert_int_equal(fs_copy("/bin/true", tool, 0755, NULL, NULL, NULL, &err), 0);
	strv_push(&argv, tool);

	AUTO_CLOSE int writer = open(tool, O_WRONLY | O_CLOEXEC);

	assert_int_equal(proc_start(&p, &spec, &err), -1);
	assert_int_equal(err->os_errno, ETXTBSY);
	error_ignore(&err, "looked at");
	fd_close(fd_take(&writer));

	int status = -1;

	assert_int_equal(proc_start(&p, &spec, &err), 0);
	assert_int_equal(proc_wait(&p, soon(), NULL, &status, &err), 0);
	assert_int_equal(status, 0);
	proc_release(&p);
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_find(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = NULL;

	assert_int_equal(proc_find("sh", &path, &err), 0);
	assert_true(path[0] == '/' && text_ends_with(path, "/sh"));
	assert_int_equal(proc_find("no-such-program-x", &path, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_string_equal(err->message, "cannot run 'no-such-program-x': not found in PATH");
	error_ignore(&err, "looked at");
	assert_int_equal(proc_find("/etc", &path, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

static void test_identity(void **state)
{
	assert_int_equal(strlen(proc_boot_id()), 36);
	assert_ptr_equal(proc_boot_id(), proc_boot_id());
	assert_true(proc_start_time(getpid()) > 0);
	assert_true(proc_start_time(getpid()) >= proc_start_time(getppid()));
	assert_int_equal(proc_start_time(0x7ffffff0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_bad_status_quotes_stderr),
		cmocka_unit_test(test_stderr_tail),
		cmocka_unit_test(test_missing_program),
		cmocka_unit_test(test_path_of_env),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_output_limit),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_more_and_bytes),
		cmocka_unit_test(test_more_that_comes_later),
		cmocka_unit_test(test_files_for_both_ends),
		cmocka_unit_test(test_no_input_is_null),
		cmocka_unit_test(test_background_holds_pipe),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_started_refuses),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_stop_hard),
		cmocka_unit_test(test_stop_gently),
		cmocka_unit_test(test_wait_and_reap),
		cmocka_unit_test(test_own_group_and_signals),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_given_descriptors),
		cmocka_unit_test(test_busy_program),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
