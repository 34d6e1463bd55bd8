/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_broken_pipe(void **state)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_false(fd_is_broken_pipe(fds[1]));
	close(fds[0]);
	assert_true(fd_is_broken_pipe(fds[1]));
	assert_int_equal(fd_write(fds[1], "x", 1), -1); /* and no SIGPIPE */
	assert_int_equal(errno, EPIPE);
	close(fds[1]);

	AUTO_CLOSE int file = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_false(fd_is_broken_pipe(file));
	assert_false(fd_is_broken_pipe(-1));
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* In a process of its own, which has nothing to say with. */
static int open_standard(void)
{
	struct stat first, null;

	close(0);
	close(2);
	fd_open_standard();
	if (!is_open(0) || !is_open(1) || !is_open(2) || fstat(0, &first) < 0 ||
	    stat("/dev/null", &null) < 0 || first.st_rdev != null.st_rdev)
		return 1;
	if (fcntl(0, F_GETFD) & FD_CLOEXEC || fcntl(2, F_GETFD) & FD_CLOEXEC)
		return 2; /* children want them, too */

	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(next);
	fd_open_standard();
	return open("/dev/null", O_RDONLY | O_CLOEXEC) == next ? 0 : 3; /* keeps no other */
}

static void test_open_standard(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(open_standard());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The usual limit is for programs that do one thing at a time. */
static void test_limit_is_raised_to_what_is_allowed(void **state)
{
	struct rlimit before, low, now;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ 64, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	fd_raise_limit();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(now.rlim_cur, before.rlim_max < 65536 ? before.rlim_max : 65536);
	assert_int_equal(now.rlim_max, before.rlim_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_is_raised_to_what_is_allowed),
		cmocka_unit_test(test_broken_pipe),
		cmocka_unit_test(test_open_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
