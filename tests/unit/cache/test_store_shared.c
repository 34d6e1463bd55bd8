/* SPDX-License-Identifier: Apache-2.0 */
/* A store that several processes and threads use at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_lab.h"

/* ---- processes and threads ------------------------------------------------------------------ */

/* What a killed process had begun is garbage, and nothing else. */
static void test_killed_process(void **state)
{
	AUTO_FREE char *kept = publish_one("aaaa", KIB);
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct store_stage stage;
		struct error *err = NULL;
		char *path;
		int fd;

		if (store_layer_new(s, "qcow2", &path, &fd, &err) == 0 &&
		    store_stage(s, &stage, &err) == 0 && store_claim(s, "bbbb", &fd, &err) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	collect(0, INT64_MAX); /* it is alive */
	assert_int_equal(count_in("layers"), 2);
	assert_int_equal(count_in("staging"), 1);
	assert_int_equal(count_in("locks"), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	collect(0, INT64_MAX);
	assert_int_equal(count_in("layers"), 1);
	assert_int_equal(count_in("staging"), 0);
	assert_int_equal(count_in("locks"), 0);
	expect_keys("aaaa");
	fd_close(ready[0]);
	fd_close(ready[1]);
}

static void test_claims(void **state)
{
	AUTO(error) struct error *err = NULL;
	int ready[2], end[2], fd = -1;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		close(end[1]);
		if (store_claim(s, "aaaa", &fd, &err) == 0)
			(void)!write(ready[1], "x", 1);
		(void)!read(end[0], &byte, 1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(store_claim(s, "aaaa", &fd, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_ignore(&err, "looked at");

	AUTO(cancel) struct cancel *soon = cancel_new(NULL, clock_deadline(30 * NSEC_PER_MSEC));

	assert_int_equal(store_wait(s, "aaaa", soon, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "looked at");
	fd_close(end[1]);
	assert_int_equal(store_wait(s, "aaaa", NULL, &err), 0);
	assert_int_equal(store_claim(s, "aaaa", &fd, &err), 0);
	assert_int_equal(store_wait(s, "never claimed? no", NULL, &err), -1);
	error_ignore(&err, "not a key");
	assert_int_equal(store_wait(s, "bbbb", NULL, &err), 0);
	fd_close(fd);
	fd_close(end[0]);
	fd_close(ready[0]);
	fd_close(ready[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct worker {
	pthread_t thread;
	atomic_bool *stop;
	char key[5];
	struct error *err;
};

/* What is published is there, whole, whoever collects meanwhile. */
static void *publish_often(void *data)
{
	struct worker *w = data;

	for (int i = 0; i < ROUNDS && !w->err; i++) {
		AUTO_FREE char *layer = publish_one(w->key, KIB);
		AUTO(store_entry) struct store_entry *e = NULL;

		if (store_get(s, w->key, NULL, &e, &w->err) < 0)
			break;
	}
	return NULL;
}

static void *collect_often(void *data)
{
	struct worker *w = data;
	int removed;

	while (!*w->stop && !w->err)
		if (store_collect(s, 0, INT64_MAX, &removed, &w->err) < 0 ||
		    io_pause(clock_deadline(5 * NSEC_PER_MSEC), NULL, &w->err) < 0)
			break;
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[THREADS] = { 0 }, collector = { 0 };
	atomic_bool stop = false;

	collector.stop = &stop;
	assert_int_equal(pthread_create(&collector.thread, NULL, collect_often, &collector), 0);
	for (int i = 0; i < THREADS; i++) {
		/* two of them make the same one */
		(void)snprintf(workers[i].key, sizeof(workers[i].key), "key%d", i / 2);
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, publish_often, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].err)
			fail_msg("%s", workers[i].err->message);
	}
	stop = true;
	pthread_join(collector.thread, NULL);
	if (collector.err)
		fail_msg("%s", collector.err->message);
	expect_keys("key0 key1");
	collect(0, INT64_MAX);
	assert_int_equal(count_in("layers"), 2);
	assert_int_equal(count_in("staging"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_killed_process),
		TEST(test_claims),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
