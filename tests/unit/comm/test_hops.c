/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "comm/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_good(void **state)
{
	static const struct {
		const char *text, *user, *host;
		int port;
	} cases[] = {
		{ "edge", NULL, "edge", 0 },
		{ " edge:2222 ", NULL, "edge", 2222 },
		{ "me@edge", "me", "edge", 0 },
		{ "me@corp@edge:22", "me@corp", "edge", 22 },
		{ "fe80::1", NULL, "fe80::1", 0 },
		{ "[fe80::1]", NULL, "fe80::1", 0 },
		{ "me@[fe80::1]:65535", "me", "fe80::1", 65535 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(hops) struct hop_list hops = { 0 };
		AUTO(error) struct error *e = NULL;

		assert_int_equal(hops_parse(cases[i].text, &hops, &e), 0);
		assert_int_equal(hops.len, 1);
		assert_true(text_eq(hops.items[0].user, cases[i].user));
		assert_string_equal(hops.items[0].host, cases[i].host);
		assert_int_equal(hops.items[0].port, cases[i].port);
	}
}

static void test_chain(void **state)
{
	AUTO(hops) struct hop_list hops = { 0 };
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(hops_parse("a, me@b:2,[::1]:3", &hops, &e), 0);
	assert_int_equal(hops.len, 3);
	assert_string_equal(hops.items[0].host, "a");
	assert_string_equal(hops.items[1].user, "me");
	assert_int_equal(hops.items[1].port, 2);
	assert_string_equal(hops.items[2].host, "::1");
}

static void test_bad(void **state)
{
	static const char *const cases[][2] = {
		{ "", "a host is missing" },
		{ "a,", "a host is missing" },
		{ ",a", "a host is missing" },
		{ "me@", "a host is missing" },
		{ "[]:22", "a host is missing" },
		{ ":22", "a host is missing" },
		{ "@a", "a user name is missing before '@'" },
		{ "a:0", "'0' is not a port" },
		{ "a:65536", "'65536' is not a port" },
		{ "a:", "'' is not a port" },
		{ "a:ssh", "'ssh' is not a port" },
		{ "[::1", "'[::1' is no address in brackets" },
		{ "[::1]22", "'[::1]22' is no address in brackets" },
		{ "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "more than 16 hosts" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(hops) struct hop_list hops = { 0 };
		AUTO(error) struct error *e = NULL;

		assert_int_equal(hops_parse(cases[i][0], &hops, &e), -1);
		assert_string_equal(e->message, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
