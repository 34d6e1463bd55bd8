/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void test_decode(void **state)
{
	uint32_t cp = 0;

	assert_int_equal(utf8_decode("", 0, &cp), 0);
	assert_int_equal(utf8_decode("\0", 1, &cp), 1);
	assert_int_equal(cp, 0);
	assert_int_equal(utf8_decode("\303\244x", 3, &cp), 2);
	assert_int_equal(cp, 0xE4);
	assert_int_equal(utf8_decode("\342\202\254", 3, &cp), 3);
	assert_int_equal(cp, 0x20AC);
	assert_int_equal(utf8_decode("\364\217\277\277", 4, &cp), 4);
	assert_int_equal(cp, 0x10FFFF);
}

static void test_decode_refuses(void **state)
{
	static const char *const bad[] = {
		"\x80",             /* continuation alone */
		"\xc0\x80",         /* overlong NUL */
		"\xc1\xbf",         /* overlong */
		"\xc3",             /* cut off */
		"\xc3x",            /* no continuation */
		"\xe0\x80\x80",     /* overlong */
		"\xe2\x82",         /* cut off */
		"\xed\xa0\x80",     /* surrogate */
		"\xed\xbf\xbf",     /* surrogate */
		"\xf0\x80\x80\x80", /* overlong */
		"\xf0\x9f\x98",     /* cut off */
		"\xf4\x90\x80\x80", /* above U+10FFFF */
		"\xf8\x88\x80\x80", /* five bytes */
		"\xff",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t cp = 7;

		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &cp), 0);
		assert_int_equal(cp, 7);
		assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
	}
	assert_true(utf8_is_valid("a\303\244", 3));
	assert_false(utf8_is_valid("a\303\244", 2));
}

static void test_round_trip(void **state)
{
	char out[4];

	for (uint32_t cp = 0; cp <= 0x110000; cp++) {
		size_t n = utf8_encode(cp, out);
		uint32_t back = 0;

		if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
			assert_int_equal(n, 0);
			continue;
		}
		if (utf8_decode(out, n, &back) != n || back != cp)
			fail_msg("U+%04X", cp);
	}
}

static void test_classes(void **state)
{
	assert_true(utf8_is_id_start('a'));
	assert_true(utf8_is_id_start('Z'));
	assert_true(utf8_is_id_start(0xE4));
	assert_true(utf8_is_id_start(0x4E2D));
	assert_true(utf8_is_id_start(0x2160)); /* Nl */
	assert_true(utf8_is_id_start(0x2118)); /* Other_ID_Start */
	assert_true(utf8_is_id_start(0x309B));
	assert_false(utf8_is_id_start('_'));
	assert_false(utf8_is_id_start('@'));
	assert_false(utf8_is_id_start('['));
	assert_false(utf8_is_id_start('1'));
	assert_false(utf8_is_id_start(0x2E2F));
	assert_false(utf8_is_id_start(0x300));
	assert_false(utf8_is_id_start(0x110000));
	assert_true(utf8_is_id_continue('a'));
	assert_true(utf8_is_id_continue('_'));
	assert_true(utf8_is_id_continue('1'));
	assert_true(utf8_is_id_continue(0x300));
	assert_true(utf8_is_id_continue(0xB7));
	assert_true(utf8_is_id_continue(0x203F));
	assert_false(utf8_is_id_continue('-'));
	assert_false(utf8_is_id_continue(0x2E2F));
	assert_true(utf8_is_space(' '));
	assert_true(utf8_is_space(0x3000));
	assert_false(utf8_is_space(0x200B));
	assert_true(utf8_is_letter(0x4E2D));
	assert_false(utf8_is_letter('1'));
	assert_true(utf8_is_upper(0xC4));
	assert_false(utf8_is_upper(0x1C5)); /* title case */
	assert_true(utf8_is_digit(0x663));
	assert_false(utf8_is_digit(0xB2));
	assert_true(utf8_is_printable(' '));
	assert_true(utf8_is_printable(0x1F600));
	assert_false(utf8_is_printable('\n'));
	assert_false(utf8_is_printable(0x7F));
	assert_false(utf8_is_printable(0xA0));
	assert_false(utf8_is_printable(0x200B));
	assert_false(utf8_is_printable(0xE000));
}

static void test_case(void **state)
{
	assert_int_equal(utf8_to_upper('a'), 'A');
	assert_int_equal(utf8_to_upper(0xE4), 0xC4);
	assert_int_equal(utf8_to_upper(0xDF), 0xDF);
	assert_int_equal(utf8_to_upper('1'), '1');
	assert_int_equal(utf8_to_lower(0x130), 'i');
	assert_int_equal(utf8_to_lower(0x1E9E), 0xDF);
	assert_int_equal(utf8_to_lower(0x110000), 0x110000);
}

#define FAMILY "\360\237\221\251\342\200\215\360\237\221\251\342\200\215\360\237\221\247"
#define FLAG   "\360\237\207\251\360\237\207\252"

static void test_graphemes(void **state)
{
	assert_int_equal(utf8_grapheme("", 0), 0);
	assert_int_equal(utf8_grapheme("ab", 2), 1);
	assert_int_equal(utf8_grapheme("a\314\210b", 4), 3);
	assert_int_equal(utf8_grapheme("\r\nx", 3), 2);
	assert_int_equal(utf8_grapheme(FAMILY "x", strlen(FAMILY) + 1), strlen(FAMILY));
	assert_int_equal(utf8_grapheme_count(FLAG FLAG, 16), 2);
	assert_int_equal(utf8_grapheme_count("a\xff\xff", 3), 3);
	assert_int_equal(utf8_grapheme_count("e\314\201a", 4), 2);
}

static void test_width(void **state)
{
	assert_int_equal(utf8_width("abc", 3), 3);
	assert_int_equal(utf8_width("a\t\033\n", 4), 1);
	assert_int_equal(utf8_width("e\314\201", 3), 1);
	assert_int_equal(utf8_width("\344\270\255", 3), 2);
	assert_int_equal(utf8_width(FAMILY, strlen(FAMILY)), 2);
	assert_int_equal(utf8_width(FLAG, 8), 2);
	assert_int_equal(utf8_width("\342\235\244\357\270\217", 6), 2);
}

static void check_nfc(const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	utf8_nfc(&sb, text, strlen(text));
	assert_string_equal(sb.buf, want);
}

static void test_nfc(void **state)
{
	check_nfc("", "");
	check_nfc("plain", "plain");
	check_nfc("\303\244", "\303\244");
	check_nfc("a\314\210", "\303\244");
	check_nfc("\342\204\253", "\303\205");                  /* Angstrom sign */
	check_nfc("a\314\243\314\210", "\341\272\241\314\210"); /* marks stay in order */
	check_nfc("a\314\210\314\243", "\341\272\241\314\210"); /* or are brought into it */
	check_nfc("\341\204\200\341\205\241", "\352\260\200");  /* Hangul */
	check_nfc("a\xff\x80z", "a\357\277\275\357\277\275z");

	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	utf8_nfc(&sb, "a\0\314\210", 4); /* NUL is text like any other */
	assert_int_equal(sb.len, 4);
	assert_memory_equal(sb.buf, "a\0\314\210", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),     cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_classes),
		cmocka_unit_test(test_case),       cmocka_unit_test(test_graphemes),
		cmocka_unit_test(test_width),      cmocka_unit_test(test_nfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
