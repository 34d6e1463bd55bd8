/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "value/convert.h"
#include "value/function.h"
#include "value/jsontext.h"
#include "value/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct value *json(const char *text)
{
	AUTO(error) struct error *err = NULL;
	struct value *v = jsontext_decode(text, strlen(text), &err);

	if (err)
		fail_msg("%s: %s", text, err->message);
	return v;
}

static void expect_json_error(const char *text, const char *want)
{
	AUTO(error) struct error *err = NULL;

	assert_null(jsontext_decode(text, strlen(text), &err));
	assert_string_equal(err->message, want);
}

typedef void (*format_fn)(struct strbuf *sb, const struct value *v);

static void expect_text(const struct value *v, format_fn format, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	format(&sb, v);
	assert_string_equal(sb.buf, want);
}

static void expect_format(const char *text, format_fn format, const char *want)
{
	AUTO(value) struct value *v = json(text);

	expect_text(v, format, want);
}

static void test_json_keeps_everything(void **state)
{
	static const char *const same[] = {
		"null",
		"true",
		"18446744073709551617",
		"0.1",
		"\"a\\u003cb\"",
		"[]",
		"{}",
		"{\"a\":[1,2.5,null],\"b\":{\"c\":\"\\u2028\\n\"}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect_format(same[i], value_format_json, same[i]);
	expect_format(" { \"b\" : 1 , \"a\" : \"\\ud83d\\ude00\\ud83d\" } ", value_format_json,
		      "{\"a\":\"\xf0\x9f\x98\x80\xef\xbf\xbd\",\"b\":1}");
}

static void test_json_errors_name_the_character(void **state)
{
	expect_json_error("aaaa", "invalid character 'a' looking for beginning of value");
	expect_json_error("nope", "invalid character 'o' in literal null (expecting 'u')");
	expect_json_error("[1 2]", "invalid character '2' after array element");
	expect_json_error("{1", "invalid character '1'");
	expect_json_error("{\"a\" 1}", "invalid character '1' after object key");
	expect_json_error("{\"a\":1;", "invalid character ';' after object key:value pair");
	expect_json_error("\"a\nb\"", "invalid character '\\n' in string literal");
	expect_json_error("\"\\x\"", "invalid character 'x' in string escape code");
	expect_json_error("1.x", "invalid character 'x' after decimal point in numeric literal");
	expect_json_error("", "EOF");
	expect_json_error("\"a", "unexpected EOF");
	expect_json_error("1 2", "extraneous data after JSON object");
}

static void test_json_nesting_is_limited(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addchars(&text, '[', 100000);
	expect_json_error(text.buf, "exceeded max depth");
}

static void test_console_form(void **state)
{
	expect_format("\"raw \\\"text\\\"\"", value_format_console, "raw \"text\"");
	expect_format("[1,\"a\\\"\",[true],{}]", value_format_console,
		      "[\n  1,\n  \"a\\\"\",\n  [\n    true,\n  ],\n  {},\n]");
	expect_format("{\"b\":1e21,\"a\":0.1,\"c\":null}", value_format_console,
		      "{\n  \"a\" = 0.1\n  \"b\" = 1e+21\n}");

	AUTO(value) struct value *unknown = value_unknown(type_string);

	expect_text(unknown, value_format_console, "<unknown>");
}

static void test_summary_form(void **state)
{
	expect_format("\"a\\nb\"", value_format_summary, "\"a\\nb\"");
	expect_format("0.33333333333333333", value_format_summary, "0.3333333333");
	expect_format("{\"x\":1}", value_format_summary, "object with 1 attribute \"x\"");
	expect_format("{\"x\":1,\"y\":2}", value_format_summary, "object with 2 attributes");
	expect_format("{}", value_format_summary, "object with no attributes");

	AUTO(type) struct type *list = type_list(type_string);
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *two = json("[\"a\",\"b\"]");
	AUTO(value) struct value *none = json("[]");
	AUTO(value) struct value *list_two = value_convert(two, list, &err);
	AUTO(value) struct value *list_none = value_convert(none, list, &err);

	expect_text(list_two, value_format_summary, "list of string with 2 elements");
	expect_text(list_none, value_format_summary, "empty list of string");
}

static struct value *convert_json(const char *text, struct type *want, struct error **err)
{
	AUTO(value) struct value *v = json(text);

	return value_convert(v, want, err);
}

static void test_sets_sort_and_drop_repeats(void **state)
{
	AUTO(type) struct type *strings = type_set(type_string);
	AUTO(type) struct type *numbers = type_set(type_number);
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *s = convert_json("[\"b\",\"a\",\"B\",\"a\"]", strings, &err);
	AUTO(value) struct value *n = convert_json("[10,9,0.5,9]", numbers, &err);

	expect_text(s, value_format_json, "[\"B\",\"a\",\"b\"]");
	expect_text(n, value_format_json, "[0.5,9,10]");
}

static void test_sets_take_the_mark_of_a_member(void **state)
{
	AUTO(value) struct value *plain = value_string("a");
	struct value *items[] = { value_mark_sensitive(plain, true), value_string("b") };
	AUTO(value) struct value *set = value_set_take(type_string, items, 2);

	assert_true(value_is_sensitive(set));
	assert_false(value_is_sensitive(value_at(set, 0)));
}

static void test_marks(void **state)
{
	AUTO(value) struct value *v = json("{\"a\":[\"x\",1]}");
	AUTO(value) struct value *marked = value_mark_sensitive(v, true);
	AUTO(value) struct value *bare = value_unmark_deep(marked);
	AUTO(type) struct type *map = type_map(type_dynamic);
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *converted = value_convert(marked, map, &err);

	assert_false(value_is_sensitive(v));
	assert_true(value_is_sensitive(marked));
	assert_true(value_is_sensitive(converted));
	assert_false(value_is_sensitive_deep(bare));
	assert_true(value_equal(v, bare));
}

static void test_access_by_key(void **state)
{
	AUTO(value) struct value *v = json("{\"b\":1,\"a\":2,\"c\":3}");

	assert_string_equal(value_key_at(v, 0), "a");
	assert_int_equal(number_to_double(value_as_number(value_get(v, "c"))), 3);
	assert_null(value_get(v, "d"));
}

static void expect_conversion_error(const char *text, struct type *want, const char *message)
{
	AUTO(error) struct error *err = NULL;

	assert_null(convert_json(text, want, &err));
	assert_string_equal(err->message, message);
}

static void test_conversion_texts(void **state)
{
	AUTO(type) struct type *list = type_list(type_number);

	expect_conversion_error("\"x\"", type_number, "a number is required");
	expect_conversion_error("\"yes\"", type_bool, "a bool is required");
	expect_conversion_error(
		"\"True\"", type_bool,
		"a bool is required; to convert from string, use lowercase \"true\"");
	expect_conversion_error("true", type_number, "number required");
	expect_conversion_error("[true]", list, "element 0: number required");
	expect_conversion_error("{}", list, "list of number required");
}

/* object({ a = optional(string, "x"), b = optional(object({ c = optional(number, 1) }), {}) }) */
static struct type *nested_constraint(void)
{
	AUTO(value) struct value *one = value_int(1);
	AUTO(value) struct value *x = value_string("x");
	AUTO(value) struct value *empty = json("{}");
	struct type_field inner[] = { { "c", type_number, true, one } };
	AUTO(type) struct type *b = type_object(inner, 1);
	struct type_field outer[] = { { "a", type_string, true, x }, { "b", b, true, empty } };

	return type_object(outer, 2);
}

static void test_defaults_of_optional_attributes(void **state)
{
	AUTO(type) struct type *t = nested_constraint();
	AUTO(type) struct type *list = type_list(t);
	AUTO(value) struct value *v = json("[{},{\"a\":null,\"b\":{\"c\":5}}]");
	AUTO(value) struct value *filled = value_apply_defaults(v, list);
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *converted = value_convert(filled, list, &err);

	expect_text(converted, value_format_json,
		    "[{\"a\":\"x\",\"b\":{\"c\":1}},{\"a\":\"x\",\"b\":{\"c\":5}}]");
}

static void test_type_texts(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(type) struct type *list = type_list(type_dynamic);
	AUTO(type) struct type *t = nested_constraint();

	type_name(&sb, list);
	strbuf_addch(&sb, '|');
	type_constraint_name(&sb, list);
	strbuf_addch(&sb, '|');
	type_json(&sb, t);
	assert_string_equal(sb.buf,
			    "list of dynamic|list of any single type|"
			    "[\"object\",{\"a\":\"string\",\"b\":[\"object\",{\"c\":\"number"
			    "\"},[\"c\"]]},[\"a\",\"b\"]]");
}

static struct value *first_arg(const struct func_call *call, struct error **err)
{
	return value_ref(call->args[0]);
}

static void test_call_protocol(void **state)
{
	static const struct param params[] = { { "str", &type_string, 0 }, { 0 } };
	const struct func_def def = {
		.name = "id", .params = params, .call = first_arg, .returns = &type_string
	};
	AUTO(value) struct value *number = value_int(5);
	AUTO(value) struct value *marked = value_mark_sensitive(number, true);
	AUTO(value) struct value *unknown = value_unknown(type_number);
	AUTO(value) struct value *null = value_null(type_dynamic);
	AUTO(error) struct error *err = NULL;
	int bad = -1;
	struct func_call call = { .name = "id", .args = &marked, .argc = 1, .ret_bad_arg = &bad };
	AUTO(value) struct value *got = func_invoke(&def, &call, &err);

	assert_true(value_is_sensitive(got));
	assert_string_equal(value_as_string(got), "5");
	call.args = &unknown;

	AUTO(value) struct value *vague = func_invoke(&def, &call, &err);

	assert_false(value_is_known(vague));
	assert_true(value_type(vague) == type_string);
	call.args = &null;
	assert_null(func_invoke(&def, &call, &err));
	assert_string_equal(err->message, "argument must not be null");
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_keeps_everything),
		cmocka_unit_test(test_json_errors_name_the_character),
		cmocka_unit_test(test_json_nesting_is_limited),
		cmocka_unit_test(test_console_form),
		cmocka_unit_test(test_summary_form),
		cmocka_unit_test(test_sets_sort_and_drop_repeats),
		cmocka_unit_test(test_sets_take_the_mark_of_a_member),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_access_by_key),
		cmocka_unit_test(test_conversion_texts),
		cmocka_unit_test(test_defaults_of_optional_attributes),
		cmocka_unit_test(test_type_texts),
		cmocka_unit_test(test_call_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
