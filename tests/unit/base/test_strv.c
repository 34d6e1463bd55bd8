/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strv.h"

static void check(const struct strv *sv, const char *want)
{
	AUTO_FREE char *joined = strv_join(sv, "|");

	assert_string_equal(joined, want);
	assert_null(sv->v[sv->len]);
}

static void test_push(void **state)
{
	static char x[] = "x", y[] = "y";
	char *const more[] = { x, y, NULL };
	AUTO(strv) struct strv sv = STRV_INIT;

	check(&sv, "");
	strv_push(&sv, "a");
	strv_push_take(&sv, xstrdup("b"));
	strv_pushf(&sv, "%d", 3);
	strv_pushl(&sv, "d", "e", NULL);
	strv_pushl(&sv, NULL);
	strv_pushv(&sv, more);
	check(&sv, "a|b|3|d|e|x|y");
	assert_true(strv_contains(&sv, "d"));
	assert_false(strv_contains(&sv, "dd"));
	for (int i = 0; i < 100; i++)
		strv_push(&sv, "n");
	assert_int_equal(sv.len, 107);
	assert_null(sv.v[107]);
}

static void test_remove(void **state)
{
	AUTO(strv) struct strv sv = STRV_INIT;

	strv_pushl(&sv, "a", "b", "c", NULL);
	strv_remove(&sv, 1);
	check(&sv, "a|c");
	strv_remove(&sv, 1);
	check(&sv, "a");
	strv_remove(&sv, 0);
	check(&sv, "");
}

static void test_sort(void **state)
{
	AUTO(strv) struct strv sv = STRV_INIT;

	strv_sort(&sv);
	strv_pushl(&sv, "b", "\303\244", "a", "B", "a", NULL);
	strv_sort(&sv);
	check(&sv, "B|a|a|b|\303\244");
}

static void test_detach(void **state)
{
	AUTO(strv) struct strv sv = STRV_INIT;
	char **v = strv_detach(&sv);

	assert_null(v[0]);
	strv_free_raw(v);
	strv_push(&sv, "a");
	v = strv_detach(&sv);
	assert_string_equal(v[0], "a");
	assert_null(v[1]);
	assert_int_equal(sv.len, 0);
	strv_free_raw(v);
	strv_free_raw(NULL);
	strv_push(&sv, "b");
	strv_release(&sv);
	strv_init(&sv);
	check(&sv, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
