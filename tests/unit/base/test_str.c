/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"

static void test_compare(void **state)
{
	assert_true(str_eq(STR("a"), STR("a")));
	assert_false(str_eq(STR("a"), STR("ab")));
	assert_false(str_eq(STR("a"), STR("b")));
	assert_true(str_eq((struct str){ NULL, 0 }, STR("")));
	assert_true(str_is(STR("abc"), "abc"));
	assert_false(str_is(STR("abc"), "abcd"));
	assert_int_equal(str_of(NULL).len, 0);
	assert_true(str_starts_with(STR("abc"), STR("ab")));
	assert_true(str_starts_with(STR("abc"), STR("")));
	assert_false(str_starts_with(STR("a"), STR("ab")));
	assert_true(str_ends_with(STR("abc"), STR("bc")));
	assert_true(str_ends_with(STR("abc"), STR("")));
	assert_false(str_ends_with(STR("c"), STR("bc")));
}

static void test_trim_and_dup(void **state)
{
	AUTO_FREE char *s = str_dup(str_trim(STR(" \t\r\n\v\fa b \n")));
	AUTO_FREE char *none = str_dup(str_trim(STR(" \n ")));

	assert_string_equal(s, "a b");
	assert_string_equal(none, "");
}

static void test_split(void **state)
{
	struct str tail;

	assert_true(str_is(str_split(STR("k=v=w"), '=', &tail), "k"));
	assert_true(str_is(tail, "v=w"));
	assert_true(str_is(str_split(STR("=v"), '=', &tail), ""));
	assert_true(str_is(tail, "v"));
	assert_true(str_is(str_split(STR("k"), '=', &tail), "k"));
	assert_int_equal(tail.len, 0);
	assert_true(str_is(str_split(STR(""), '=', &tail), ""));
	assert_int_equal(tail.len, 0);
}

static void test_text(void **state)
{
	assert_true(text_starts_with("abc", "ab"));
	assert_false(text_starts_with("a", "ab"));
	assert_true(text_ends_with("abc", "bc"));
	assert_false(text_ends_with("", "c"));
	assert_true(text_is_empty(NULL));
	assert_true(text_is_empty(""));
	assert_false(text_is_empty("a"));
	assert_true(text_eq("a", "a"));
	assert_true(text_eq(NULL, NULL));
	assert_false(text_eq("a", NULL));
	assert_false(text_eq(NULL, ""));
}

static void test_int64(void **state)
{
	static const char *const bad[] = {
		"",    " 1",  "1 ",  "x", "1x", "0x", "9223372036854775808", "-9223372036854775809",
		"1.5", "\n1", "--1", "-"
	};
	int64_t n = 42;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse_int64(bad[i], 10, &n));
	assert_false(parse_int64(NULL, 10, &n));
	assert_int_equal(n, 42);
	assert_true(parse_int64("-12", 10, &n));
	assert_int_equal(n, -12);
	assert_true(parse_int64("9223372036854775807", 10, &n));
	assert_true(n == INT64_MAX);
	assert_true(parse_int64("-9223372036854775808", 10, &n));
	assert_true(n == INT64_MIN);
	assert_true(parse_int64("0755", 8, &n));
	assert_int_equal(n, 0755);
}

static void test_uint64(void **state)
{
	static const char *const bad[] = { "", " 1", "-1", "+1", "1x", "18446744073709551616" };
	uint64_t n = 42;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse_uint64(bad[i], 10, &n));
	assert_false(parse_uint64("a", 10, &n));
	assert_false(parse_uint64(NULL, 10, &n));
	assert_int_equal(n, 42);
	assert_true(parse_uint64("18446744073709551615", 10, &n));
	assert_true(n == UINT64_MAX);
	assert_true(parse_uint64("ff", 16, &n));
	assert_int_equal(n, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare), cmocka_unit_test(test_trim_and_dup),
		cmocka_unit_test(test_split),   cmocka_unit_test(test_text),
		cmocka_unit_test(test_int64),   cmocka_unit_test(test_uint64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
