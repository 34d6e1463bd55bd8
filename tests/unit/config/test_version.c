/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/version.h"

static bool matches(const char *constraints, const char *text)
{
	AUTO(error) struct error *err = NULL;
	struct version v;
	bool ret = false;
	assert_true(version_parse(text, &v));
	assert_int_equal(version_matches(constraints, &v, &ret, &err), 0);
	return ret;
}

static void test_matches(void **state)
{
	(void)state;
	static const struct {
		const char *constraints, *version;
		bool want;
	} rows[] = {
		{ "1.2.3", "1.2.3", true },
		{ "= 1.2", "1.2.0", true },
		{ "v1.2", "1.2.1", false },
		{ "!= 1.2.3", "1.2.4", true },
		{ "> 1.9", "1.10.0", true },
		{ "< 1.9", "1.10.0", false },
		{ ">= 1.2.0, < 2.0.0", "1.16.0", true },
		{ ">= 1.2.0, < 1.16.0", "1.16.0", false },
		{ ">=1.2,<=1.16", "1.16.0", true },
		{ "~> 1.2.3", "1.2.9", true },
		{ "~> 1.2.3", "1.3.0", false },
		{ "~> 1.2.3", "1.2.2", false },
		{ "~> 1.2", "1.9.0", true },
		{ "~> 1.2", "2.0.0", false },
		{ "~> 1", "7.0.0", true },
		{ ">= 1.0.0", "1.1.0-beta", false },
		{ ">= 1.1.0-alpha", "1.1.0-beta", true },
		{ ">= 1.1.0-beta", "1.1.0-alpha", false },
		{ "> 1.1.0-rc.2", "1.1.0-rc.10", true },
		{ "< 1.1.0", "1.1.0-rc", false },
		{ ">= 1.0.0-beta", "1.1.0-beta", false },
		{ "1.0.0+meta", "1.0.0+other", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (matches(rows[i].constraints, rows[i].version) != rows[i].want)
			fail_msg("%s, %s", rows[i].constraints, rows[i].version);
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",     "latest", "1.x",   ">= ",  "1.2,", "1..2", "=> 1",
		"1.2-", "1.2+",   "1.2 3", "~1.2", "1.2.", "1,,2", "99999999999999999999"
	};
	struct version any;
	assert_true(version_parse("1", &any));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(error) struct error *err = NULL;
		bool ret;
		if (version_matches(bad[i], &any, &ret, &err) == 0)
			fail_msg("accepted '%s'", bad[i]);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
