/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/duration.h"
#include "os/fd.h"
#include "os/signals.h"
#include "os/wait.h"

static int signal_fd = -1;

static int open_signals(void **state)
{
	AUTO(error) struct error *err = NULL;

	signal(SIGHUP, SIG_DFL);
	return signals_open(&signal_fd, &err);
}

static int close_signals(void **state)
{
	fd_close(signal_fd);
	return 0;
}

static void wait_readable(void)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(io_wait(signal_fd, POLLIN, clock_deadline(30 * NSEC_PER_SEC), NULL, &err),
			 0);
}

static void test_events(void **state)
{
	static const struct {
		int sig;
		enum signal_kind event;
	} cases[] = {
		{ SIGINT, SIGNAL_INTERRUPT },
		{ SIGTERM, SIGNAL_TERMINATE },
		{ SIGHUP, SIGNAL_TERMINATE },
		{ SIGWINCH, SIGNAL_RESIZE },
	};

	assert_int_equal(fcntl(signal_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(signals_read(signal_fd), SIGNAL_NONE);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kill(getpid(), cases[i].sig);
		wait_readable();
		assert_int_equal(signals_read(signal_fd), cases[i].event);
		assert_int_equal(signals_read(signal_fd), SIGNAL_NONE);
	}
}

static void *send_two(void *data)
{
	/* threads made later have the signals blocked too */
	kill(getpid(), SIGINT);
	kill(getpid(), SIGWINCH);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t thread;
	int seen = 0;

	assert_int_equal(pthread_create(&thread, NULL, send_two, NULL), 0);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		wait_readable();
		seen |= 1 << signals_read(signal_fd);
	}
	assert_int_equal(seen, 1 << SIGNAL_INTERRUPT | 1 << SIGNAL_RESIZE);
}

static void test_pipe_is_ignored(void **state)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	fd_close(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	fd_close(fds[1]);
}

/* Under nohup a hang-up must not end us. */
static void test_nohup(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		AUTO(error) struct error *err = NULL;
		sigset_t none;
		int fd = -1;

		sigemptyset(&none);
		pthread_sigmask(SIG_SETMASK, &none, NULL);
		signal(SIGHUP, SIG_IGN);
		if (signals_open(&fd, &err) < 0)
			_exit(1);
		kill(getpid(), SIGHUP);
		_exit(signals_read(fd) == SIGNAL_NONE ? 0 : 2);
	}

	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_pipe_is_ignored),
		cmocka_unit_test(test_nohup),
	};

	return cmocka_run_group_tests(tests, open_signals, close_signals);
}
