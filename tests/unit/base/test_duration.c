/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"

static void check_parse(const char *text, int64_t want)
{
	AUTO(error) struct error *err = NULL;
	int64_t got = 0;

	assert_int_equal(duration_parse(text, &got, &err), 0);
	assert_int_equal(got, want);
}

static void test_parse(void **state)
{
	const int64_t s = NSEC_PER_SEC;

	check_parse("0", 0);
	check_parse("-0", 0);
	check_parse("+0", 0);
	check_parse("0s", 0);
	check_parse("5s", 5 * s);
	check_parse("+5s", 5 * s);
	check_parse("-5s", -5 * s);
	check_parse("1h30m", 5400 * s);
	check_parse("-1.5s", -s - s / 2);
	check_parse("300ms", 300 * NSEC_PER_MSEC);
	check_parse("1.s", s);
	check_parse(".5s", s / 2);
	check_parse("10.5s4m", 250 * s + s / 2);
	check_parse("3\302\265s", 3000);
	check_parse("3\316\274s", 3000);
	check_parse("3us7ns", 3007);
	check_parse("1h2m3s4ms5us6ns", 3723 * s + 4005006);
	check_parse("0.3333333333333333333h", 1200 * s);
	check_parse("0.100000000000000000000h", 360 * s);
	check_parse("9223372036854775807ns", INT64_MAX);
	check_parse("-9223372036854775808ns", INT64_MIN);
	check_parse("2562047h47m16.854775807s", INT64_MAX);
}

static void check_refused(const char *text, const char *message)
{
	AUTO(error) struct error *err = NULL;
	int64_t got = 42;

	assert_int_equal(duration_parse(text, &got, &err), -1);
	assert_int_equal(got, 42);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, message);
}

static void test_parse_refuses(void **state)
{
	check_refused("", "time: invalid duration \"\"");
	check_refused("-", "time: invalid duration \"-\"");
	check_refused("x", "time: invalid duration \"x\"");
	check_refused("s", "time: invalid duration \"s\"");
	check_refused(".", "time: invalid duration \".\"");
	check_refused(".s", "time: invalid duration \".s\"");
	check_refused("+-5s", "time: invalid duration \"+-5s\"");
	check_refused(" 5s", "time: invalid duration \" 5s\"");
	check_refused("3", "time: missing unit in duration \"3\"");
	check_refused("1h3", "time: missing unit in duration \"1h3\"");
	check_refused("3y", "time: unknown unit \"y\" in duration \"3y\"");
	check_refused("5 s", "time: unknown unit \" s\" in duration \"5 s\"");
	check_refused("1\"\\d", "time: unknown unit \"\\\"\\\\d\" in duration \"1\\\"\\\\d\"");
	check_refused("1\303\244", "time: unknown unit \"\\xc3\\xa4\" in duration \"1\\xc3\\xa4\"");
	check_refused("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\"");
	check_refused("-9223372036854775809ns",
		      "time: invalid duration \"-9223372036854775809ns\"");
	check_refused("3000000h", "time: invalid duration \"3000000h\"");
	check_refused("99999999999999999999s", "time: invalid duration \"99999999999999999999s\"");
	check_refused("2562047h48m", "time: invalid duration \"2562047h48m\"");
}

static void test_age(void **state)
{
	const int64_t hour = 3600 * NSEC_PER_SEC;
	static const char *const wrong[] = { "",      "d",       "-1d", "-5s", "7",
					     "1d-2h", "106752d", "7dd", "1.5d" };
	static const struct {
		const char *text;
		int64_t hours;
	} right[] = { { "7d", 168 }, { "1d12h", 36 }, { "24h", 24 }, { "0", 0 }, { "0d", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		AUTO(error) struct error *err = NULL;
		int64_t got = -1;

		assert_int_equal(duration_parse_age(right[i].text, &got, &err), 0);
		assert_int_equal(got, right[i].hours * hour);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(error) struct error *err = NULL;
		int64_t got = 42;

		assert_int_equal(duration_parse_age(wrong[i], &got, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

static void test_format(void **state)
{
	static const struct {
		int64_t ns;
		const char *text, *words;
	} cases[] = {
		{ 0, "0s", "0 seconds" },
		{ 1, "1ns", "0 seconds" },
		{ 1100, "1.1\302\265s", "1 microsecond" },
		{ 2200000, "2.2ms", "2 milliseconds 200 microseconds" },
		{ 300000000, "300ms", "300 milliseconds" },
		{ 812040000, "812.04ms", "812 milliseconds 40 microseconds" },
		{ 1500000000, "1.5s", "1 second 500 milliseconds" },
		{ 3012000000, "3.012s", "3 seconds 12 milliseconds" },
		{ -1500000000, "-1.5s", "-1 second 500 milliseconds" },
		{ 60000000000, "1m0s", "1 minute" },
		{ 65000000000, "1m5s", "1 minute 5 seconds" },
		{ 90000000000, "1m30s", "1 minute 30 seconds" },
		{ 5400000000000, "1h30m0s", "1 hour 30 minutes" },
		{ 7261000000000, "2h1m1s", "2 hours 1 minute" },
		{ 3600000000001, "1h0m0.000000001s", "1 hour" },
		{ 8LL * 86400 * 1000000000, "192h0m0s", "1 week 1 day" },
		{ 800LL * 86400 * 1000000000, "19200h0m0s", "2 years 10 weeks" },
		{ INT64_MAX, "2562047h47m16.854775807s", "292 years 24 weeks" },
		{ INT64_MIN, "-2562047h47m16.854775808s", "-292 years 24 weeks" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		duration_format(&sb, cases[i].ns);
		assert_string_equal(sb.buf, cases[i].text);
		strbuf_truncate(&sb, 0);
		duration_format_words(&sb, cases[i].ns);
		assert_string_equal(sb.buf, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
