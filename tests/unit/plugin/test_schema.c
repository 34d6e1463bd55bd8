/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas in both encodings; the files of tests/data/plugin are made by tests/tools/go-vectors. */
#include "plugin/codec/schema.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef int (*read_fn)(const void *bytes, size_t len, struct arena *arena, const struct spec **ret,
		       struct error **err);

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

static void read_data(struct strbuf *sb, const char *name)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = xasprintf("%s/tests/data/plugin/%s", getenv("SRCDIR"), name);

	if (fs_read(path, 1 << 20, sb, &err) < 0)
		fail_msg("%s", err->message);
}

static const struct spec *read_file(struct arena *arena, const char *name, read_fn fn)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	const struct spec *s = NULL;

	read_data(&bytes, name);
	if (fn(bytes.buf, bytes.len, arena, &s, &err) < 0)
		fail_msg("%s: %s", name, err->message);
	return s;
}

/* A tree as text: `{name: attr! name string, b: list b[0,0] {…}}`. */
static void print(struct strbuf *sb, const struct spec *s);

static void print_fields(struct strbuf *sb, const struct spec *s)
{
	strbuf_addch(sb, '{');
	for (size_t i = 0; i < s->len; i++) {
		strbuf_addf(sb, "%s%s%s", i ? ", " : "", s->fields[i].name ? s->fields[i].name : "",
			    s->fields[i].name ? ": " : "");
		print(sb, s->fields[i].spec);
	}
	strbuf_addch(sb, '}');
}

static void print(struct strbuf *sb, const struct spec *s)
{
	static const char *const kinds[] = {
		[SPEC_OBJECT] = "object",
		[SPEC_TUPLE] = "tuple",
		[SPEC_ATTR] = "attr",
		[SPEC_LITERAL] = "literal",
		[SPEC_DEFAULT] = "default",
		[SPEC_BLOCK] = "block",
		[SPEC_BLOCK_LIST] = "list",
		[SPEC_BLOCK_TUPLE] = "block-tuple",
		[SPEC_BLOCK_SET] = "set",
		[SPEC_BLOCK_MAP] = "map",
		[SPEC_BLOCK_OBJECT] = "block-object",
		[SPEC_BLOCK_ATTRS] = "attrs",
		[SPEC_LABEL] = "label",
	};

	if (s->kind == SPEC_OBJECT) {
		print_fields(sb, s);
		return;
	}
	strbuf_addf(sb, "%s%s", kinds[s->kind], s->required ? "!" : "");
	if (s->kind == SPEC_TUPLE)
		print_fields(sb, s);
	if (s->name)
		strbuf_addf(sb, " %s", s->name);
	if (s->kind == SPEC_LABEL)
		strbuf_addf(sb, "#%zu", s->index);
	if (s->items_min || s->items_max)
		strbuf_addf(sb, "[%zu,%zu]", s->items_min, s->items_max);
	for (size_t i = 0; s->labels && s->labels[i]; i++)
		strbuf_addf(sb, " /%s", s->labels[i]);
	if (s->type) {
		strbuf_addch(sb, ' ');
		type_json(sb, s->type);
	}
	if (s->value) {
		strbuf_addch(sb, ' ');
		value_format_json(sb, s->value);
	}
	if (s->nested) {
		strbuf_addch(sb, ' ');
		print(sb, s->nested);
	}
	if (s->fallback) {
		strbuf_addstr(sb, " else ");
		print(sb, s->fallback);
	}
}

static void expect_tree(const struct spec *s, const char *want)
{
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	print(&got, s);
	assert_string_equal(got.buf, want);
}

/* The type that Go says decoding gives. */
static void expect_type(const struct spec *s, const char *name)
{
	AUTO(strbuf) struct strbuf want = STRBUF_INIT, got = STRBUF_INIT;
	AUTO(type) struct type *type = spec_type(s);

	read_data(&want, name);
	type_json(&got, type);
	strbuf_addch(&got, '\n');
	assert_string_equal(got.buf, want.buf);
}

static void expect_refused(struct arena *arena, read_fn fn, struct str in, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *message = xasprintf("cannot read the schema: %s", want);
	const struct spec *s = NULL;

	assert_int_equal(fn(in.p, in.len, arena, &s, &err), -1);
	assert_null(s);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, message);
}

static const char *const names[] = { "empty", "simple", "common", "wide", "blocks" };

static void test_types_are_those_of_go(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *pb = xasprintf("schema-%s.pb", names[i]);
		AUTO_FREE char *gob = xasprintf("schema-%s.gob", names[i]);
		AUTO_FREE char *json = xasprintf("schema-%s.json", names[i]);

		expect_type(read_file(*state, pb, schema_from_protobuf), json);
		expect_type(read_file(*state, gob, schema_from_gob), json);
	}
	expect_type(read_file(*state, "schema-kinds.gob", schema_from_gob), "schema-kinds.json");
}

static void test_both_encodings_give_one_tree(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *pb = xasprintf("schema-%s.pb", names[i]);
		AUTO_FREE char *gob = xasprintf("schema-%s.gob", names[i]);
		AUTO(strbuf) struct strbuf want = STRBUF_INIT;

		print(&want, read_file(*state, pb, schema_from_protobuf));
		expect_tree(read_file(*state, gob, schema_from_gob), want.buf);
	}
}

static void test_trees(void **state)
{
	expect_tree(read_file(*state, "schema-empty.pb", schema_from_protobuf), "{}");
	expect_tree(read_file(*state, "schema-common.gob", schema_from_gob),
		    "{boot_wait: attr boot_wait \"string\", cpus: attr! cpus \"number\", "
		    "numbers: attr numbers [\"map\",[\"list\",\"number\"]], "
		    "packer_build_name: attr packer_build_name \"string\", "
		    "packer_debug: attr packer_debug \"bool\", "
		    "packer_sensitive_variables: attr packer_sensitive_variables "
		    "[\"list\",\"string\"], "
		    "packer_user_variables: attr packer_user_variables [\"map\",\"string\"], "
		    "qemuargs: attr qemuargs [\"list\",[\"list\",\"string\"]], "
		    "renamed: attr! other_name \"bool\"}");
}

/* Those that only gob has. */
static void test_all_kinds(void **state)
{
	expect_tree(read_file(*state, "schema-kinds.gob", schema_from_gob),
		    "{attrs: attrs! attrs \"string\", "
		    "btuple: block-tuple btuple[2,0] {size: attr size \"number\"}, "
		    "deep: attr deep [\"tuple\",[\"bool\",[\"object\",{\"a\":[\"list\","
		    "[\"object\",{\"b\":[\"tuple\",[]]}]]}]]], "
		    "default: default attr d \"string\" else literal \"x\", "
		    "label: list label {name: label name#1}, "
		    "list: list list[1,300] {size: attr size \"number\"}, "
		    "literal: literal {\"n\":0.1,\"s\":\"\303\274\"}, "
		    "map: map map /k {size: attr size \"number\"}, "
		    "object: block-object object /k /l {size: attr size \"number\"}, "
		    "optional: attr optional [\"object\",{\"p\":\"bool\",\"q\":\"bool\"},[\"q\"]], "
		    "set: set set[0,2] {size: attr size \"number\"}, "
		    "tuple: tuple{attr! a \"string\", attr b [\"set\",\"number\"]}}");
}

static void test_gob_names_what_it_does_not_know(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	read_data(&bytes, "schema-unknown.gob");
	expect_refused(*state, schema_from_gob, (struct str){ bytes.buf, bytes.len },
		       "'x': 'e': a node of kind 'hcldec.ExprSpec', which is not known");
}

/* The longer name is what a plugin with a vendored library sends. */
static void test_gob_of_vendored_libraries(void **state)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	const struct spec *s = NULL;

	read_data(&bytes, "schema-simple.gob");
	strbuf_replace(&bytes, "\x10*hcldec.AttrSpec", "\x15*a/b/*hcldec.AttrSpec");
	assert_int_equal(schema_from_gob(bytes.buf, bytes.len, *state, &s, &err), 0);
	expect_tree(s, "{name: attr! name \"string\"}");
}

/* Whatever is cut off is missed, and nothing is read beyond it. */
static void test_cut_off(void **state)
{
	static const char *const files[] = { "schema-blocks.gob", "schema-kinds.gob",
					     "schema-blocks.pb" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
		read_fn fn = strstr(files[i], ".pb") ? schema_from_protobuf : schema_from_gob;

		read_data(&bytes, files[i]);
		for (size_t len = 0; len < bytes.len; len += 1 + len / 100) {
			AUTO_FREE char *part = xmemdup(bytes.buf, len);
			AUTO(arena) struct arena *arena = arena_new();
			AUTO(error) struct error *err = NULL;
			const struct spec *s = NULL;

			assert_int_equal(fn(part, len, arena, &s, &err), -1);
			assert_int_equal(err->kind, ERROR_INVALID);
		}
	}
}

/* A length-delimited field of a message. */
static struct str field(struct arena *arena, int number, struct str body)
{
	size_t head = body.len < 0x80 ? 2 : 3;
	unsigned char *p = arena_alloc(arena, head + body.len);

	assert_true(body.len < 0x4000);
	p[0] = (unsigned char)(number << 3 | 2);
	p[1] = (unsigned char)(body.len & 0x7f);
	if (head == 3) {
		p[1] |= 0x80;
		p[2] = (unsigned char)(body.len >> 7);
	}
	memcpy(p + head, body.p, body.len);
	return (struct str){ (char *)p, head + body.len };
}

static struct str join(struct arena *arena, struct str a, struct str b)
{
	char *p = arena_alloc(arena, a.len + b.len + 1);

	memcpy(p, a.p, a.len);
	memcpy(p + a.len, b.p, b.len);
	return (struct str){ p, a.len + b.len };
}

/* An object with the one entry `name`. */
static struct str object(struct arena *a, struct str name, struct str spec)
{
	return field(a, 1, field(a, 1, join(a, field(a, 1, name), field(a, 2, spec))));
}

static struct str attr(struct arena *a, struct str name, struct str type)
{
	return field(a, 2, join(a, field(a, 1, name), field(a, 2, type)));
}

static struct str primitive(struct arena *a, struct str name)
{
	return field(a, 1, field(a, 1, name));
}

static void test_protobuf_tolerates(void **state)
{
	struct arena *a = *state;
	struct str flag = attr(a, STR("a"), primitive(a, STR("cty.Bool")));
	struct str name = attr(a, STR("a"), primitive(a, STR("cty.String")));
	/* a varint, 8 bytes, 4 bytes and text in fields nobody knows */
	struct str unknown = STR("\x78\x01\x79"
				 "12345678"
				 "\x7d"
				 "1234"
				 "\x7a\x01"
				 "x");
	struct str in = join(a, object(a, STR("a"), join(a, name, flag)), unknown);
	AUTO(error) struct error *err = NULL;
	const struct spec *s = NULL;

	assert_int_equal(schema_from_protobuf(in.p, in.len, a, &s, &err), 0);
	expect_tree(s, "{a: attr a \"bool\"}");
}

static void test_protobuf_refused(void **state)
{
	struct arena *a = *state;
	struct str nothing = STR(""), name = STR("a"), flag = primitive(a, STR("cty.Bool"));
	char endless[257];

	memset(endless, 'a', sizeof(endless));

	const struct {
		struct str in;
		const char *want;
	} cases[] = {
		{ nothing, "a node that is none of object, attribute, block and block list" },
		{ STR("\x0a\x05"), "its bytes end in the middle of a field" },
		{ STR("\x0a"), "its bytes end in the middle of a field" },
		{ STR("\x09"
		      "1234567"),
		  "its bytes end in the middle of a field" },
		{ STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		  "a number of more than ten bytes" },
		{ STR("\x0b"), "a field of wire type 3" },
		{ object(a, nothing, attr(a, name, flag)), "an option without a name" },
		{ object(a, STR("a\n"), attr(a, name, flag)),
		  "the name of an option is no text of at most 256 bytes" },
		{ object(a, STR("\xff"), attr(a, name, flag)),
		  "the name of an option is no text of at most 256 bytes" },
		{ object(a, (struct str){ endless, sizeof(endless) }, attr(a, name, flag)),
		  "the name of an option is no text of at most 256 bytes" },
		{ object(a, name, nothing),
		  "'a': a node that is none of object, attribute, block and block list" },
		{ object(a, name, object(a, STR("b"), attr(a, nothing, flag))),
		  "'a': 'b': an option without a name" },
		{ object(a, name, attr(a, name, nothing)),
		  "'a': a type that is none of primitive, list and map" },
		{ object(a, name, attr(a, name, primitive(a, STR("cty.DynamicPseudoType")))),
		  "'a': a type that is none of string, number and bool" },
		{ attr(a, name, flag), "what it starts with is no object" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_refused(a, schema_from_protobuf, cases[i].in, cases[i].want);
}

static void test_protobuf_depth(void **state)
{
	struct arena *a = *state;
	struct str in = STR("\x0a\x00"), type = primitive(a, STR("cty.Bool"));

	for (int i = 0; i < 100; i++)
		in = field(a, 3, join(a, field(a, 1, STR("b")), field(a, 3, in)));
	expect_refused(a, schema_from_protobuf, in, "more than 64 levels");
	for (int i = 0; i < 100; i++)
		type = field(a, 2 + i % 2, field(a, 1, type));
	expect_refused(a, schema_from_protobuf, object(a, STR("a"), attr(a, STR("a"), type)),
		       "'a': a type of more than 64 levels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_types_are_those_of_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_encodings_give_one_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gob_names_what_it_does_not_know, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_gob_of_vendored_libraries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_protobuf_tolerates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_protobuf_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_protobuf_depth, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
