/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"

static void check_take(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void test_join(void **state)
{
	check_take(path_join("a", "b"), "a/b");
	check_take(path_join("a/", "b"), "a/b");
	check_take(path_join("/", "b"), "/b");
	check_take(path_join("a", "/b"), "/b");
	check_take(path_join("", "b"), "b");
	check_take(path_join("a", ""), "a");
}

static void test_clean(void **state)
{
	static const char *const cases[][2] = {
		{ "", "." },
		{ ".", "." },
		{ "..", ".." },
		{ "/", "/" },
		{ "//", "/" },
		{ "/..", "/" },
		{ "/../a", "/a" },
		{ "a/..", "." },
		{ "a/../..", ".." },
		{ "../..", "../.." },
		{ "../../a", "../../a" },
		{ "a//b/./c/", "a/b/c" },
		{ "/a/b/../../..", "/" },
		{ "a/b/../c", "a/c" },
		{ "..a/..", "." },
		{ "a..", "a.." },
		{ "...", "..." },
		{ "./a", "a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_take(path_clean(cases[i][0]), cases[i][1]);
}

static void test_parts(void **state)
{
	check_take(path_dirname("a"), ".");
	check_take(path_dirname("/a"), "/");
	check_take(path_dirname("a/b"), "a");
	check_take(path_dirname("a/b/"), "a/b");
	check_take(path_dirname("/a/./b/c"), "/a/b");
	assert_string_equal(path_basename("a/b.iso"), "b.iso");
	assert_string_equal(path_basename("b"), "b");
	assert_string_equal(path_basename("b/"), "");
	assert_true(str_is(path_extension("a.b/c.tar.gz"), "gz"));
	assert_true(str_is(path_extension("a.b/c"), ""));
	assert_true(str_is(path_extension("c."), ""));
}

static void test_absolute(void **state)
{
	check_take(path_absolute("/w", "a/../b"), "/w/b");
	check_take(path_absolute("/w", "/x/"), "/x");
	check_take(path_absolute("/w/", "../.."), "/");
}

static void test_below(void **state)
{
	assert_true(path_is_below("/a/b", "/a"));
	assert_true(path_is_below("/a", "/a/"));
	assert_true(path_is_below("/a", "/"));
	assert_false(path_is_below("/ab", "/a"));
	assert_false(path_is_below("/a/../b", "/a"));
	assert_false(path_is_below("/", "/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),  cmocka_unit_test(test_clean),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
