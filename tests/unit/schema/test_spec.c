/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/spec.h"

#include "base/alloc.h"
#include "lang/json.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
	struct diags diags;
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	f->sources = sources_new();
	f->arena = arena_new();
	f->scope = scope_new(NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	diags_release(&f->diags);
	scope_free(f->scope);
	arena_free(f->arena);
	sources_free(f->sources);
	free(f);
	return 0;
}

static struct body *parse(struct fixture *f, const char *text)
{
	bool is_json = *text == '{';
	const struct source *src = sources_add(f->sources, "t", text, strlen(text));

	return is_json ? parse_json_file(src, f->arena, &f->diags)
		       : parse_file(src, f->arena, &f->diags);
}

/* `TYPE VALUE`, then what was reported. */
static void expect(struct fixture *f, const struct spec *s, const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(value) struct value *v = spec_decode(s, parse(f, text), f->scope, f->arena, &f->diags);

	type_json(&got, value_type(v));
	strbuf_addch(&got, ' ');
	if (value_is_wholly_known(v))
		value_format_json(&got, v);
	else
		strbuf_addstr(&got, "?");
	for (size_t i = 0; i < f->diags.len; i++) {
		strbuf_addf(&got, "\n%s / %s @", f->diags.items[i].summary,
			    f->diags.items[i].detail);
		range_format(&got, f->diags.items[i].subject);
	}
	assert_string_equal(got.buf, want);
	diags_release(&f->diags);
}

static const struct spec size = { .kind = SPEC_ATTR, .name = "size" };
static const struct spec label = { .kind = SPEC_LABEL, .name = "slot" };

static struct spec attr(const char *name, struct type *type)
{
	return (struct spec){ .kind = SPEC_ATTR, .name = name, .type = type };
}

static void test_object_and_attributes(void **state)
{
	struct spec a = attr("a", type_string), b = attr("b", type_list_number);
	struct spec_field fields[] = { { "x", &a }, { "y", &b } };
	struct spec s = { .kind = SPEC_OBJECT, .fields = fields, .len = 2 };

	expect(*state, &s, "a = 1\n",
	       "[\"object\",{\"x\":\"string\",\"y\":[\"list\",\"number\"]}] "
	       "{\"x\":\"1\",\"y\":null}");
	expect(*state, &s, "{\"a\": \"x\", \"b\": [1, \"2\"]}",
	       "[\"object\",{\"x\":\"string\",\"y\":[\"list\",\"number\"]}] "
	       "{\"x\":\"x\",\"y\":[1,2]}");
	a.required = true;
	expect(*state, &s, "b = 5\nc = 1\n",
	       "[\"object\",{\"x\":\"string\",\"y\":[\"list\",\"number\"]}] ?\n"
	       "Missing required argument / The argument \"a\" is required, but no definition "
	       "was found. @t:1,1-1\n"
	       "Unsupported argument / An argument named \"c\" is not expected here. Did you mean "
	       "\"a\"? @t:2,1-2\n"
	       "Incorrect attribute value type / Inappropriate value for attribute \"b\": list of "
	       "number required. @t:1,5-6");
}

static void test_default(void **state)
{
	struct spec a = attr("a", type_string), b = attr("b", type_string);
	AUTO(value) struct value *fixed = value_string("none");
	struct spec literal = { .kind = SPEC_LITERAL, .value = fixed };
	struct spec second = { .kind = SPEC_DEFAULT, .nested = &b, .fallback = &literal };
	struct spec s = { .kind = SPEC_DEFAULT, .nested = &a, .fallback = &second };

	expect(*state, &s, "a = \"x\"\nb = \"y\"\n", "\"string\" \"x\"");
	expect(*state, &s, "b = \"y\"\n", "\"string\" \"y\"");
	expect(*state, &s, "", "\"string\" \"none\"");
}

static void test_single_block(void **state)
{
	struct spec a = attr("a", type_string);
	struct spec s = { .kind = SPEC_BLOCK, .name = "b", .nested = &a };

	expect(*state, &s, "b {\n  a = \"x\"\n}\n", "\"string\" \"x\"");
	expect(*state, &s, "", "\"string\" null");
	expect(*state, &s, "b {}\nb {}\n",
	       "\"string\" null\n"
	       "Duplicate b block / Only one block of type \"b\" is allowed. Previous definition "
	       "was at t:1,1-2. @t:2,1-2");
	s.required = true;
	expect(*state, &s, "{}",
	       "\"string\" null\n"
	       "Missing b block / A block of type \"b\" is required here. @t:1,2-3");
}

static void test_sequences(void **state)
{
	struct spec any = size;
	struct spec s = { .kind = SPEC_BLOCK_LIST, .name = "b", .nested = &any };
	static const char mixed[] =
		"b {\n  size = 1\n}\nb {\n  size = \"x\"\n}\nb {\n  size = 1\n}\n";

	any.type = type_dynamic;
	expect(*state, &s, mixed, "[\"list\",\"string\"] [\"1\",\"x\",\"1\"]");
	expect(*state, &s, "", "[\"list\",\"dynamic\"] []");
	expect(*state, &s, "{\"b\": [{\"size\": 1}, {\"size\": [1]}]}",
	       "\"dynamic\" ?\n"
	       "Unconsistent argument types in b blocks / Corresponding attributes in all blocks "
	       "of this type must be the same. @t:1,7-8");
	s.kind = SPEC_BLOCK_TUPLE;
	expect(*state, &s, mixed, "[\"tuple\",[\"number\",\"string\",\"number\"]] [1,\"x\",1]");
	s.kind = SPEC_BLOCK_SET;
	expect(*state, &s, mixed, "[\"set\",\"string\"] [\"1\",\"x\"]");
	s.items_min = 4;
	expect(*state, &s, mixed,
	       "[\"set\",\"string\"] [\"1\",\"x\"]\n"
	       "Insufficient b blocks / At least 4 \"b\" blocks are required. @t:1,1-1");
	s.items_min = 0;
	s.items_max = 2;
	expect(*state, &s, mixed,
	       "[\"set\",\"string\"] [\"1\",\"x\"]\n"
	       "Too many b blocks / No more than 2 \"b\" blocks are allowed @t:7,1-2");
}

static void test_labels(void **state)
{
	static const char *const keys[] = { "k", "l", NULL };
	struct spec any = size;
	struct spec_field fields[] = { { "slot", &label }, { "size", &any } };
	struct spec both = { .kind = SPEC_OBJECT, .fields = fields, .len = 2 };
	struct spec s = { .kind = SPEC_BLOCK_MAP, .name = "b", .nested = &both, .labels = keys };

	any.type = type_number;
	expect(*state, &s,
	       "b \"x\" \"1\" \"p\" {\n  size = 1\n}\nb \"y\" \"1\" \"q\" {\n}\n"
	       "b \"x\" \"2\" \"r\" {\n}\n",
	       "[\"map\",[\"map\",[\"object\",{\"size\":\"number\",\"slot\":\"string\"}]]] "
	       "{\"x\":{\"1\":{\"size\":1,\"slot\":\"p\"},\"2\":{\"size\":null,\"slot\":\"r\"}},"
	       "\"y\":{\"1\":{\"size\":null,\"slot\":\"q\"}}}");
	expect(*state, &s, "",
	       "[\"map\",[\"map\",[\"object\",{\"size\":\"number\",\"slot\":\"string\"}]]] {}");
	expect(*state, &s, "b \"x\" \"1\" {\n}\n",
	       "[\"map\",[\"map\",[\"object\",{\"size\":\"number\",\"slot\":\"string\"}]]] {}\n"
	       "Missing slot for b / All b blocks must have 3 labels (k, l, slot). @t:1,11-12");
	s.kind = SPEC_BLOCK_OBJECT;
	any.type = type_dynamic;
	expect(*state, &s,
	       "{\"b\": {\"x\": {\"1\": {\"p\": {\"size\": [1]}}, \"2\": {\"q\": {}}}}}",
	       "[\"object\",{\"x\":[\"object\",{\"1\":[\"object\",{\"size\":[\"tuple\",[\"number\"]"
	       "],"
	       "\"slot\":\"string\"}],\"2\":[\"object\",{\"size\":\"dynamic\",\"slot\":\"string\"}]"
	       "}]"
	       "}] "
	       "{\"x\":{\"1\":{\"size\":[1],\"slot\":\"p\"},\"2\":{\"size\":null,\"slot\":\"q\"}}"
	       "}");
	expect(*state, &s, "b \"x\" \"1\" \"p\" {}\nb \"x\" \"1\" \"q\" {}\n",
	       "[\"object\",{\"x\":[\"object\",{\"1\":[\"object\",{\"size\":\"dynamic\",\"slot\":"
	       "\"string\"}]}]}] {\"x\":{\"1\":{\"size\":null,\"slot\":\"p\"}}}\n"
	       "Duplicate b block / A block for b \"x\" \"1\" was already defined. The b labels "
	       "must be unique. @t:2,1-14");
}

static void test_block_attributes(void **state)
{
	struct spec s = { .kind = SPEC_BLOCK_ATTRS, .name = "tags", .type = type_string };

	expect(*state, &s, "tags {\n  a = 1\n  b = \"x\"\n}\n",
	       "[\"map\",\"string\"] {\"a\":\"1\",\"b\":\"x\"}");
	expect(*state, &s, "{\"tags\": {\"//\": 1}}", "[\"map\",\"string\"] {}");
	expect(*state, &s, "", "[\"map\",\"string\"] null");
	expect(*state, &s, "tags {\n  a = []\n}\n",
	       "[\"map\",\"string\"] ?\n"
	       "Invalid attribute value / Invalid value for attribute \"a\": string required. "
	       "@t:2,7-9");
	s.type = type_dynamic;
	expect(*state, &s, "tags {\n  a = []\n  b = 1\n}\n",
	       "[\"map\",\"dynamic\"] ?\n"
	       "Invalid attribute value / The arguments of this block have no type in common: all "
	       "map elements must have the same type. @t:1,1-5");
}

static void add_name(void *data, const struct expr *traversal)
{
	struct str text = range_text(traversal->range);

	strbuf_add(data, text.p, text.len);
	strbuf_addch(data, ' ');
}

static void test_references(void **state)
{
	struct fixture *f = *state;
	struct spec a = attr("a", type_string);
	struct spec tags = { .kind = SPEC_BLOCK_ATTRS, .name = "tags", .type = type_string };
	struct spec_field fields[] = { { "a", &a }, { "tags", &tags } };
	struct spec inner = { .kind = SPEC_OBJECT, .fields = fields, .len = 2 };
	struct spec s = { .kind = SPEC_BLOCK_LIST, .name = "b", .nested = &inner };
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	spec_walk_references(&s,
			     parse(f, "b {\n  a = x.y\n  c = no\n  tags {\n    t = z\n  }\n}\n"),
			     f->arena, add_name, &got);
	spec_walk_references(&s, parse(f, "{\"b\": [{\"a\": \"${v}\", \"c\": \"${no}\"}]}"),
			     f->arena, add_name, &got);
	assert_string_equal(got.buf, "x.y z v ");
}

#define SPEC_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC_TEST(test_object_and_attributes),
		SPEC_TEST(test_default),
		SPEC_TEST(test_single_block),
		SPEC_TEST(test_sequences),
		SPEC_TEST(test_labels),
		SPEC_TEST(test_block_attributes),
		SPEC_TEST(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
