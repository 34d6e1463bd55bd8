/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/duration.h"
#include "cli/cache_args.h"

static void check_size(const char *text, int64_t want)
{
	struct error *err = NULL;
	int64_t got = -1;

	assert_int_equal(cache_parse_size(text, &got, &err), 0);
	assert_int_equal(got, want);
}

static void test_sizes(void **state)
{
	static const char *const wrong[] = { "",    "G",      "-1",    "1X",    "1.5",
					     "1.G", ".5G",    "1..5G", "1 G G", "30Gi",
					     "1Gx", "99999P", "1.G5" };

	check_size("0", 0);
	check_size("4096", 4096);
	check_size("4096B", 4096);
	check_size("1k", 1024);
	check_size("500M", INT64_C(500) << 20);
	check_size("30G", INT64_C(30) << 30);
	check_size("30GB", INT64_C(30) << 30);
	check_size(" 30 GiB ", INT64_C(30) << 30);
	check_size("1.5g", INT64_C(3) << 29);
	check_size("2T", INT64_C(2) << 40);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(error) struct error *err = NULL;
		int64_t got = -1;

		assert_int_equal(cache_parse_size(wrong[i], &got, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

static void test_ttl(void **state)
{
	AUTO(error) struct error *err = NULL;
	int64_t ttl;

	unsetenv("INGOT_CACHE_TTL");
	assert_int_equal(cache_ttl(&ttl, &err), 0);
	assert_int_equal(ttl, 7 * 24 * 3600 * NSEC_PER_SEC);
	setenv("INGOT_CACHE_TTL", "1d12h", 1);
	assert_int_equal(cache_ttl(&ttl, &err), 0);
	assert_int_equal(ttl, 36 * 3600 * NSEC_PER_SEC);
	setenv("INGOT_CACHE_TTL", "a week", 1);
	assert_int_equal(cache_ttl(&ttl, &err), -1);
	assert_string_equal(err->message,
			    "INGOT_CACHE_TTL is 'a week', not a time such as 7d or 24h");
	unsetenv("INGOT_CACHE_TTL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
