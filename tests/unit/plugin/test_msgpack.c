/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "plugin/wire/msgpack.h"

#include "wire_script.h"

static void expect_bytes(struct strbuf *sb, const char *hex)
{
	unsigned char want[512];
	size_t n = unhex(hex, want, sizeof(want));

	assert_int_equal(sb->len, n);
	assert_memory_equal(sb->buf, want, n);
	strbuf_truncate(sb, 0);
}

static void test_integers_as_go_writes_them(void **state)
{
	static const struct {
		int64_t v;
		const char *bytes;
	} cases[] = {
		{ 0, "00" },
		{ 127, "7f" },
		{ 128, "d1 0080" },
		{ 32767, "d1 7fff" },
		{ 32768, "d2 00008000" },
		{ 300000, "d2 000493e0" },
		{ 2147483647, "d2 7fffffff" },
		{ 2147483648, "d3 0000000080000000" },
		{ INT64_MAX, "d3 7fffffffffffffff" },
		{ -1, "ff" },
		{ -32, "e0" },
		{ -33, "d0 df" },
		{ -128, "d0 80" },
		{ -129, "d1 ff7f" },
		{ -32769, "d2 ffff7fff" },
		{ INT64_MIN, "d3 8000000000000000" },
	};
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		pack_int(&sb, cases[i].v);
		expect_bytes(&sb, cases[i].bytes);
	}
	pack_uint(&sb, 127);
	pack_uint(&sb, 128);
	pack_uint(&sb, 420);
	pack_uint(&sb, 65536);
	pack_uint(&sb, UINT64_MAX);
	expect_bytes(&sb, "7f cc80 cd01a4 ce00010000 cfffffffffffffffff");
}

static void test_others_as_go_writes_them(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO_FREE char *many = xcalloc(70000, 1);

	pack_nil(&sb);
	pack_bool(&sb, true);
	pack_bool(&sb, false);
	pack_float(&sb, 1.5);
	pack_text(&sb, NULL);
	pack_text(&sb, "");
	pack_text(&sb, "Seq");
	pack_bytes(&sb, "\1\2", 2);
	pack_array(&sb, 0);
	pack_array(&sb, 16);
	pack_map(&sb, 3);
	pack_map(&sb, 16);
	expect_bytes(&sb,
		     "c0 c3 c2 cb3ff8000000000000 c0 a0 a3536571 c4020102 90 dc0010 83 de0010");
	pack_text_n(&sb, many, 32);
	assert_memory_equal(sb.buf, "\xd9\x20", 2);
	strbuf_truncate(&sb, 0);
	pack_text_n(&sb, many, 256);
	assert_memory_equal(sb.buf, "\xda\x01\x00", 3);
	strbuf_truncate(&sb, 0);
	pack_text_n(&sb, many, 70000);
	assert_memory_equal(sb.buf, "\xdb\x00\x01\x11\x70", 5);
	assert_int_equal(sb.len, 70005);
	strbuf_truncate(&sb, 0);
	pack_bytes(&sb, many, 256);
	assert_memory_equal(sb.buf, "\xc5\x01\x00", 3);
	strbuf_truncate(&sb, 0);
	pack_time(&sb, 1700000000, 123456789);
	expect_bytes(&sb, "d7ff 1d6f34546553f100");
	pack_time(&sb, 1700000000, 0);
	expect_bytes(&sb, "d6ff 6553f100");
	pack_time(&sb, -1, 5);
	expect_bytes(&sb, "c70cff 00000005 ffffffffffffffff");
}

static const struct packed *parse(const char *hex, struct arena *arena)
{
	AUTO(error) struct error *err = NULL;
	const struct packed *v = NULL;
	unsigned char bytes[512];
	size_t n = unhex(hex, bytes, sizeof(bytes));

	/* none of its beginnings is whole */
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE unsigned char *part = xmemdup(bytes, i);

		assert_int_equal(packed_read(part, i, arena, &v, &err), 0);
		assert_null(err);
		assert_null(v);
	}
	assert_int_equal(packed_read(bytes, n, arena, &v, &err), (ssize_t)n);
	assert_int_equal(v->raw_len, n);
	assert_memory_equal(v->raw, bytes, n);
	return v;
}

static void test_read(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	const struct packed *v = parse("c0", a);
	const char *text;
	int64_t n;
	uint32_t u;

	assert_int_equal(v->kind, PACKED_NIL);
	assert_true(packed_bool(parse("c3", a)));
	assert_false(packed_bool(parse("c2", a)));
	assert_false(packed_bool(NULL));
	v = parse("7f", a);
	assert_int_equal(v->kind, PACKED_INT);
	assert_int_equal(v->integer, 127);
	assert_int_equal(parse("e0", a)->integer, -32);
	v = parse("d0 80", a);
	assert_int_equal(v->kind, PACKED_INT);
	assert_int_equal(v->integer, -128);
	assert_int_equal(parse("d1 ff7f", a)->integer, -129);
	assert_int_equal(parse("d2 ffff7fff", a)->integer, -32769);
	assert_true(parse("d3 8000000000000000", a)->integer == INT64_MIN);
	v = parse("cc 80", a);
	assert_int_equal(v->kind, PACKED_UINT);
	assert_int_equal(v->uinteger, 128);
	assert_true(parse("cf ffffffffffffffff", a)->uinteger == UINT64_MAX);
	assert_true(parse("ca 3fc00000", a)->number == 1.5);
	assert_true(parse("cb 3ff8000000000000", a)->number == 1.5);
	assert_int_equal(packed_text(parse("a3 536571", a), &text, &err), 0);
	assert_string_equal(text, "Seq");
	assert_int_equal(packed_text(parse("d9 03 536571", a), &text, &err), 0);
	assert_string_equal(text, "Seq");
	assert_int_equal(packed_text(parse("c4 02 6162", a), &text, &err), 0);
	assert_string_equal(text, "ab");
	assert_int_equal(packed_text(parse("c0", a), &text, &err), 0);
	assert_null(text);
	assert_int_equal(packed_int(NULL, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(packed_uint32(parse("d3 00000000ffffffff", a), &u, &err), 0);
	assert_int_equal(u, UINT32_MAX);
	assert_int_equal(packed_uint32(parse("ff", a), &u, &err), -1);
	assert_string_equal(err->message, "an integer that is out of range");
	error_ignore(&err, "looked at");
	assert_int_equal(packed_int(parse("a1 31", a), &n, &err), -1);
	assert_string_equal(err->message, "text where an integer belongs");
	error_ignore(&err, "looked at");
	assert_int_equal(packed_text(parse("01", a), &text, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
}

static void test_read_nested(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	/* {"a": [1, {}, bin], "b": ext 5} and keys that come as bytes */
	const struct packed *v = parse("82 a161 93 01 80 c40100 c40162 d4 05 ff", a);
	const struct packed *list = packed_member(v, "a");

	assert_int_equal(v->kind, PACKED_MAP);
	assert_int_equal(v->many.len, 2);
	assert_int_equal(list->many.len, 3);
	assert_int_equal(list->many.items[2].kind, PACKED_BYTES);
	assert_int_equal(list->raw_len, 6);
	assert_memory_equal(list->raw, "\x93\x01\x80\xc4\x01\x00", 6);
	assert_int_equal(packed_member(v, "b")->bytes.ext_type, 5);
	assert_null(packed_member(v, "c"));
	assert_null(packed_member(list, "a"));
}

static void test_times(void **state)
{
	static const struct {
		const char *bytes;
		int64_t seconds;
		uint32_t ns;
	} cases[] = {
		{ "d6 ff 6553f100", 1700000000, 0 },
		{ "d7 ff 1d6f34546553f100", 1700000000, 123456789 },
		{ "c7 0c ff 00000005 ffffffffffffffff", -1, 5 },
		{ "c4 0f 01 0000000edce5e800 075bcd15 ffff", 1700000000, 123456789 },
	};
	AUTO(arena) struct arena *a = arena_new();
	int64_t seconds;
	uint32_t ns;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(packed_time(parse(cases[i].bytes, a), &seconds, &ns));
		assert_int_equal(seconds, cases[i].seconds);
		assert_int_equal(ns, cases[i].ns);
	}
	assert_false(packed_time(parse("c0", a), &seconds, &ns));
	assert_false(packed_time(parse("d6 05 6553f100", a), &seconds, &ns));
	assert_false(packed_time(parse("d7 ff ffffffffffffffff", a), &seconds, &ns));
	assert_false(packed_time(NULL, &seconds, &ns));
}

static void expect_refused(const void *bytes, size_t n, const char *message)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	const struct packed *v = NULL;

	assert_int_equal(packed_read(bytes, n, a, &v, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, message);
}

static void test_limits(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(error) struct error *err = NULL;
	const struct packed *v = NULL;
	unsigned char deep[40];

	memset(deep, 0x91, sizeof(deep));
	expect_refused(deep, 33, "a value that is nested more than 32 deep");
	deep[32] = 0xc0;
	assert_int_equal(packed_read(deep, 33, a, &v, &err), 33);
	expect_refused("\xc1", 1, "a byte that begins no value (0xc1)");
	expect_refused("\xdd\xff\xff\xff\xff", 5, "a value of more than 64 MiB");
	expect_refused("\xdf\xff\xff\xff\xff", 5, "a value of more than 64 MiB");
	expect_refused("\xc6\xff\xff\xff\xff", 5, "a value of more than 64 MiB");
	expect_refused("\xdb\x04\x00\x00\x00", 5, "a value of more than 64 MiB");
	expect_refused("\xdd\x00\x20\x00\x00", 5, "a value of more than 1048576 parts");
	/* promised within the limits: nothing is made before it comes */
	assert_int_equal(packed_read("\xdd\x00\x0f\xff\xff", 5, a, &v, &err), 0);
}

/* A message in pieces costs what it costs in one. */
static void test_in_pieces(void **state)
{
	enum { VALUES = 1000000 };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct packed_scan scan = { 0 };

	pack_array(&sb, VALUES);
	for (int i = 0; i < VALUES; i++)
		pack_int(&sb, i % 128);
	for (size_t n = 0; n < sb.len; n += 7)
		assert_int_equal(packed_scan(&scan, sb.buf, n, &err), 0);
	assert_int_equal(packed_scan(&scan, sb.buf, sb.len, &err), (ssize_t)sb.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_as_go_writes_them),
		cmocka_unit_test(test_others_as_go_writes_them),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_nested),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
