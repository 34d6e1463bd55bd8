/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/duration.h"
#include "os/cancel.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"

enum { PROMPT_MSEC = 50 };

static void check_ended(struct cancel *c, enum error_kind kind, const char *message)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(cancel_check(c, &err), -1);
	assert_int_equal(err->kind, kind);
	assert_string_equal(err->message, message);
}

static void check_alive(struct cancel *c)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(cancel_check(c, &err), 0);
	assert_null(err);
}

static void test_none(void **state)
{
	check_alive(NULL);
	assert_false(cancel_is_triggered(NULL));
	cancel_free(NULL);
}

static void test_chain(void **state)
{
	AUTO(cancel) struct cancel *root = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(cancel) struct cancel *middle = cancel_new(root, DEADLINE_NEVER);
	AUTO(cancel) struct cancel *leaf = cancel_new(middle, DEADLINE_NEVER);

	check_alive(leaf);
	cancel_trigger(middle);
	check_alive(root);
	assert_false(cancel_is_triggered(root));
	assert_true(cancel_is_triggered(leaf));
	check_ended(middle, ERROR_CANCELLED, "cancelled");
	check_ended(leaf, ERROR_CANCELLED, "cancelled");
	cancel_trigger(middle); /* again does no harm */
	check_ended(leaf, ERROR_CANCELLED, "cancelled");
}

static void test_deadline(void **state)
{
	AUTO(cancel) struct cancel *root = cancel_new(NULL, clock_deadline(0));
	AUTO(cancel) struct cancel *leaf = cancel_new(root, DEADLINE_NEVER);

	check_ended(leaf, ERROR_TIMEOUT, "timed out");
	assert_false(cancel_is_triggered(leaf));
	cancel_trigger(root); /* a person goes before the clock */
	check_ended(leaf, ERROR_CANCELLED, "cancelled");
}

static int ended(void *data, struct error **err)
{
	return error_set(err, ERROR_GONE, "%s", (const char *)data);
}

static void test_watch(void **state)
{
	AUTO_CLOSE int guest = eventfd(0, EFD_CLOEXEC);
	AUTO(cancel) struct cancel *root = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(cancel) struct cancel *leaf = cancel_new(root, DEADLINE_NEVER);
	char why[] = "the guest ended";

	cancel_watch(root, guest, ended, why);
	check_alive(leaf);
	assert_int_equal(eventfd_write(guest, 1), 0);
	check_ended(leaf, ERROR_GONE, "the guest ended");
	cancel_watch(root, -1, NULL, NULL);
	check_alive(leaf);
}

static int chatter(void *data, struct error **err)
{
	eventfd_t n;

	(void)err;
	assert_int_equal(eventfd_read(*(int *)data, &n), 0);
	return 0;
}

static void test_watch_may_be_nothing(void **state)
{
	AUTO_CLOSE int guest = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO(cancel) struct cancel *root = cancel_new(NULL, clock_deadline(0));
	AUTO(cancel) struct cancel *leaf = cancel_new(root, DEADLINE_NEVER);

	cancel_watch(leaf, guest, chatter, &guest);
	assert_int_equal(eventfd_write(guest, 1), 0);
	check_ended(leaf, ERROR_TIMEOUT, "timed out"); /* the rest of the chain still counts */
}

static void test_pollfds(void **state)
{
	AUTO_CLOSE int guest = eventfd(0, EFD_CLOEXEC);
	AUTO(cancel) struct cancel *root = cancel_new(NULL, 12345);
	AUTO(cancel) struct cancel *leaf = cancel_new(root, 99999);
	struct pollfd fds[4] = { { .fd = 77 } };
	int64_t deadline = DEADLINE_NEVER;
	size_t n = 1;

	cancel_watch(leaf, guest, ended, NULL);
	cancel_pollfds(leaf, fds, 4, &n, &deadline);
	assert_int_equal(n, 4);
	assert_int_equal(fds[0].fd, 77);
	assert_int_equal(fds[2].fd, guest);
	assert_int_equal(fds[2].events, POLLIN);
	assert_int_equal(deadline, 12345);
	assert_int_equal(poll(fds + 1, 3, 0), 0);
	cancel_trigger(root);
	assert_int_equal(poll(fds + 1, 3, 0), 1);

	/* no room: the wait must come back soon to look itself */
	AUTO(cancel) struct cancel *lone = cancel_new(NULL, DEADLINE_NEVER);

	n = 4;
	deadline = DEADLINE_NEVER;
	cancel_pollfds(lone, fds, 4, &n, &deadline);
	assert_int_equal(n, 4);
	assert_true(deadline < clock_deadline(NSEC_PER_SEC));
}

struct trigger {
	struct cancel *c;
	int64_t at; /* when it was triggered */
};

/* The trigger comes from elsewhere while the wait sleeps. */
static void *trigger_later(void *data)
{
	struct trigger *t = data;
	AUTO(error) struct error *err = NULL;

	if (io_pause(clock_deadline(10 * NSEC_PER_MSEC), NULL, &err) == 0) {
		t->at = clock_monotonic();
		cancel_trigger(t->c);
	}
	return NULL;
}

/* How long after the trigger a wait on the child of a token comes back. */
static int64_t measure_wake_up(void)
{
	AUTO(cancel) struct cancel *root = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(cancel) struct cancel *leaf = cancel_new(root, DEADLINE_NEVER);
	AUTO(error) struct error *err = NULL;
	struct trigger t = { .c = root };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, trigger_later, &t), 0);
	assert_int_equal(io_pause(clock_deadline(30 * NSEC_PER_SEC), leaf, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);

	int64_t woken = clock_monotonic();

	pthread_join(thread, NULL);
	return woken - t.at;
}

static void test_wakes_a_wait(void **state)
{
	int64_t best = INT64_MAX;

	/* a busy host may delay us now and then, but not every time */
	for (int i = 0; i < 5 && best >= PROMPT_MSEC * NSEC_PER_MSEC; i++)
		best = MIN(best, measure_wake_up());
	assert_true(best < PROMPT_MSEC * NSEC_PER_MSEC);
}

static struct cancel *signalled;

static void on_signal(int sig)
{
	cancel_trigger(signalled);
}

static void test_signal_safe(void **state)
{
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);

	signalled = c;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	check_ended(c, ERROR_CANCELLED, "cancelled");
}

/* Without an eventfd the flag alone must do. */
static void test_without_descriptors(void **state)
{
	struct rlimit before, none = { 0 };

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

	AUTO(error) struct error *err = NULL;
	struct trigger t = { .c = c };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, trigger_later, &t), 0);
	assert_int_equal(io_pause(clock_deadline(30 * NSEC_PER_SEC), c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_may_be_nothing),
		cmocka_unit_test(test_pollfds),
		cmocka_unit_test(test_wakes_a_wait),
		cmocka_unit_test(test_signal_safe),
		cmocka_unit_test(test_without_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
