/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "value/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct number *(*binary_fn)(const struct number *, const struct number *, struct error **);

static struct number *parse(const char *text)
{
	struct number *n = number_parse(text, strlen(text));

	assert_non_null(n);
	return n;
}

static void expect_text(struct number *n, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	assert_non_null(n);
	number_format(&sb, n);
	assert_string_equal(sb.buf, want);
	number_unref(n);
}

static void expect_binary(binary_fn fn, const char *a, const char *b, const char *want)
{
	AUTO(number) struct number *na = parse(a);
	AUTO(number) struct number *nb = parse(b);
	AUTO(error) struct error *err = NULL;

	expect_text(fn(na, nb, &err), want);
}

static void expect_failure(binary_fn fn, const char *a, const char *b, const char *want)
{
	AUTO(number) struct number *na = parse(a);
	AUTO(number) struct number *nb = parse(b);
	AUTO(error) struct error *err = NULL;

	assert_null(fn(na, nb, &err));
	assert_string_equal(err->message, want);
}

static void test_literals_print_as_they_were_written(void **state)
{
	static const char *const same[] = {
		"0",
		"1",
		"-1",
		"9223372036854775807",
		"-9223372036854775808",
		"9223372036854775808",
		"0.1",
		"1.5",
		"-0.0000001",
		"3.14159265359",
		"123456789.000000001",
		"100000000000000000000000000000000000001",
		"1.00000000000000000000000000000000000001",
		"99999999999999999999999999999999999999999999999999998.123",
		"-0",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect_text(parse(same[i]), same[i]);
	expect_text(parse("1e3"), "1000");
	expect_text(parse("5."), "5");
	expect_text(parse(".5"), "0.5");
	expect_text(parse("1e-7"), "0.0000001");
	expect_text(parse("3p4"), "48");
	expect_text(parse("+Inf"), "+Inf");
	expect_text(parse("-inf"), "-Inf");
	expect_text(parse("1e21"), "1000000000000000000000");
}

static void test_malformed_literals(void **state)
{
	static const char *const bad[] = { "",     "-",     ".",   "1e", "1e+",
					   "0x10", "1_000", " 1",  "1 ", "1.2.3",
					   "nan",  "INF",   "--1", "1f", "1e99999999999999999999" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(number_parse(bad[i], strlen(bad[i])));
}

static void test_arithmetic(void **state)
{
	expect_binary(number_add, "0.1", "0.2", "0.3");
	expect_binary(number_add, "9223372036854775807", "1", "9223372036854775808");
	expect_binary(number_sub, "-9223372036854775808", "1", "-9223372036854775809");
	expect_binary(number_mul, "9223372036854775807", "2", "18446744073709551614");
	expect_binary(number_mul, "0", "-5", "0");
	expect_binary(number_div, "5", "2", "2.5");
	expect_binary(number_div, "-9223372036854775808", "-1", "9223372036854775808");
	expect_binary(number_div, "1", "0", "+Inf");
	expect_binary(number_div, "-5", "0", "-Inf");
	expect_binary(number_div, "1", "inf", "0");
	expect_binary(number_mod, "-7", "3", "-1");
	expect_binary(number_mod, "5.5", "2", "1.5");
	expect_binary(number_mod, "11", "5.1",
		      "0.800000000000000000000000000000000000000000000000000000000000000000000000"
		      "00000000000000000000000000000000000000000000000000000000000000000000000000"
		      "000000024");
	expect_binary(number_mod, "5", "0", "5");
	expect_binary(number_mod, "0", "0", "0");
	expect_failure(number_div, "0", "0", "can't divide zero by zero or infinity by infinity");
	expect_failure(number_sub, "inf", "inf", "can't subtract infinity from itself");
	expect_failure(number_add, "inf", "-inf", "can't compute sum of opposing infinities");
	expect_failure(number_mul, "0", "inf", "can't multiply zero by infinity");
	expect_failure(number_mod, "1", "inf", "can't use modulo with zero and infinity");
}

static void test_division_keeps_512_bits(void **state)
{
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(number) struct number *one = parse("1");
	AUTO(number) struct number *three = parse("3");
	AUTO(error) struct error *err = NULL;
	AUTO(number) struct number *third = number_div(one, three, &err);

	strbuf_addstr(&want, "0.");
	strbuf_addchars(&want, '6', 153);
	strbuf_addch(&want, '7');
	expect_binary(number_div, "2", "3", want.buf);
	expect_text(number_mul(third, three, &err), "1");
}

static void test_rounding_and_sign(void **state)
{
	AUTO(number) struct number *n = parse("-1.8");
	AUTO(number) struct number *zero = number_from_int(0);

	expect_text(number_floor(n), "-2");
	expect_text(number_ceil(n), "-1");
	expect_text(number_abs(n), "1.8");
	expect_text(number_neg(n), "1.8");
	expect_text(number_neg(zero), "-0");
	assert_int_equal(number_sign(n), -1);
	assert_false(number_is_integer(n));
}

static void test_equality_is_by_shortest_text(void **state)
{
	AUTO(number) struct number *a = parse("0.1");
	AUTO(number) struct number *b = number_from_double(0.1);
	AUTO(number) struct number *c = parse("1e30");
	AUTO(number) struct number *d = parse("1000000000000000000000000000000");

	assert_true(number_equal(a, b));
	assert_int_not_equal(number_compare(a, b), 0);
	assert_true(number_equal(c, d));
	assert_false(number_equal(a, c));
}

static void test_integers(void **state)
{
	AUTO(number) struct number *big = number_from_uint(UINT64_MAX);
	AUTO(number) struct number *half = parse("0.5");
	AUTO(number) struct number *max = parse("9223372036854775807");
	int64_t i = 7;

	assert_false(number_to_int(big, &i));
	assert_false(number_to_int(half, &i));
	assert_int_equal(i, 7);
	assert_true(number_to_int(max, &i));
	assert_true(i == INT64_MAX);
	expect_text(number_parse_int("-00FF", 16), "-255");
	expect_text(number_parse_int("Aa", 62), "2242");
	assert_null(number_parse_int("12", 2));
	assert_null(number_parse_int("", 10));
	expect_text(number_from_uint(UINT64_MAX), "18446744073709551615");
}

static void expect_g(double d, int digits, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(number) struct number *n = number_from_double(d);

	number_format_g(&sb, n, digits);
	assert_string_equal(sb.buf, want);
}

static void test_exponent_forms(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(number) struct number *n = parse("255");

	expect_g(0.1, -1, "0.1");
	expect_g(1e21, -1, "1e+21");
	expect_g(1234567.5, -1, "1.2345675e+06");
	expect_g(0.00001, -1, "1e-05");
	expect_g(2.0 / 3, 10, "0.6666666667");
	expect_g(-INFINITY, -1, "-Inf");
	number_format_base(&sb, n, 16);
	number_format_float(&sb, n, 'e', 2);
	number_format_float(&sb, n, 'f', 1);
	assert_string_equal(sb.buf, "ff2.55e+02255.0");
}

static void expect_mantissa(struct number *n, const char *want)
{
	AUTO(number) struct number *owned = n;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	if (n)
		number_format(&got, n);
	assert_string_equal(got.buf, want);
}

/* The precision, not the bits alone, decides what is printed. */
static void test_mantissa(void **state)
{
	static const unsigned char five[] = { 0xa0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char tenth[] = { 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xd0, 0 };
	static const unsigned char none[8] = { 0 };

	expect_mantissa(number_from_mantissa(five, 8, 3, 64, true), "-5");
	expect_mantissa(number_from_mantissa(five, 1, 3, 64, false), "5");
	expect_mantissa(number_from_mantissa(tenth, 8, -3, 53, false), "0.1");
	expect_mantissa(number_from_mantissa(tenth, 8, -3, 64, false), "0.10000000000000000555");
	/* nothing */
	expect_mantissa(number_from_mantissa(none, 8, 3, 64, false), "");
	expect_mantissa(number_from_mantissa(five, 0, 3, 64, false), "");
	expect_mantissa(number_from_mantissa(five, 8, 3, 0, false), "");
	expect_mantissa(number_from_mantissa(five, 8, 3, UINT32_MAX, false), "");
	expect_mantissa(number_from_mantissa(five, 8, INT32_MAX, 64, false), "");
	expect_mantissa(number_from_mantissa(five, 8, INT32_MIN, 64, false), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals_print_as_they_were_written),
		cmocka_unit_test(test_malformed_literals),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_division_keeps_512_bits),
		cmocka_unit_test(test_rounding_and_sign),
		cmocka_unit_test(test_equality_is_by_shortest_text),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_exponent_forms),
		cmocka_unit_test(test_mantissa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
