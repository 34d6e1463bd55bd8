/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that no Go program writes. What they do write is read in test_schema.c and test_cty.c. */
#include "plugin/codec/gob.h"

#include "base/encode.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct gob *read_hex(struct arena *arena, const char *hex)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	const struct gob *g;

	assert_true(decode_hex(&bytes, hex));
	g = gob_read((struct str){ arena_strndup(arena, bytes.buf, bytes.len), bytes.len }, arena,
		     &err);
	if (!g)
		fail_msg("%s", err->message);
	return g;
}

static void expect_refused(struct arena *arena, const struct strbuf *bytes, const char *want)
{
	AUTO(error) struct error *err = NULL;

	assert_null(gob_read((struct str){ bytes->buf, bytes->len }, arena, &err));
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, want);
}

static void expect_hex_refused(struct arena *arena, const char *hex, const char *want)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	assert_true(decode_hex(&bytes, hex));
	expect_refused(arena, &bytes, want);
}

/* Length, type, 0 for no struct, value. */
static void test_plain_values(void **state)
{
	assert_true(read_hex(*state, "03020001")->boolean);
	assert_int_equal(read_hex(*state, "03040001")->integer, -1);
	assert_int_equal(read_hex(*state, "0304000e")->integer, 7);
	assert_true(read_hex(*state, "0b0400f8ffffffffffffffff")->integer == INT64_MIN);
	assert_true(read_hex(*state, "0b0400f8fffffffffffffffe")->integer == INT64_MAX);
	assert_true(read_hex(*state, "0b0600f8ffffffffffffffff")->uinteger == UINT64_MAX);
	assert_true(read_hex(*state, "050800fe0440")->number == 2.5);
	assert_true(str_is(read_hex(*state, "050c00026162")->bytes, "ab"));
	assert_int_equal(read_hex(*state, "030a0000")->kind, GOB_BYTES);
}

/* An array [3]bool as type 65; a map from int to text as 66. */
#define ARRAY "09ff8101020201060000"
#define MAP                                                                                        \
	"09ff8304020401"                                                                           \
	"0c0000"

static void test_arrays_and_maps(void **state)
{
	const struct gob *g = read_hex(*state, ARRAY "07ff820003010001");

	assert_int_equal(g->kind, GOB_LIST);
	assert_int_equal(g->many.len, 3);
	assert_true(g->many.items[2].boolean);
	g = read_hex(*state, MAP "09ff8400020601610801"
				 "62");
	assert_int_equal(g->kind, GOB_MAP);
	assert_int_equal(g->many.len, 2);
	assert_int_equal(g->many.items[2].integer, 4);
	assert_true(str_is(g->many.items[3].bytes, "b"));
}

/* A field of another kind than expected is told from one that is absent. */
static void test_fields(void **state)
{
	const struct gob *g = read_hex(*state, "1cff81030203"
					       "010141010400"
					       "010142010200"
					       "010143010c00"
					       "0000"
					       "08ff82010e010100");
	int64_t n = -1;
	bool b = false;
	struct str s = { 0 };

	assert_int_equal(g->many.len, 2);
	assert_true(gob_field_int(g, "A", &n));
	assert_int_equal(n, 7);
	assert_true(gob_field_bool(g, "B", &b));
	assert_true(b);
	assert_true(gob_field_text(g, "C", &s));
	assert_int_equal(s.len, 0);
	assert_false(gob_field_text(g, "A", &s));
	assert_false(gob_field_int(g, "B", &n));
	assert_null(gob_field(g, "D"));
	assert_null(gob_field(read_hex(*state, "03020001"), "A"));
}

static void test_type_names(void **state)
{
	struct gob g = { .type = STR("*example.com/vendor/hcldec.AttrSpec") };

	assert_true(str_is(gob_type_name(&g), "hcldec.AttrSpec"));
	g.type = STR("*hcldec.AttrSpec");
	assert_true(str_is(gob_type_name(&g), "hcldec.AttrSpec"));
	g.type = STR("");
	assert_int_equal(gob_type_name(&g).len, 0);
}

static void test_refused(void **state)
{
	static const char early[] = "no gob: it ends in the middle of a value";
	static const char undefined[] = "no gob: a type that is not defined";

	expect_hex_refused(*state, "", early);
	expect_hex_refused(*state, "03", early);
	expect_hex_refused(*state, "0302", early);
	expect_hex_refused(*state, "030200", early);
	expect_hex_refused(*state,
			   "050c0005"
			   "61",
			   early);
	expect_hex_refused(*state, "0c0c00f8ffffffffffffffff", early);
	expect_hex_refused(*state,
			   "0302"
			   "0101",
			   "no gob: a value does not start where it should");
	expect_hex_refused(*state,
			   "0300"
			   "00",
			   undefined);
	expect_hex_refused(*state,
			   "030e"
			   "00",
			   undefined);
	expect_hex_refused(*state, "03ff820000", undefined);
	expect_hex_refused(*state, "0bf700", "no gob: a number of more than eight bytes");
	expect_hex_refused(*state, "03ff8100", "no gob: an empty definition of a type");
	expect_hex_refused(*state, "03ff8109", "no gob: a field that its type does not have");
	expect_hex_refused(*state,
			   "0301"
			   "00",
			   "no gob: a type that is defined twice");
	expect_hex_refused(*state, ARRAY ARRAY "00", "no gob: a type that is defined twice");
	expect_hex_refused(*state, "0af8ffffffffffffffff",
			   "no gob: the number of a type is too large");
	expect_hex_refused(*state, ARRAY "0fff8200f8ffffffffffffffff", early);
	expect_hex_refused(*state, MAP "0fff8400f87fffffffffffffff", early);
}

/* A slice whose elements are such slices. */
static void test_depth(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	assert_true(decode_hex(&bytes, "09ff810202ff820000"
				       "7fff8200"));
	strbuf_addchars(&bytes, 1, 10000);
	strbuf_addch(&bytes, 0);
	expect_refused(*state, &bytes, "no gob: too many levels");
}

static void test_count_of_values(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	assert_true(decode_hex(&bytes, ARRAY "7fff8200fd200000"));
	strbuf_addchars(&bytes, 0, 0x200000);
	expect_refused(*state, &bytes, "no gob: too many values");
}

static void test_count_of_types(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	strbuf_addch(&bytes, 0);
	for (int id = 65; id < 1000; id++) {
		unsigned n = (unsigned)(id - 1) << 1 | 1;
		const char definition[] = { (char)0xfe, (char)(n >> 8), (char)n, 2, 2, 2, 0, 0, 0 };

		strbuf_add(&bytes, definition, sizeof(definition));
	}
	expect_refused(*state, &bytes, "no gob: too many types");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arrays_and_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_type_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_count_of_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_count_of_types, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
