/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "eval/eval.h"
#include "lang/parser.h"
#include "value/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The constraint in cty's notation, or the mistakes. */
static char *read_constraint(const char *text, bool allow_optional)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const struct source *src = sources_add(sources, "t", text, strlen(text));
	struct expr *e = parse_expression(src, arena, &diags);
	AUTO(type) struct type *t = eval_type_constraint(e, allow_optional, NULL, &diags);

	if (t) {
		assert_int_equal(diags.len, 0);
		type_constraint_name(&sb, t);
	} else {
		diags_format_error(&sb, &diags);
	}
	return strbuf_detach(&sb);
}

static void expect_constraint(const char *text, const char *want)
{
	AUTO_FREE char *got = read_constraint(text, true);

	assert_string_equal(got, want);
}

#define INVALID ": Invalid type specification; "

static void test_types(void **state)
{
	expect_constraint("string", "string");
	expect_constraint("any", "any type");
	expect_constraint("list(any)", "list of any single type");
	expect_constraint("map(set(number))", "map of set of number");
	expect_constraint("tuple([string, bool])", "tuple");
	expect_constraint("object({a = string, b = optional(number, 5)})", "object");
}

static void test_mistakes(void **state)
{
	expect_constraint("nope", "t:1,1-5" INVALID
				  "The keyword \"nope\" is not a valid type specification.");
	expect_constraint("list",
			  "t:1,1-5" INVALID "The list type constructor requires one argument "
			  "specifying the element type.");
	expect_constraint("map(string, bool)",
			  "t:1,13-17" INVALID "The map type constructor requires one argument "
			  "specifying the element type.");
	expect_constraint("string(1)",
			  "t:1,7-10" INVALID "Primitive type keyword \"string\" does not expect "
			  "arguments.");
	expect_constraint("any()", "t:1,4-6" INVALID
				   "Type constraint keyword \"any\" does not expect arguments.");
	expect_constraint("\"string\"",
			  "t:1,1-9" INVALID "A type specification is either a primitive type "
			  "keyword (bool, number, string) or a complex type constructor call, like "
			  "list(string).");
	expect_constraint("shwoop(string)",
			  "t:1,1-15" INVALID "Keyword \"shwoop\" is not a valid type constructor.");
	expect_constraint("optional(string)",
			  "t:1,1-9" INVALID "Keyword \"optional\" is valid only as a modifier for "
			  "object type attributes.");
	expect_constraint("tuple(string)",
			  "t:1,7-13" INVALID
			  "Tuple type constructor requires a list of element types.");
	expect_constraint("object({a = nope, b = nope})",
			  "t:1,13-17" INVALID "The keyword \"nope\" is not a valid type "
			  "specification., and 1 other diagnostic(s)");
	expect_constraint("object({a = string, a = bool})",
			  "t:1,21-22" INVALID "Object constructor map keys must be unique.");
	expect_constraint("object({a = optional(bool, 5)})",
			  "t:1,28-29: Invalid default value for optional attribute; This default "
			  "value is not compatible with the attribute's type constraint: bool "
			  "required.");
	expect_constraint("object({a = optional(string, nope)})",
			  "t:1,30-34: Variables not allowed; Variables may not be used here.");
}

static void test_optional_can_be_refused(void **state)
{
	AUTO_FREE char *got = read_constraint("object({a = optional(string)})", false);

	assert_string_equal(got, "t:1,13-21" INVALID
				 "Optional attribute modifier is only for type constraints, not "
				 "for exact types.");
}

static void test_defaults_are_kept(void **state)
{
	static const char text[] = "object({a = optional(list(number), [\"5\"])})";
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const struct source *src = sources_add(sources, "t", text, strlen(text));
	AUTO(type)
	struct type *t =
		eval_type_constraint(parse_expression(src, arena, &diags), true, NULL, &diags);
	struct map empty;
	value_map_init(&empty);
	AUTO(value) struct value *v = value_object_take(&empty);
	AUTO(value) struct value *filled = value_apply_defaults(v, t);
	AUTO(value) struct value *converted = value_convert(filled, t, &err);

	map_release(&empty);
	assert_non_null(converted);
	value_format_json(&sb, converted);
	assert_string_equal(sb.buf, "{\"a\":[5]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_optional_can_be_refused),
		cmocka_unit_test(test_defaults_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
