/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macro.h"

/* What grows each time that somebody looks, as a stream's credit may. */
static size_t next(size_t *n)
{
	return ++*n;
}

static void test_arguments_are_looked_at_once(void **state)
{
	size_t n = 0;

	assert_int_equal(MIN(next(&n), (size_t)1), 1);
	assert_int_equal(n, 1);
	assert_int_equal(MAX((size_t)1, next(&n)), 2);
	assert_int_equal(n, 2);
	assert_int_equal(MIN(MAX(next(&n), (size_t)7), next(&n)), 4);
	assert_int_equal(n, 4);
}

static void test_constants_go_with_anything(void **state)
{
	unsigned char small = 200;
	size_t large = 1000;

	assert_int_equal(MIN(large, 5), 5);
	assert_int_equal(MAX(small, 255u), 255);
	assert_int_equal(MIN(small, 255), 200);
	assert_int_equal(MAX(-3, -4), -3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments_are_looked_at_once),
		cmocka_unit_test(test_constants_go_with_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
