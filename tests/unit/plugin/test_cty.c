/* SPDX-License-Identifier: Apache-2.0 */
/* Values on the wire; the files of tests/data/plugin are made by tests/tools/go-vectors. */
#include "plugin/codec/cty.h"

#include "base/alloc.h"
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
		cmocka_unit_test(test_gob_cut_off),
		cmocka_unit_test(test_gob_keeps_precision),
		cmocka_unit_test(test_json_of_unknowns),
		cmocka_unit_test(test_json_of_a_configuration),
		cmocka_unit_test(test_json_of_nothing),
		cmocka_unit_test(test_types_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
