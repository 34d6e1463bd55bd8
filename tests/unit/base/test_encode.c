/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/str.h"

static void test_hex(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	encode_hex(&sb, "\0\x7f\xff", 3);
	assert_string_equal(sb.buf, "007fff");
	strbuf_truncate(&sb, 0);
	assert_true(decode_hex(&sb, "007FfF"));
	assert_int_equal(sb.len, 3);
	assert_memory_equal(sb.buf, "\0\x7f\xff", 3);
	assert_true(decode_hex(&sb, ""));
	assert_false(decode_hex(&sb, "0"));
	assert_false(decode_hex(&sb, "0g"));
	assert_false(decode_hex(&sb, "g0"));
	assert_false(decode_hex(&sb, "00 "));
}

static void test_base64(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		encode_base64(&sb, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(sb.buf, cases[i][1]);
		strbuf_truncate(&sb, 0);
		assert_true(decode_base64(&sb, cases[i][1], strlen(cases[i][1])));
		assert_string_equal(sb.buf, cases[i][0]);
	}
}

static bool decodes(const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	return decode_base64(&sb, text, strlen(text));
}

static void test_base64_refuses(void **state)
{
	static const char *const bad[] = { "Z",    "Zg",       "Zg=",    "Zg===",    "=",
					   "====", "Zg=a",     "Zm9v=",  "Zm9-",     "Zm 9v",
					   "Z===", "Zg==Zg==", "Zm9vYg", "Zm9v\303", "Zm8=\t" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(decodes(bad[i]));
	assert_true(decodes("Zm\r\n9v\n"));
	assert_true(decodes("Zg=\n=\n"));
}

static void test_base64_all_bytes(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;
	unsigned char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	encode_base64(&text, bytes, sizeof(bytes));
	assert_true(decode_base64(&back, text.buf, text.len));
	assert_int_equal(back.len, sizeof(bytes));
	assert_memory_equal(back.buf, bytes, sizeof(bytes));
	strbuf_release(&back);
	strbuf_release(&text);
}

static void test_url_query(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	encode_url_query(&sb, "aZ09-_.~ /?&=\303\244\0", 16);
	assert_string_equal(sb.buf, "aZ09-_.~+%2F%3F%26%3D%C3%A4%00");
}

static void check_quoted(const char *text, size_t len, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	encode_go_quoted(&sb, text, len);
	assert_string_equal(sb.buf, want);
}

static void test_go_quoted(void **state)
{
	check_quoted("", 0, "\"\"");
	check_quoted("a b", 3, "\"a b\"");
	check_quoted("\a\b\f\n\r\t\v\\\"'", 10, "\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"'\"");
	check_quoted("\0\x1b\x7f", 3, "\"\\x00\\x1b\\x7f\"");
	check_quoted("\303\244\360\237\230\200", 6, "\"\303\244\360\237\230\200\"");
	check_quoted("\xff\303", 2, "\"\\xff\\xc3\"");
	check_quoted("\302\240\342\200\213\357\273\277", 8, "\"\\u00a0\\u200b\\ufeff\"");
	check_quoted("\363\240\200\201", 4, "\"\\U000e0001\"");
	check_quoted("\302\200", 2, "\"\\u0080\"");
	check_quoted("\357\277\275", 3, "\"\357\277\275\"");
}

static void check_word(const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	encode_shell_word(&sb, text);
	assert_string_equal(sb.buf, want);
}

static void test_shell_word(void **state)
{
	check_word("/srv/a-b_c.yml", "/srv/a-b_c.yml");
	check_word("", "''");
	check_word("a b", "'a b'");
	check_word("it's $HOME", "'it'\"'\"'s $HOME'");
	check_word("~", "'~'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_base64_all_bytes),
		cmocka_unit_test(test_url_query),
		cmocka_unit_test(test_go_quoted),
		cmocka_unit_test(test_shell_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
