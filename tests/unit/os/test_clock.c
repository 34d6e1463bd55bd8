/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/duration.h"
#include "os/clock.h"

static void test_monotonic(void **state)
{
	int64_t a = clock_monotonic(), b = clock_monotonic();

	assert_true(a > 0 && b >= a);
}

static void test_deadline(void **state)
{
	int64_t now = clock_monotonic();
	int64_t soon = clock_deadline(NSEC_PER_SEC);

	assert_true(soon >= now + NSEC_PER_SEC && soon < now + 60 * NSEC_PER_SEC);
	assert_true(clock_deadline(0) < clock_monotonic());
	assert_true(clock_deadline(INT64_MIN) < clock_monotonic());
	assert_true(clock_deadline(INT64_MAX) == DEADLINE_NEVER);
}

static void check_utc(int64_t seconds, int64_t ns, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	clock_format_utc(&sb, seconds * NSEC_PER_SEC + ns);
	assert_string_equal(sb.buf, want);
}

static void test_utc(void **state)
{
	check_utc(0, 0, "1970-01-01T00:00:00Z");
	check_utc(1709210096, 999999999, "2024-02-29T12:34:56Z");
	check_utc(0, -1, "1969-12-31T23:59:59Z");
	assert_true(clock_wall() > 1600000000 * NSEC_PER_SEC);
}

static void check_local(const char *zone, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	setenv("TZ", zone, 1);
	tzset();
	clock_format_local(&sb, 1709210096 * NSEC_PER_SEC);
	assert_string_equal(sb.buf, want);
}

static void test_local(void **state)
{
	check_local("UTC0", "2024-02-29T12:34:56Z");
	check_local("XXX-5:45", "2024-02-29T18:19:56+05:45");
	check_local("YYY3:30", "2024-02-29T09:04:56-03:30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_monotonic),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
