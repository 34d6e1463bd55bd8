/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data of Go; packed-generated.msgpack is made by tests/tools/go-vectors. */
#include "base/alloc.h"
#include "base/encode.h"
#include "os/fs.h"
#include "plugin/codec/cty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_packed(struct value *v, const char *hex)
{
	AUTO(value) struct value *owned = v;
	AUTO(value) struct value *secret = value_mark_sensitive(v, true);
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT, got = STRBUF_INIT;

	value_pack(&bytes, secret);
	encode_hex(&got, bytes.buf, bytes.len);
	assert_string_equal(got.buf, hex);
}

static struct value *number(const char *text)
{
	return value_number_take(number_parse(text, strlen(text)));
}

static void test_pack(void **state)
{
	struct value *three[] = { value_int(1), value_string("x"), value_bool(true) };
	struct value *texts[] = { value_string("b"), value_string("a") };
	struct value *truths[] = { value_bool(false) };
	struct map m;

	expect_packed(value_string("ab"), "a26162");
	expect_packed(value_bool(true), "c3");
	expect_packed(value_null(type_list_string), "c0");
	expect_packed(value_int(7), "07");
	expect_packed(value_int(-7), "f9");
	expect_packed(value_int(200), "d100c8");
	expect_packed(value_int(70000), "d200011170");
	expect_packed(number("18446744073709551615"), "cfffffffffffffffff");
	expect_packed(number("18446744073709551616"), "cb43f0000000000000");
	expect_packed(number("2.5"), "cb4004000000000000");
	expect_packed(number("2.50e1"), "19");
	expect_packed(value_tuple_take(three, 3), "9301a178c3");
	expect_packed(value_set_take(type_string, texts, 2), "92a161a162");
	expect_packed(value_list_take(type_bool, truths, 1), "91c2");
	value_map_init(&m);
	value_map_put(&m, "b", value_int(1));
	value_map_put(&m, "a", value_null(type_bool));
	expect_packed(value_object_take(&m), "82a161c0a16201");
}

static void test_pack_unknown(void **state)
{
	AUTO(type) struct type *map = type_map(type_bool);
	AUTO(type) struct type *tuple = type_tuple((struct type *[]){ type_bool, map }, 2);

	expect_packed(value_unknown(type_string), "a93c756e6b6e6f776e3e");
	expect_packed(value_unknown(type_dynamic), "a93c756e6b6e6f776e3e");
	expect_packed(value_unknown(type_number), "00");
	expect_packed(value_unknown(type_bool), "c2");
	expect_packed(value_unknown(type_list_string), "90");
	expect_packed(value_unknown(map), "80");
	expect_packed(value_unknown(tuple), "92c280");
}

static void check_value(const void *bytes, size_t len, const char *want)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(value) struct value *v = NULL;
	const struct packed *p = NULL;

	assert_int_equal(packed_read(bytes, len, arena, &p, &err), len);
	v = value_from_packed(p, &err);
	if (v)
		cty_json(&got, v);
	else
		strbuf_addstr(&got, err->message);
	assert_string_equal(got.buf, want);
}

/* What a builder of Go tells provisioners. */
static void test_generated_data(void **state)
{
	AUTO_FREE char *path =
		xasprintf("%s/tests/data/plugin/packed-generated.msgpack", getenv("SRCDIR"));
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_read(path, 4096, &bytes, &err), 0);
	check_value(bytes.buf, bytes.len,
		    "{\"value\":{\"Big\":18446744073709551615,\"Bytes\":[1,2,255],\"Empty\":[],"
		    "\"Float\":2.5,\"ID\":\"i-0123\",\"Map\":{\"k\":[1,\"x\"]},"
		    "\"Names\":[\"a\",\"b\"],\"Negative\":-100000,\"Nothing\":null,"
		    "\"Numbers\":[3,-4,500],\"Port\":22,\"SSHAgentAuth\":false,"
		    "\"When\":\"2023-11-14T22:13:20.123456789Z\"},"
		    "\"type\":[\"object\",{\"Big\":\"number\",\"Bytes\":[\"list\",\"number\"],"
		    "\"Empty\":[\"tuple\",[]],\"Float\":\"number\",\"ID\":\"string\","
		    "\"Map\":[\"object\",{\"k\":[\"tuple\",[\"number\",\"string\"]]}],"
		    "\"Names\":[\"tuple\",[\"string\",\"string\"]],\"Negative\":\"number\","
		    "\"Nothing\":\"dynamic\",\"Numbers\":[\"list\",\"number\"],"
		    "\"Port\":\"number\",\"SSHAgentAuth\":\"bool\",\"When\":\"string\"}]}");
}

static void expect_hex(const char *hex, const char *want)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	assert_true(decode_hex(&bytes, hex));
	check_value(bytes.buf, bytes.len, want);
}

static void test_odd_data(void **state)
{
	expect_hex("8201c3cc8002", "{\"value\":{\"1\":true,\"128\":2},"
				   "\"type\":[\"object\",{\"1\":\"bool\",\"128\":\"number\"}]}");
	expect_hex("82a161c2a161c3",
		   "{\"value\":{\"a\":true},\"type\":[\"object\",{\"a\":\"bool\"}]}");
	expect_hex("cb7ff0000000000000", "{\"value\":\"+Inf\",\"type\":\"number\"}");
	expect_hex("cb7ff8000000000000", "a float that is no number");
	expect_hex("81c3c2", "a key that is neither text nor a number");
	expect_hex("81a1"
		   "00c2",
		   "a key that is no text");
	expect_hex("d40500", "an extension that is no time");
	expect_hex("c70cff000000007fffffffffffffff", "a time that is too far away");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_pack_unknown),
		cmocka_unit_test(test_generated_data),
		cmocka_unit_test(test_odd_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
