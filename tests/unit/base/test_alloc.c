/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

static void test_copies(void **state)
{
	AUTO_FREE char *s = xstrdup("abc");
	AUTO_FREE char *n = xstrndup("abcdef", 3);
	AUTO_FREE char *all = xstrndup("ab", 30);
	AUTO_FREE char *m = xmemdup("a\0b", 3);
	AUTO_FREE char *f = xasprintf("%d-%s", 7, "x");

	assert_string_equal(s, "abc");
	assert_string_equal(n, "abc");
	assert_string_equal(all, "ab");
	assert_memory_equal(m, "a\0b", 3);
	assert_string_equal(f, "7-x");
	assert_null(xstrdup(NULL));
}

static void test_nothing_is_something(void **state)
{
	AUTO_FREE void *a = xmalloc(0);
	AUTO_FREE void *b = xcalloc(0, 8);
	AUTO_FREE void *c = xreallocarray(NULL, 0, 8);
	AUTO_FREE void *d = xmemdup(NULL, 0);

	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_non_null(d);
}

static void test_zeroed(void **state)
{
	AUTO_FREE unsigned char *p = xcalloc(100, 3);

	for (size_t i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	p = xreallocarray(p, 200, 3);
	assert_int_equal(p[299], 0);
}

/* Aborts with one line; a size that overflows must not become a small block. */
static void test_out_of_memory(void **state)
{
	int fds[2], status = 0;
	char line[64];

	assert_int_equal(pipe(fds), 0);

	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(fds[1], 2);
		free(xreallocarray(NULL, SIZE_MAX / 2, 3));
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);

	ssize_t n = read(fds[0], line, sizeof(line));

	close(fds[0]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(n, 21);
	assert_memory_equal(line, "ingot: out of memory\n", 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_nothing_is_something),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
