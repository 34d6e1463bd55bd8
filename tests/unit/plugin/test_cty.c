/* SPDX-License-Identifier: Apache-2.0 */
/* Values on the wire; the files of tests/data/plugin are made by tests/tools/go-vectors. */
#include "plugin/codec/cty.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "os/fs.h"
#include "plugin/codec/cty_type.h"
#include "value/jsontext.h"
#include "value/valuevec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct value *(*read_fn)(const void *bytes, size_t len, struct error **err);

static void read_data(struct strbuf *sb, const char *name, const char *ending)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path =
		xasprintf("%s/tests/data/plugin/value-%s.%s", getenv("SRCDIR"), name, ending);

	if (fs_read(path, 1 << 20, sb, &err) < 0)
		fail_msg("%s", err->message);
}

static struct value *read_value(const char *name, const char *ending, read_fn fn)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct value *v;

	read_data(&bytes, name, ending);
	v = fn(bytes.buf, bytes.len, &err);
	if (!v)
		fail_msg("%s.%s: %s", name, ending, err->message);
	return v;
}

static void expect_json(const struct value *v, const char *want)
{
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	cty_json(&got, v);
	assert_string_equal(got.buf, want);
}

/* Our JSON of what Go wrote as gob is Go's JSON of it. */
static void expect_same_json(const char *name, const char *ending, read_fn fn)
{
	AUTO(value) struct value *v = read_value(name, ending, fn);
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;

	read_data(&want, name, "json");
	strbuf_rtrim(&want);
	expect_json(v, want.buf);
}

static const char *const names[] = { "everything", "null", "numbers", "small", "string" };

static void test_gob(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		expect_same_json(names[i], "gob", cty_from_gob);
}

static void test_msgpack(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		expect_same_json(names[i], "msgpack", cty_from_msgpack);
}

static void test_msgpack_of_what_is_not_known(void **state)
{
	AUTO(value) struct value *v = read_value("unknown", "msgpack", cty_from_msgpack);
	AUTO(value) struct value *any = read_value("dynamic", "msgpack", cty_from_msgpack);
	AUTO(value) struct value *infinite = read_value("infinite", "msgpack", cty_from_msgpack);

	assert_string_equal(value_as_string(value_get(v, "known")), "k");
	assert_false(value_is_known(value_get(v, "unknown")));
	assert_ptr_equal(value_type(value_get(v, "refined")), type_string);
	assert_false(value_is_known(value_get(v, "refined")));
	assert_ptr_equal(value_type(value_get(v, "number")), type_number);
	assert_true(type_equal(value_type(value_get(v, "list")), type_list_string));
	assert_false(value_is_known(value_get(any, "unknown")));
	assert_true(value_is_null(value_get(any, "null")));
	assert_true(number_is_infinite(value_as_number(value_at(infinite, 0))));
	assert_int_equal(number_sign(value_as_number(value_at(infinite, 1))), -1);
}

static void expect_read(const char *hex, const char *want)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT, got = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *v = NULL;

	assert_true(decode_hex(&bytes, hex));
	v = cty_from_msgpack(bytes.buf, bytes.len, &err);
	if (v)
		cty_json(&got, v);
	else
		strbuf_addstr(&got, err->message);
	assert_string_equal(got.buf, want);
}

/* 92: a pair; c4: bytes, here of a type; then the value. */
static void test_msgpack_refused(void **state)
{
#define PAIR "92"
#define STRING                                                                                     \
	"c4082273747269"                                                                           \
	"6e6722"
#define NUMBER "c408226e756d62657222"
#define BOOL   "c40622626f6f6c22"
#define ANY    "c4092264796e616d696322"
#define LIST   "c4125b226c697374222c2264796e616d6963225d"           /* of any */
#define EMPTY  "c40d5b226f626a656374222c7b7d5d"                     /* object without attributes */
#define ONE    "c4175b226f626a656374222c7b2261223a22626f6f6c227d5d" /* with one, a bool */
	static const struct {
		const char *hex, *want;
	} cases[] = {
		{ "", "no value: it ends too early" },
		{ "92", "no value: it ends too early" },
		{ "01", "no value: its type is missing" },
		{ "93010203", "no value: its type is missing" },
		{ "920102", "no value: its type is missing" },
		{ PAIR ANY "01", "no value: its type is missing" },
		{ PAIR "c40122"
		       "01",
		  "no type: its JSON is broken" },
		{ PAIR STRING "01", "no value: data that is no text" },
		{ PAIR BOOL "01", "no value: data that is neither true nor false" },
		{ PAIR NUMBER "a178", "no value: data that is no number" },
		{ PAIR NUMBER "cb7ff8000000000000", "no value: data that is no number" },
		{ PAIR NUMBER "d40500", "no value: an extension that is not known" },
		{ PAIR LIST "80", "no value: elements that do not fit its type" },
		{ PAIR LIST "92" PAIR STRING "a178" PAIR BOOL "c3",
		  "no value: elements of different types" },
		{ PAIR EMPTY "90", "no value: members that do not fit its type" },
		{ PAIR EMPTY "81a178c0", "no value: a member that its type does not have" },
		{ PAIR ONE "80", "no value: an attribute is missing" },
		{ PAIR EMPTY "8101c0", "no value: a key that is no text" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *want = xasprintf("cannot read the value: %s", cases[i].want);

		expect_read(cases[i].hex, want);
	}
	expect_read(PAIR LIST "92" PAIR BOOL "c2" PAIR BOOL "c3",
		    "{\"value\":[false,true],\"type\":[\"list\",\"bool\"]}");
	expect_read(PAIR NUMBER "a33078"
				"31",
		    "cannot read the value: no value: data that is no "
		    "number");
}

static void test_gob_cut_off(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	read_data(&bytes, "everything", "gob");
	for (size_t len = 0; len < bytes.len; len += 1 + len / 100) {
		AUTO_FREE char *part = xmemdup(bytes.buf, len);
		AUTO(error) struct error *err = NULL;

		assert_null(cty_from_gob(part, len, &err));
		assert_int_equal(err->kind, ERROR_INVALID);
		assert_true(text_starts_with(err->message, "cannot read the value: "));
	}
}

/* Precision decides how a number is printed, and so whether it is the same number afterwards. */
static void test_gob_keeps_precision(void **state)
{
	AUTO(value) struct value *v = read_value("numbers", "gob", cty_from_gob);
	AUTO(number) struct number *tenth = number_from_double(0.1);
	AUTO(number) struct number *exact = number_parse("0.1", 3);

	assert_true(number_equal(value_as_number(value_at(v, 6)), tenth));
	assert_true(number_equal(value_as_number(value_at(v, 10)), exact));
	assert_int_not_equal(number_compare(value_as_number(value_at(v, 6)), exact), 0);
}

static void expect_unknown(struct type *t, const char *want)
{
	AUTO(value) struct value *v = value_unknown(t);
	AUTO(value) struct value *secret = value_mark_sensitive(v, true);

	expect_json(v, want);
	expect_json(secret, want);
}

static void test_json_of_unknowns(void **state)
{
	struct type_field fields[] = { { "a", type_string, false, NULL } };
	AUTO(type) struct type *map = type_map(type_bool);
	AUTO(type) struct type *object = type_object(fields, 1);
	AUTO(type) struct type *tuple = type_tuple((struct type *[]){ type_bool, object }, 2);

	expect_unknown(type_string, "{\"value\":\"\\u003cunknown\\u003e\",\"type\":\"string\"}");
	expect_unknown(type_dynamic, "{\"value\":\"\\u003cunknown\\u003e\",\"type\":\"string\"}");
	expect_unknown(type_number, "{\"value\":0,\"type\":\"number\"}");
	expect_unknown(type_bool, "{\"value\":false,\"type\":\"bool\"}");
	expect_unknown(type_list_string, "{\"value\":[],\"type\":[\"list\",\"string\"]}");
	expect_unknown(type_set_string, "{\"value\":[],\"type\":[\"set\",\"string\"]}");
	expect_unknown(map, "{\"value\":{},\"type\":[\"map\",\"bool\"]}");
	expect_unknown(object, "{\"value\":{},\"type\":[\"object\",{\"a\":\"string\"}]}");
	expect_unknown(tuple, "{\"value\":[false,{}],\"type\":[\"tuple\",[\"bool\",[\"object\","
			      "{\"a\":\"string\"}]]]}");
}

/* A configuration with parts that are unknown, null, secret and of no known type. */
static void test_json_of_a_configuration(void **state)
{
	AUTO(value) struct value *text = value_string("<&> \"x\"");
	AUTO(map) struct map m = { 0 };

	value_map_init(&m);
	value_map_put(&m, "any", value_unknown(type_dynamic));
	value_map_put(&m, "inf", value_number_take(number_infinity(true)));
	value_map_put(&m, "none", value_null(type_dynamic));
	value_map_put(&m, "null", value_null(type_bool));
	value_map_put(&m, "secret", value_mark_sensitive(text, true));

	AUTO(value) struct value *v = value_object_take(&m);

	expect_json(v, "{\"value\":{"
		       "\"any\":{\"value\":\"\\u003cunknown\\u003e\",\"type\":\"string\"},"
		       "\"inf\":\"-Inf\",\"none\":null,\"null\":null,"
		       "\"secret\":\"\\u003c\\u0026\\u003e \\\"x\\\"\"},"
		       "\"type\":[\"object\",{\"any\":\"dynamic\",\"inf\":\"number\","
		       "\"none\":\"dynamic\",\"null\":\"bool\",\"secret\":\"string\"}]}");
}

static void test_json_of_nothing(void **state)
{
	AUTO(value) struct value *v = value_null(type_dynamic);

	expect_json(v, "null");
}

static void expect_type(const char *json, const char *want)
{
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(type) struct type *t = cty_type_from_json(str_of(json), &err);

	if (t)
		type_json(&got, t);
	else
		strbuf_addstr(&got, err->message);
	assert_string_equal(got.buf, want);
}

static void test_types_as_json(void **state)
{
	static const char *const good[] = {
		"\"dynamic\"",
		"[\"set\",[\"list\",[\"map\",\"bool\"]]]",
		"[\"tuple\",[\"string\",\"number\",[\"tuple\",[]]]]",
		"[\"object\",{}]",
		"[\"object\",{\"a\":\"string\",\"b\":[\"list\",\"dynamic\"]},[\"a\"]]",
	};
	static const char unknown[] = "no type: a kind of type that is not known";
	AUTO(strbuf) struct strbuf deep = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		expect_type(good[i], good[i]);
	expect_type("", "no type: its JSON is broken");
	expect_type("[\"list\",\"string\"", "no type: its JSON is broken");
	expect_type("\"strin\"", unknown);
	expect_type("1", unknown);
	expect_type("null", unknown);
	expect_type("[]", unknown);
	expect_type("[\"list\"]", unknown);
	expect_type("[\"list\",\"string\",1]", unknown);
	expect_type("[\"capsule\",\"x\"]", unknown);
	expect_type("[\"tuple\",\"x\"]", "no type: a tuple without a list of types");
	expect_type("[\"object\",[]]", "no type: an object without attributes");
	expect_type("[\"object\",{},{}]", "no type: an object without attributes");
	expect_type("[\"object\",{\"e\\u0301\":\"bool\",\"\\u00e9\":\"bool\"}]",
		    "no type: the name of an attribute is no text, or there twice");
	for (int i = 0; i < 1000; i++)
		strbuf_addstr(&deep, "[\"list\",");
	strbuf_addstr(&deep, "\"string\"");
	strbuf_addchars(&deep, ']', 1000);
	expect_type(deep.buf, "no type: too many levels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gob),
		cmocka_unit_test(test_msgpack),
		cmocka_unit_test(test_msgpack_of_what_is_not_known),
		cmocka_unit_test(test_msgpack_refused),
		cmocka_unit_test(test_gob_cut_off),
		cmocka_unit_test(test_gob_keeps_precision),
		cmocka_unit_test(test_json_of_unknowns),
		cmocka_unit_test(test_json_of_a_configuration),
		cmocka_unit_test(test_json_of_nothing),
		cmocka_unit_test(test_types_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
