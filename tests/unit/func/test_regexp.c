/* SPDX-License-Identifier: Apache-2.0 */
#include "func/regexp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* All matches, separated by '|'; unset groups are "-". */
static void expect_matches(const char *pattern, const char *text, const char *want)
{
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	AUTO(regexp) struct regexp *re = regexp_new(pattern, strlen(pattern), &why);
	AUTO(regexp_walk) struct regexp_walk w = { 0 };
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (!re)
		fail_msg("%s: %s in %s", pattern, why.code, why.expr.buf);
	regexp_walk_init(&w, re, text, strlen(text));
	while (regexp_walk_next(&w, re, &err) > 0) {
		for (size_t i = 0; i <= regexp_group_count(re); i++) {
			struct regexp_span s = w.spans[i];

			if (i)
				strbuf_addch(&got, ',');
			if (s.start == REGEXP_UNSET)
				strbuf_addch(&got, '-');
			else
				strbuf_add(&got, text + s.start, (size_t)(s.end - s.start));
		}
		strbuf_addch(&got, '|');
	}
	assert_string_equal(got.buf, want);
}

static void expect_refused(const char *pattern, const char *code, const char *expr)
{
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	AUTO(regexp) struct regexp *re = regexp_new(pattern, strlen(pattern), &why);

	if (re)
		fail_msg("%s is accepted", pattern);
	assert_string_equal(why.code, code);
	assert_string_equal(why.expr.buf, expr);
}

static void test_matching(void **state)
{
	expect_matches("a(b)?", "abaa", "ab,b|a,-|a,-|");
	expect_matches("a*", "baac", "|aa||");
	expect_matches("(?i)STRASSE|\\pL+", "strasse \xc3\xa9t\xc3\xa9",
		       "strasse|\xc3\xa9t\xc3\xa9|");
	expect_matches("(?P<x>.)(?<y>.)", "abcd", "ab,a,b|cd,c,d|");
	expect_matches("[^\\s]+", "a\vb c", "a\vb|c|");
	expect_matches("[[:alpha:]\\d-]+", "a-1_b", "a-1|b|");
	expect_matches("[]a]+", "]a[", "]a|");
	expect_matches("\\Qa.b\\E", "axb a.b", "a.b|");
	expect_matches("x{2,3}?", "xxxx", "xx|xx|");
	expect_matches("a{,2}", "a{,2}", "a{,2}|");
	expect_matches("\\x41\\x{42}\\103", "ABC", "ABC|");
	expect_matches("(?U)a+", "aaa", "a|a|a|");
	expect_matches("\\bfoo\\b", "a foo.", "foo|");
	expect_matches("^*a\\b{2}$?", "a b", "a|");
	expect_matches("#  x", "#  x", "#  x|");
}

static void test_line_ends(void **state)
{
	expect_matches("a$", "a\n", "");
	expect_matches("(?m)a$", "a\na", "a|a|");
	expect_matches("(?m)^", "a\n", "||");
	expect_matches("a.b", "a\nb", "");
	expect_matches("(?s)a.b", "a\nb", "a\nb|");
	expect_matches("a[^x]b", "a\nb", "a\nb|");
}

static void test_refused(void **state)
{
	expect_refused("(a", "missing closing )", "(a");
	expect_refused("a)b", "unexpected )", "a)b");
	expect_refused("x[a-", "missing closing ]", "[a-");
	expect_refused("*a", "missing argument to repetition operator", "*");
	expect_refused("(|+)", "missing argument to repetition operator", "+");
	expect_refused("a**", "invalid nested repetition operator", "**");
	expect_refused("a++", "invalid nested repetition operator", "++");
	expect_refused("a{2}{3}", "invalid nested repetition operator", "{2}{3}");
	expect_refused("[z-a]", "invalid character class range", "z-a");
	expect_refused("[[:foo:]]", "invalid character class range", "[:foo:]");
	expect_refused("\\8", "invalid escape sequence", "\\8");
	expect_refused("(a)\\1", "invalid escape sequence", "\\1");
	expect_refused("\\Z", "invalid escape sequence", "\\Z");
	expect_refused("(?P<n", "invalid named capture", "(?P<n");
	expect_refused("(?P<a-b>x)", "invalid named capture", "(?P<a-b>");
	expect_refused("a{1001}", "invalid repeat count", "{1001}");
	expect_refused("a{3,2}", "invalid repeat count", "{3,2}");
	expect_refused("(?=a)", "invalid or unsupported Perl syntax", "(?=");
	expect_refused("(?!a)", "invalid or unsupported Perl syntax", "(?!");
	expect_refused("(?<=a)b", "invalid named capture", "(?<=a)b");
	expect_refused("(?>a)", "invalid or unsupported Perl syntax", "(?>");
	expect_refused("a\\", "trailing backslash at end of expression", "");
}

static void test_costly_patterns_give_up(void **state)
{
	static const char pattern[] = "(a|aa)+$";
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	AUTO(regexp) struct regexp *re = regexp_new(pattern, strlen(pattern), &why);
	AUTO(regexp_walk) struct regexp_walk w = { 0 };
	AUTO(error) struct error *err = NULL;

	strbuf_addchars(&text, 'a', 100);
	strbuf_addch(&text, 'b');
	regexp_walk_init(&w, re, text.buf, text.len);
	assert_int_equal(regexp_walk_next(&w, re, &err), -1);
	assert_non_null(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_costly_patterns_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
