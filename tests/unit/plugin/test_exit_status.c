/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/codec/exit_status.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "os/fs.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEFINITION                                                                                 \
	"2cff81030101"                                                                             \
	"0f436f6d6d616e6446696e6973686564"                                                         \
	"01ff82000101010a"                                                                         \
	"45786974537461747573"                                                                     \
	"0104000000"

static void expect_written(int status, const char *hex)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT, got = STRBUF_INIT;

	exit_status_write(&bytes, status);
	encode_hex(&got, bytes.buf, bytes.len);
	assert_string_equal(got.buf, hex);
}

/* Byte by byte what Go writes. */
static void test_written(void **state)
{
	expect_written(0, DEFINITION "03ff8200");
	expect_written(7, DEFINITION "05ff82010e00");
	expect_written(-1, DEFINITION "05ff82010100");
	expect_written(63, DEFINITION "05ff82017e00");
	expect_written(64, DEFINITION "06ff8201ff8000");
	expect_written(128, DEFINITION "07ff8201fe010000");
	expect_written(2300218, DEFINITION "08ff8201fd46327400");
	expect_written(INT_MAX, DEFINITION "09ff8201fcfffffffe00");
	expect_written(INT_MIN, DEFINITION "09ff8201fcffffffff00");
}

static void test_read_back(void **state)
{
	static const int cases[] = {
		0,   1,     -1,    63,      64,      -64,     -65,     127,
		128, 32767, 32768, 2300218, 1 << 23, 1 << 24, INT_MAX, INT_MIN
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;
		int got = 99;

		exit_status_write(&bytes, cases[i]);
		assert_int_equal(exit_status_read(bytes.buf, bytes.len, &got, &err), 0);
		assert_int_equal(got, cases[i]);
	}
}

/* Go numbers types by what the process has sent before. */
static void test_read_from_go(void **state)
{
	static const struct {
		const char *name;
		int status;
	} cases[] = {
		{ "0", 0 },        { "7", 7 },
		{ "-1", -1 },      { "2300218", 2300218 },
		{ "late-42", 42 }, { "3221225477", (int)0xc0000005 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *path = xasprintf("%s/tests/data/plugin/exit-%s.gob",
						 getenv("SRCDIR"), cases[i].name);
		AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;
		int got = 99;

		assert_int_equal(fs_read(path, 1024, &bytes, &err), 0);
		assert_int_equal(exit_status_read(bytes.buf, bytes.len, &got, &err), 0);
		assert_int_equal(got, cases[i].status);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *hex, *want;
	} cases[] = {
		{ "", "no gob: it ends in the middle of a value" },
		{ "2cff81", "no gob: it ends in the middle of a value" },
		{ DEFINITION, "no gob: it ends in the middle of a value" },
		{ DEFINITION "05ff8201", "no gob: it ends in the middle of a value" },
		{ DEFINITION "05ff82020e00", "no gob: a field that its type does not have" },
		{ DEFINITION "05ff84010e00", "no gob: a type that is not defined" },
		{ DEFINITION "0bff8201f7010101010101010101", "no gob: a number of more than eight "
							     "bytes" },
		{ DEFINITION "09ff8201fbffffffffff00", "-549755813888 is too small" },
		{ DEFINITION "09ff8201fb1000000000"
			     "00",
		  "34359738368 is too large" },
		{ "0404000e", "there is none" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *want = xasprintf("cannot read the exit status: %s", cases[i].want);
		AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;
		int got = 99;

		assert_true(decode_hex(&bytes, cases[i].hex));
		assert_int_equal(exit_status_read(bytes.buf, bytes.len, &got, &err), -1);
		assert_string_equal(err->message, want);
		assert_int_equal(got, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_read_from_go),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
