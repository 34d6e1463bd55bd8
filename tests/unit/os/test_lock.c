/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"

static char *path;

static int name_file(void **state)
{
	if (make_dir(state) < 0)
		return -1;
	path = path_join(dir, "lock");
	return 0;
}

static int remove_file(void **state)
{
	free(path);
	return remove_dir(state);
}

static void test_try(void **state)
{
	AUTO(error) struct error *err = NULL;
	int first = -1, second = -1;

	assert_int_equal(lock_try(path, &first, &err), 0);
	assert_int_equal(lock_try(path, &second, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	assert_int_equal(second, -1);
	error_ignore(&err, "looked at");
	fd_close(first);
	assert_int_equal(lock_try(path, &second, &err), 0);
	fd_close(second);
	assert_true(fs_exists(path));
}

static void test_deadline(void **state)
{
	AUTO(error) struct error *err = NULL;
	int first = -1, second = -1;

	assert_int_equal(lock_acquire(path, clock_deadline(0), NULL, &first, &err), 0);
	assert_int_equal(lock_acquire(path, clock_deadline(5 * NSEC_PER_MSEC), NULL, &second, &err),
			 -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	fd_close(first);
}

static void test_cancel(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	int first = -1, second = -1;

	assert_int_equal(lock_try(path, &first, &err), 0);
	cancel_trigger(c);
	assert_int_equal(lock_acquire(path, DEADLINE_NEVER, c, &second, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	fd_close(first);
}

static void *acquire(void *data)
{
	AUTO(error) struct error *err = NULL;
	int *fd = data;

	(void)!lock_acquire(path, clock_deadline(30 * NSEC_PER_SEC), NULL, fd, &err);
	return NULL;
}

static void test_waits(void **state)
{
	AUTO(error) struct error *err = NULL;
	int first = -1, second = -1;
	pthread_t thread;

	assert_int_equal(lock_try(path, &first, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, acquire, &second), 0);
	fd_close(first);
	pthread_join(thread, NULL);
	assert_true(second >= 0);
	fd_close(second);
}

/* A lock on a file that was removed is no lock: the next one must not have it too. */
static void test_removed_file(void **state)
{
	AUTO(error) struct error *err = NULL;
	int first = -1, second = -1;

	assert_int_equal(lock_try(path, &first, &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lock_try(path, &second, &err), 0);
	fd_close(first);
	first = -1;
	assert_int_equal(lock_try(path, &first, &err), -1);
	fd_close(second);
}

static void test_bad_path(void **state)
{
	AUTO(error) struct error *err = NULL;
	int fd = -1;

	assert_int_equal(lock_try("/no/such/dir/lock", &fd, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_try),          cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_cancel),       cmocka_unit_test(test_waits),
		cmocka_unit_test(test_removed_file), cmocka_unit_test(test_bad_path),
	};

	return cmocka_run_group_tests(tests, name_file, remove_file);
}
