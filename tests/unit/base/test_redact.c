/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/redact.h"

static void check(struct redactor *r, const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	redactor_filter(r, &sb);
	assert_string_equal(sb.buf, want);
}

static void add(struct redactor *r, const char *secret)
{
	redactor_add(r, secret, strlen(secret));
}

static void test_plain(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	check(r, "nothing", "nothing");
	add(r, "");
	check(r, "nothing", "nothing");
	add(r, "s3cret");
	add(r, "s3cret");
	check(r, "", "");
	check(r, "a s3cret, s3crets3cret", "a <sensitive>, <sensitive><sensitive>");
	check(r, "s3cre", "s3cre");
}

static void test_overlap(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "abc");
	add(r, "bcdefg");
	add(r, "abcdef");
	add(r, "sens"); /* is in the replacement itself */
	check(r, "-abcdefg-", "-<sensitive>-");
	check(r, "-abcdef-abc-", "-<sensitive>-<sensitive>-");
	add(r, "aa");
	check(r, "-aaa-", "-<sensitive>-");
}

static void test_lines(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "first line\r\nsecond line\r\n\r\n");
	check(r, "x second line y", "x <sensitive> y");
	check(r, "first line", "<sensitive>");
	check(r, "first line\nsecond line\n\n", "<sensitive>");
	check(r, "a\n\nb", "a\n\nb");
}

/* As inspect, console and messages quote them, lists of texts even twice. */
static void test_quoted(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "a\"b\\c\td");
	check(r, "x \"a\\\"b\\\\c\\td\"", "x \"<sensitive>\"");
	check(r, "[ \\\"a\\\\\\\"b\\\\\\\\c\\\\td\\\" ]", "[ \\\"<sensitive>\\\" ]");
	add(r, "one \"1\"\ntwo \"2\"\n");
	check(r, "\"one \\\"1\\\"\\ntwo \\\"2\\\"\\n\"", "\"<sensitive>\"");
	check(r, "\"two \\\"2\\\"\"", "\"<sensitive>\"");
}

/* As the shell provisioner hands variables over. */
static void test_shell_quoted(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "it's");
	check(r, "A='it's' B='it'\"'\"'s' C='it'\\''s'",
	      "A='<sensitive>' B='<sensitive>' C='<sensitive>'");
}

static void test_encoded(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "p?ss w>rd~\xff\xfe");
	check(r, "x cD9zcyB3PnJkfv/+ x", "x <sensitive> x");
	check(r, "x cD9zcyB3PnJkfv_- x", "x <sensitive> x");
	check(r, "u=p%3Fss+w%3Erd~%FF%FE&", "u=<sensitive>&");
	add(r, "hunter22");
	check(r, "aHVudGVyMjI= aHVudGVyMjI.", "<sensitive> <sensitive>.");
}

static void test_short_is_not_encoded(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();

	add(r, "1");
	check(r, "MQ 1", "MQ <sensitive>");
}

static void test_binary(void **state)
{
	AUTO(redactor) struct redactor *r = redactor_new();
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	redactor_add(r, "a\0b", 3);
	strbuf_add(&sb, "x\0a\0b", 5);
	redactor_filter(r, &sb);
	assert_int_equal(sb.len, 13);
	assert_memory_equal(sb.buf, "x\0<sensitive>", 13);
}

static void test_wipe(void **state)
{
	char buf[] = "secret";

	secret_wipe(buf, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(buf[i], 0);
	secret_free(NULL);
	secret_free(xstrdup("secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),        cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_shell_quoted), cmocka_unit_test(test_encoded),
		cmocka_unit_test(test_binary),       cmocka_unit_test(test_short_is_not_encoded),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
