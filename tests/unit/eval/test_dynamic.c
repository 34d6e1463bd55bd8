/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "eval/eval.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const port_labels[] = { "name", "proto", NULL };
static const struct attr_schema rule_attrs[] = { { "value", false }, { NULL, false } };
static const struct block_schema rule_blocks[] = { { "inner", NULL }, { NULL, NULL } };
static const struct body_schema rule_schema = { rule_attrs, rule_blocks };
static const struct block_schema root_blocks[] = { { "rule", NULL },
						   { "port", port_labels },
						   { NULL, NULL } };
static const struct body_schema root_schema = { rule_attrs, root_blocks };

struct world {
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
	struct diags diags;
	struct content content;
};

static void set_text(struct world *w, const char *name, const char *expression)
{
	const struct source *src = sources_add(w->sources, "var", expression, strlen(expression));
	AUTO(value)
	struct value *v =
		eval_expr(parse_expression(src, w->arena, &w->diags), w->scope, &w->diags);

	scope_set(w->scope, name, v);
}

static void open_world(struct world *w, const char *text)
{
	*w = (struct world){ .sources = sources_new(),
			     .arena = arena_new(),
			     .scope = scope_new(NULL) };
	set_text(w, "list", "[\"a\", \"b\"]");
	set_text(w, "map", "{y = 2, x = 1}");
	AUTO(value) struct value *unknown = value_unknown(type_dynamic);
	scope_set(w->scope, "unknown", unknown);
	set_text(w, "secret", "[\"x\"]");
	AUTO(value)
	struct value *secret = value_mark_sensitive(scope_get(w->scope, "secret"), true);
	scope_set(w->scope, "secret", secret);
	assert_int_equal(w->diags.len, 0);

	const struct source *src = sources_add(w->sources, "t.hcl", text, strlen(text));
	struct body *body = parse_file(src, w->arena, &w->diags);
	assert_int_equal(w->diags.len, 0);
	body_content(body_expand_dynamic(w->arena, body, w->scope), &root_schema, w->arena,
		     &w->content, &w->diags);
}

static void close_world(struct world *w)
{
	diags_release(&w->diags);
	scope_free(w->scope);
	arena_free(w->arena);
	sources_free(w->sources);
}

/* `TYPE "label"… = VALUE { inner… }` of every block, one after the other. */
static void add_blocks(struct world *w, const struct content *c, struct strbuf *sb)
{
	for (size_t i = 0; i < c->block_count; i++) {
		const struct block *b = c->blocks[i];
		struct content inner = { 0 };

		strbuf_addf(sb, "%.*s", STR_FMT(b->type));
		for (size_t k = 0; k < b->label_count; k++)
			strbuf_addf(sb, " %.*s", STR_FMT(b->labels[k]));
		body_content(b->body, &rule_schema, w->arena, &inner, &w->diags);
		if (content_attr(&inner, "value")) {
			AUTO(value)
			struct value *v =
				eval_expr(content_attr(&inner, "value")->expr, w->scope, &w->diags);

			strbuf_addch(sb, '=');
			if (value_is_known(v))
				value_format_json(sb, v);
			else
				strbuf_addch(sb, '?');
		}
		strbuf_addstr(sb, " {");
		add_blocks(w, &inner, sb);
		strbuf_addch(sb, '}');
	}
}

static void expect_blocks(const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(strbuf) struct strbuf mistakes = STRBUF_INIT;
	struct world w;

	open_world(&w, text);
	add_blocks(&w, &w.content, &sb);
	if (w.diags.len > 0)
		diags_format_error(&mistakes, &w.diags);
	close_world(&w);
	assert_string_equal(mistakes.buf, "");
	assert_string_equal(sb.buf, want);
}

static void expect_mistake(const char *text, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct world w;

	open_world(&w, text);
	diags_format_error(&sb, &w.diags);
	close_world(&w);
	assert_string_equal(sb.buf, want);
}

static void test_blocks_stand_in_place(void **state)
{
	expect_blocks(
		"rule {\n value = 0\n}\n"
		"dynamic \"rule\" {\n for_each = list\n content {\n value = rule.value\n }\n}\n"
		"rule {\n value = 9\n}\n",
		"rule=0 {}rule=\"a\" {}rule=\"b\" {}rule=9 {}");
}

static void test_keys_and_iterators(void **state)
{
	expect_blocks("dynamic \"rule\" {\n for_each = map\n iterator = it\n content {\n"
		      " value = \"${it.key}=${it.value}\"\n }\n}\n",
		      "rule=\"x=1\" {}rule=\"y=2\" {}");
	expect_blocks("dynamic \"rule\" {\n for_each = list\n content {\n"
		      " value = \"${rule.key}\"\n }\n}\n",
		      "rule=0 {}rule=1 {}");
	expect_blocks("dynamic \"rule\" {\n for_each = []\n content {}\n}\n", "");
}

static void test_nesting_sees_outer_iterators(void **state)
{
	expect_blocks("dynamic \"rule\" {\n for_each = list\n content {\n"
		      " dynamic \"inner\" {\n for_each = [rule.value, \"z\"]\n content {\n"
		      " value = \"${rule.value}${inner.value}\"\n }\n }\n"
		      " inner {\n value = rule.key\n }\n }\n}\n",
		      "rule {inner=\"aa\" {}inner=\"az\" {}inner=0 {}}"
		      "rule {inner=\"bb\" {}inner=\"bz\" {}inner=1 {}}");
}

static void test_labels(void **state)
{
	expect_blocks("dynamic \"port\" {\n for_each = list\n"
		      " labels = [\"p-${port.value}\", 6]\n content {}\n}\n",
		      "port p-a 6 {}port p-b 6 {}");
	expect_mistake("dynamic \"port\" {\n for_each = list\n labels = [\"x\"]\n content {}\n}\n",
		       "t.hcl:3,11-16: Insufficient dynamic block labels; Blocks of type \"port\" "
		       "require 2 label(s).");
	expect_mistake(
		"dynamic \"port\" {\n for_each = list\n labels = [1, 2, 3]\n content {}\n}\n",
		"t.hcl:3,18-19: Extraneous dynamic block label; Blocks of type \"port\" "
		"require 2 label(s).");
	expect_mistake("dynamic \"port\" {\n for_each = [1]\n labels = [null, 1]\n content {}\n}\n",
		       "t.hcl:3,12-16: Invalid dynamic block label; Cannot use a null value as a "
		       "dynamic block label.");
	expect_mistake("dynamic \"port\" {\n for_each = [1]\n labels = [[], 1]\n content {}\n}\n",
		       "t.hcl:3,12-14: Invalid dynamic block label; Cannot use this value as a "
		       "dynamic block label: string required.");
	expect_mistake("dynamic \"port\" {\n for_each = unknown\n labels = [port.key, 1]\n"
		       " content {}\n}\n",
		       "t.hcl:3,12-20: Invalid dynamic block label; This value is not yet known. "
		       "Dynamic block labels must be immediately-known values.");
}

static void test_unknown_makes_one_unknown_block(void **state)
{
	expect_blocks("dynamic \"rule\" {\n for_each = unknown\n content {\n value = 5\n"
		      " inner {\n value = 6\n }\n }\n}\n",
		      "rule=? {inner=? {}}");
}

static void test_mistakes(void **state)
{
	expect_mistake(
		"dynamic \"rule\" {\n for_each = 5\n content {}\n}\n",
		"t.hcl:2,13-14: Invalid dynamic for_each value; Cannot use a number value in "
		"for_each. An iterable collection is required.");
	expect_mistake("dynamic \"rule\" {\n for_each = null\n content {}\n}\n",
		       "t.hcl:2,13-17: Invalid dynamic for_each value; Cannot use a null value in "
		       "for_each.");
	expect_mistake("dynamic \"rule\" {\n for_each = list\n iterator = a.b\n content {}\n}\n",
		       "t.hcl:3,13-16: Invalid dynamic iterator name; Dynamic iterator must be a "
		       "single variable name.");
	expect_mistake("dynamic \"rule\" {\n for_each = list\n}\n",
		       "t.hcl:1,16-16: Missing dynamic content block; A dynamic block must have a "
		       "nested block of type \"content\" to describe the body of each generated "
		       "block.");
	expect_mistake("dynamic \"rule\" {\n for_each = list\n content {}\n content {}\n}\n",
		       "t.hcl:4,2-9: Extraneous dynamic content block; Only one nested content "
		       "block is allowed for each dynamic block.");
	expect_mistake("dynamic \"rle\" {\n for_each = list\n content {}\n}\n",
		       "t.hcl:1,9-14: Unsupported block type; Blocks of type \"rle\" are not "
		       "expected here.");
}

static void test_marks_go_into_the_blocks(void **state)
{
	struct world w;
	struct content inner = { 0 };

	open_world(&w, "dynamic \"rule\" {\n for_each = secret\n content {\n"
		       " value = rule.value\n }\n}\n");
	assert_int_equal(w.diags.len, 0);
	assert_int_equal(w.content.block_count, 1);
	body_content(w.content.blocks[0]->body, &rule_schema, w.arena, &inner, &w.diags);
	AUTO(value)
	struct value *v = eval_expr(content_attr(&inner, "value")->expr, w.scope, &w.diags);
	assert_true(value_is_sensitive(v));
	close_world(&w);
}

static void test_partial_content_leaves_other_types(void **state)
{
	static const char text[] = "dynamic \"other\" {\n for_each = 5\n}\nrule {}\n";
	static const struct block_schema blocks[] = { { "rule", NULL }, { NULL, NULL } };
	struct sources *sources = sources_new();
	struct arena *arena = arena_new();
	struct diags diags = DIAGS_INIT;
	struct content c = { 0 };
	const struct source *src = sources_add(sources, "t.hcl", text, strlen(text));
	struct body *body = body_expand_dynamic(arena, parse_file(src, arena, &diags), NULL);

	body_partial_content(body, &(struct body_schema){ NULL, blocks }, arena, &c, &diags);
	assert_int_equal(diags.len, 0);
	assert_int_equal(c.block_count, 1);
	diags_release(&diags);
	arena_free(arena);
	sources_free(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_stand_in_place),
		cmocka_unit_test(test_keys_and_iterators),
		cmocka_unit_test(test_nesting_sees_outer_iterators),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_unknown_makes_one_unknown_block),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_marks_go_into_the_blocks),
		cmocka_unit_test(test_partial_content_leaves_other_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
