/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"

static void test_empty(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	assert_string_equal(sb.buf, "");
	strbuf_add(&sb, "", 0);
	strbuf_addstr(&sb, "");
	strbuf_addchars(&sb, 'x', 0);
	strbuf_truncate(&sb, 0);
	strbuf_rtrim(&sb);
	strbuf_replace(&sb, "a", "b");
	strbuf_remove(&sb, 0, 0);
	strbuf_insert(&sb, 0, "", 0);
	assert_int_equal(sb.cap, 0);

	AUTO_FREE char *s = strbuf_detach(&sb);

	assert_string_equal(s, "");
}

static void test_add(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "ab");
	strbuf_addch(&sb, 'c');
	strbuf_addchars(&sb, 'd', 3);
	strbuf_addf(&sb, "-%05d-", 42);
	assert_string_equal(sb.buf, "abcddd-00042-");
	assert_int_equal(sb.len, 13);
	strbuf_add(&sb, "\0x", 2);
	assert_int_equal(sb.len, 15);
	assert_int_equal(sb.buf[15], '\0');
}

static void test_grows(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (int i = 0; i < 10000; i++)
		strbuf_addf(&sb, "%04d", i);
	assert_int_equal(sb.len, 40000);
	assert_memory_equal(sb.buf + 39996, "9999", 5);
	strbuf_addf(&sb, "%*d", 100000, 1);
	assert_int_equal(sb.len, 140000);
}

static void test_limit(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT_MAX(5);

	strbuf_addstr(&sb, "abcde");
	assert_false(sb.overflow);
	strbuf_addch(&sb, 'f');
	assert_true(sb.overflow);
	assert_string_equal(sb.buf, "abcde");
	strbuf_truncate(&sb, 2);
	strbuf_addf(&sb, "%s", "four");
	strbuf_addchars(&sb, 'x', 4);
	strbuf_addchars(&sb, 'x', SIZE_MAX);
	strbuf_insert(&sb, 0, "four", 4);
	assert_string_equal(sb.buf, "ab");
	strbuf_addstr(&sb, "cde");
	assert_string_equal(sb.buf, "abcde");
	assert_true(sb.overflow); /* stays */
	strbuf_release(&sb);
	assert_int_equal(sb.max, 5);
	assert_false(sb.overflow);
	strbuf_init_max(&sb, 0);
	strbuf_addch(&sb, 'x');
	assert_true(sb.overflow);
	assert_string_equal(sb.buf, "");
}

static void check_replace(const char *text, const char *from, const char *to, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, from, to);
	assert_string_equal(sb.buf, want);
}

static void test_replace(void **state)
{
	check_replace("a-b-c", "-", "+++", "a+++b+++c");
	check_replace("aaa", "aa", "b", "ba");
	check_replace("abc", "x", "y", "abc");
	check_replace("abab", "ab", "", "");
	check_replace("x", "x", "xx", "xx");
}

static void test_replace_limit(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT_MAX(4);

	strbuf_addstr(&sb, "aXbX");
	strbuf_replace(&sb, "X", "long");
	assert_true(sb.overflow);
	assert_true(sb.len <= 4);
}

static void test_edit(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "bd");
	strbuf_insert(&sb, 1, "c", 1);
	strbuf_insert(&sb, 0, "a", 1);
	strbuf_insert(&sb, 4, "e", 1);
	assert_string_equal(sb.buf, "abcde");
	strbuf_remove(&sb, 1, 3);
	assert_string_equal(sb.buf, "ae");
	strbuf_remove(&sb, 1, 1);
	strbuf_remove(&sb, 0, 1);
	assert_string_equal(sb.buf, "");
	strbuf_addstr(&sb, "text \t\r\n\v\f");
	strbuf_rtrim(&sb);
	assert_string_equal(sb.buf, "text");
	strbuf_add(&sb, "\0", 1);
	strbuf_rtrim(&sb); /* NUL is no space */
	assert_int_equal(sb.len, 5);
}

static void test_reserve(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	memcpy(strbuf_reserve(&sb, 3), "abc", 3);
	strbuf_advance(&sb, 2);
	assert_string_equal(sb.buf, "ab");
	strbuf_reserve(&sb, 0);
	assert_string_equal(sb.buf, "ab");
}

static void test_detach(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT_MAX(10);

	strbuf_addstr(&sb, "abc");

	AUTO_FREE char *s = strbuf_detach(&sb);

	assert_string_equal(s, "abc");
	assert_int_equal(sb.len, 0);
	assert_int_equal(sb.max, 10);
	strbuf_addstr(&sb, "x");
	assert_string_equal(sb.buf, "x");
	strbuf_release(&sb);
	strbuf_init(&sb);
	assert_true(sb.max > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),   cmocka_unit_test(test_add),
		cmocka_unit_test(test_grows),   cmocka_unit_test(test_limit),
		cmocka_unit_test(test_replace), cmocka_unit_test(test_replace_limit),
		cmocka_unit_test(test_edit),    cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
