/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/suggest.h"

static void test_distance(void **state)
{
	assert_int_equal(levenshtein("", ""), 0);
	assert_int_equal(levenshtein("", "abc"), 3);
	assert_int_equal(levenshtein("abc", ""), 3);
	assert_int_equal(levenshtein("kitten", "sitting"), 3);
	assert_int_equal(levenshtein("flaw", "lawn"), 2);
	assert_int_equal(levenshtein("\303\244", "a"), 1);
	assert_int_equal(levenshtein("\xff", "\xfe"), 1);
}

static void test_suggest(void **state)
{
	const char *const names[] = { "memory", "cpus", "cpu", NULL };
	const char *const none[] = { NULL };

	assert_string_equal(suggest("memroy", names), "memory");
	assert_string_equal(suggest("cpux", names), "cpus"); /* the first, not the nearest */
	assert_null(suggest("headless", names));
	assert_null(suggest("x", none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
