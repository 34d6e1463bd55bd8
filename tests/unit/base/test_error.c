/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"

static void test_set(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(error_set(&err, ERROR_AUTH, "no key for '%s'", "x"), -1);
	assert_int_equal(err->kind, ERROR_AUTH);
	assert_int_equal(err->os_errno, 0);
	assert_string_equal(err->message, "no key for 'x'");
	assert_null(err->hint);
}

static void test_errno(void **state)
{
	static const struct {
		int os_errno;
		enum error_kind kind;
		const char *message;
	} cases[] = {
		{ ENOENT, ERROR_NOT_FOUND, "cannot open 'f': No such file or directory" },
		{ EEXIST, ERROR_EXISTS, "cannot open 'f': File exists" },
		{ ETIMEDOUT, ERROR_TIMEOUT, "cannot open 'f': Connection timed out" },
		{ EPIPE, ERROR_DISCONNECTED, "cannot open 'f': Broken pipe" },
		{ ECONNRESET, ERROR_DISCONNECTED, "cannot open 'f': Connection reset by peer" },
		{ EACCES, ERROR_IO, "cannot open 'f': Permission denied" },
		{ 99999, ERROR_IO, "cannot open 'f': unknown error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(error) struct error *err = NULL;

		assert_int_equal(error_set_errno(&err, cases[i].os_errno, "cannot open '%s'", "f"),
				 -1);
		assert_int_equal(err->kind, cases[i].kind);
		assert_int_equal(err->os_errno, cases[i].os_errno);
		assert_string_equal(err->message, cases[i].message);
	}
}

static void test_prefix_and_hint(void **state)
{
	AUTO(error) struct error *err = NULL;

	error_set(&err, ERROR_IO, "disk is full");
	assert_int_equal(error_hint(&err, "free %d bytes", 5), -1);
	assert_int_equal(error_hint(&err, "too late"), -1);
	assert_int_equal(error_prefix(&err, "cannot save '%s'", "f"), -1);
	assert_int_equal(error_prefix(&err, "build"), -1);
	assert_string_equal(err->message, "build: cannot save 'f': disk is full");
	assert_string_equal(err->hint, "free 5 bytes");
	assert_int_equal(err->kind, ERROR_IO);
}

static void test_add_hint(void **state)
{
	AUTO(error) struct error *err = NULL;

	error_set(&err, ERROR_FAILED, "x");
	assert_int_equal(error_add_hint(&err, "at line %d", 3), -1);
	assert_string_equal(err->hint, "at line 3");
	error_add_hint(&err, "and more");
	assert_string_equal(err->hint, "at line 3\nand more");
}

static void test_move_and_ignore(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct error *e = NULL;

	error_set(&e, ERROR_FAILED, "x");

	struct error *same = e;

	assert_int_equal(error_move(&err, TAKE(e)), -1);
	assert_null(e);
	assert_ptr_equal(err, same);
	error_ignore(&err, "seen");
	assert_null(err);
	error_ignore(&err, "nothing there");
	error_free(NULL);
}

static void test_kind_names(void **state)
{
	assert_string_equal(error_kind_name(ERROR_FAILED), "failed");
	assert_string_equal(error_kind_name(ERROR_GONE), "gone");
	for (int i = 0; i < ERROR_KIND_COUNT; i++)
		assert_non_null(error_kind_name((enum error_kind)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_prefix_and_hint),
		cmocka_unit_test(test_add_hint),
		cmocka_unit_test(test_move_and_ignore),
		cmocka_unit_test(test_kind_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
