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
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/duration.h"
#include "os/fd.h"
#include "os/wait.h"

static int64_t soon(void)
{
	return clock_deadline(30 * NSEC_PER_SEC);
}

static void test_ready(void **state)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(io_wait(fds[1], POLLOUT, soon(), NULL, &err), 0);
	assert_int_equal(io_wait(fds[0], POLLIN, clock_deadline(0), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_string_equal(err->message, "timed out");
	error_ignore(&err, "looked at");
	assert_int_equal(io_write_all(fds[1], "x", 1, soon(), NULL, &err), 0);
	/* what is ready is ready, even when the deadline has passed */
	assert_int_equal(io_wait(fds[0], POLLIN, clock_deadline(0), NULL, &err), 0);
	fd_close(fds[1]);
	fd_close(fds[0]);
}

static void test_hang_up_is_ready(void **state)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	fd_close(fds[1]);
	assert_int_equal(io_wait(fds[0], POLLIN, soon(), NULL, &err), 0);
	fd_close(fds[0]);
}

static void test_many(void **state)
{
	AUTO(error) struct error *err = NULL;
	int a[2], b[2];

	assert_int_equal(fd_pipe(a, &err), 0);
	assert_int_equal(fd_pipe(b, &err), 0);

	struct pollfd fds[] = { { .fd = a[0], .events = POLLIN },
				{ .fd = -1, .events = POLLIN },
				{ .fd = b[1], .events = POLLOUT } };

	assert_int_equal(io_wait_many(fds, 3, soon(), NULL, &err), 0);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, 0);
	assert_int_equal(fds[2].revents, POLLOUT);
	fds[2].fd = -1;
	assert_int_equal(io_wait_many(fds, 3, clock_deadline(NSEC_PER_MSEC), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	fd_close(a[0]);
	fd_close(a[1]);
	fd_close(b[0]);
	fd_close(b[1]);
}

static void test_cancelled(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	cancel_trigger(c);
	/* even though the fd is ready: endless output must not hide the interrupt */
	assert_int_equal(io_wait(fds[1], POLLOUT, soon(), c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	error_ignore(&err, "looked at");
	assert_int_equal(io_pause(clock_deadline(0), c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

static void test_token_deadline(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *parent = cancel_new(NULL, clock_deadline(5 * NSEC_PER_MSEC));
	AUTO(cancel) struct cancel *c = cancel_new(parent, DEADLINE_NEVER);

	assert_int_equal(io_pause(DEADLINE_NEVER, c, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
}

static void test_pause(void **state)
{
	AUTO(error) struct error *err = NULL;
	int64_t until = clock_deadline(3 * NSEC_PER_MSEC);

	assert_int_equal(io_pause(until, NULL, &err), 0);
	assert_true(clock_monotonic() >= until);
	assert_true(clock_monotonic() < until + NSEC_PER_SEC / 2);
}

static void on_alarm(int sig)
{
}

/* Interrupted system calls neither end nor prolong the wait. */
static void test_signals(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	int64_t until = clock_deadline(30 * NSEC_PER_MSEC);

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(io_pause(until, NULL, &err), 0);
	setitimer(ITIMER_REAL, &off, NULL);
	assert_true(clock_monotonic() >= until);
	assert_true(clock_monotonic() < until + NSEC_PER_SEC);
}

struct reader {
	int fd;
	size_t got;
};

static void *read_all(void *data)
{
	struct reader *r = data;
	char buf[5000];
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0)
		r->got += (size_t)n;
	return NULL;
}

static void check_write_all(bool nonblocking)
{
	enum { TOTAL = 300000 };
	AUTO(error) struct error *err = NULL;
	struct reader r = { 0 };
	pthread_t thread;
	int fds[2];
	char *data = calloc(1, TOTAL);

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fd_set_nonblocking(fds[1], nonblocking, &err), 0);
	r.fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, read_all, &r), 0);
	assert_int_equal(io_write_all(fds[1], data, TOTAL, soon(), NULL, &err), 0);
	fd_close(fds[1]);
	pthread_join(thread, NULL);
	assert_int_equal(r.got, TOTAL);
	fd_close(fds[0]);
	free(data);
}

static void test_write_all(void **state)
{
	check_write_all(false);
	check_write_all(true);
}

/* Nobody reads: a full pipe must not keep us, blocking or not. */
static void check_write_stuck(bool nonblocking)
{
	enum { TOTAL = 1000000 };
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, clock_deadline(10 * NSEC_PER_MSEC));
	int fds[2];
	char *data = calloc(1, TOTAL);

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fd_set_nonblocking(fds[1], nonblocking, &err), 0);
	assert_int_equal(io_write_all(fds[1], data, TOTAL, soon(), c, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	fd_close(fds[0]);
	fd_close(fds[1]);
	free(data);
}

static void test_write_stuck(void **state)
{
	check_write_stuck(false);
	check_write_stuck(true);
}

static void test_write_to_nobody(void **state)
{
	AUTO(error) struct error *err = NULL;
	sigset_t pending;
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	fd_close(fds[0]);
	assert_int_equal(io_write_all(fds[1], "x", 1, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_DISCONNECTED);
	assert_int_equal(err->os_errno, EPIPE);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	fd_close(fds[1]);
}

static void test_bad_fd(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(io_write_all(-1, "x", 1, soon(), NULL, &err), -1);
	assert_int_equal(err->os_errno, EBADF);
	error_ignore(&err, "looked at");
	assert_int_equal(fd_set_nonblocking(-1, true, &err), -1);
	errno = 7;
	fd_close(-1);
	fd_close(9999);
	assert_int_equal(errno, 7);
}

static void test_close_on_exec(void **state)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);

	int kept = fds[0];
	int taken = fd_take(&fds[0]);

	assert_int_equal(taken, kept);
	assert_int_equal(fds[0], -1);
	fd_close(taken);
	fd_close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),          cmocka_unit_test(test_hang_up_is_ready),
		cmocka_unit_test(test_many),           cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_token_deadline), cmocka_unit_test(test_pause),
		cmocka_unit_test(test_signals),        cmocka_unit_test(test_write_all),
		cmocka_unit_test(test_write_stuck),    cmocka_unit_test(test_write_to_nobody),
		cmocka_unit_test(test_bad_fd),         cmocka_unit_test(test_close_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
