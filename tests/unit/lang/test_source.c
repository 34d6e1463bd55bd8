/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_byte_order_mark(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	const struct source *src = sources_add(sources, "a.hcl", "\xef\xbb\xbfx = 1\n", 9);

	assert_int_equal(src->len, 6);
	assert_string_equal(src->text, "x = 1\n");
	assert_string_equal(src->name, "a.hcl");
}

static void test_lines(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	const struct source *src = sources_add(sources, "a", "one\r\n\nthree", 11);

	assert_true(str_is(source_line(src, 1), "one"));
	assert_true(str_is(source_line(src, 2), ""));
	assert_true(str_is(source_line(src, 3), "three"));
	assert_true(str_is(source_line(src, 4), ""));
}

static void test_range_format(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	const struct source *src = sources_add(sources, "a.hcl", "ab\ncd", 5);
	struct range one = { src, { 1, 1, 0 }, { 1, 3, 2 } };
	struct range two = { src, { 1, 2, 1 }, { 2, 2, 4 } };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	range_format(&sb, one);
	strbuf_addch(&sb, ' ');
	range_format(&sb, two);
	assert_string_equal(sb.buf, "a.hcl:1,1-3 a.hcl:1,2-2,2");
	assert_true(str_is(range_text(two), "b\nc"));
	assert_true(str_is(range_text(range_between(one, two)), "ab\nc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_range_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
