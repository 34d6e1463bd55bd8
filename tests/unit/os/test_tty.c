/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/tty.h"
#include "os/wait.h"

static void test_not_a_terminal(void **state)
{
	AUTO_CLOSE int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_false(tty_is_terminal(fd));
	assert_false(tty_is_terminal(-1));
	assert_int_equal(tty_width(fd), TTY_WIDTH_DEFAULT);
}

static void test_terminal(void **state)
{
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	struct winsize size = { .ws_row = 24, .ws_col = 132 };

	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, &size), 0);
	assert_true(tty_is_terminal(theirs));
	assert_int_equal(tty_width(theirs), 132);
	size.ws_col = 0;
	assert_int_equal(ioctl(theirs, TIOCSWINSZ, &size), 0);
	assert_int_equal(tty_width(theirs), TTY_WIDTH_DEFAULT);
}

static int read_line(int fd, struct cancel *c, struct strbuf *line, struct error **err)
{
	bool complete = false;

	while (!complete)
		if (io_wait(fd, POLLIN, DEADLINE_NEVER, c, err) < 0 ||
		    tty_read_line(fd, line, &complete, err) < 0)
			return -1;
	return 0;
}

/* In a process whose terminal we hold: 0 = "yes", else the kind of the error + 10. */
static int ask(struct cancel *c)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	int null = open("/dev/null", O_RDWR), fd;

	dup2(null, 0);
	dup2(null, 1);
	if (tty_open(&fd, &err) < 0 || write(fd, "Sure? ", 6) != 6 ||
	    read_line(fd, c, &line, &err) < 0)
		return 10 + (int)err->kind;
	return strcmp(line.buf, "yes");
}

static pid_t start_asking(int *ret_fd, int64_t deadline)
{
	pid_t pid = forkpty(ret_fd, NULL, NULL, NULL);

	if (pid == 0)
		_exit(ask(cancel_new(NULL, deadline)));
	return pid;
}

static void read_prompt(int fd)
{
	AUTO(error) struct error *err = NULL;
	char buf[8] = "";
	size_t len = 0;

	while (len < 6) {
		assert_int_equal(io_wait(fd, POLLIN, clock_deadline(30 * NSEC_PER_SEC), NULL, &err),
				 0);

		ssize_t n = read(fd, buf + len, 6 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(buf, "Sure? ");
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_ask(void **state)
{
	int fd = -1;
	pid_t pid = start_asking(&fd, DEADLINE_NEVER);

	read_prompt(fd);
	assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(write(fd, "es\n", 3), 3);
	assert_int_equal(end_of(pid), 0);
	fd_close(fd);
}

static void test_end_of_input(void **state)
{
	int fd = -1;
	pid_t pid = start_asking(&fd, DEADLINE_NEVER);

	read_prompt(fd);
	assert_int_equal(write(fd, "\004", 1), 1);
	assert_int_equal(end_of(pid), 10 + ERROR_DISCONNECTED);
	fd_close(fd);
}

static void test_cancelled(void **state)
{
	int fd = -1;
	pid_t pid = start_asking(&fd, clock_deadline(20 * NSEC_PER_MSEC));

	assert_int_equal(end_of(pid), 10 + ERROR_TIMEOUT);
	fd_close(fd);
}

static void test_no_terminal(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		AUTO(error) struct error *err = NULL;
		int fd;

		if (setsid() < 0 || tty_open(&fd, &err) == 0)
			_exit(1);
		_exit(strcmp(err->message, "no available tty") != 0);
	}
	assert_int_equal(end_of(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_a_terminal),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_end_of_input),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
