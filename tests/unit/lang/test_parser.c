/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/parser.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What one test parses, released together. */
struct fixture {
	struct sources *sources;
	struct arena *arena;
	struct diags diags;
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	f->sources = sources_new();
	f->arena = arena_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	diags_release(&f->diags);
	arena_free(f->arena);
	sources_free(f->sources);
	free(f);
	return 0;
}

static const struct source *source(struct fixture *f, const char *text)
{
	return sources_add(f->sources, "x.hcl", text, strlen(text));
}

static struct expr *expression(struct fixture *f, const char *text)
{
	struct expr *e = parse_expression(source(f, text), f->arena, &f->diags);

	assert_int_equal(f->diags.len, 0);
	return e;
}

/* The text of a template that has only literals. */
static const char *literal(struct fixture *f, const char *text)
{
	struct expr *e = expression(f, text);

	assert_int_equal(e->kind, EXPR_TEMPLATE);
	if (e->template->len == 0)
		return "";
	assert_int_equal(e->template->len, 1);
	assert_int_equal(e->template->parts[0].kind, PART_LITERAL);
	return e->template->parts[0].literal.p;
}

static void test_precedence(void **state)
{
	struct expr *e = expression(*state, "1 + 2 * -3 == x && !y || z");

	assert_int_equal(e->op.op, OP_OR);
	e = e->op.left;
	assert_int_equal(e->op.op, OP_AND);
	assert_int_equal(e->op.right->op.op, OP_NOT);
	e = e->op.left;
	assert_int_equal(e->op.op, OP_EQ);
	e = e->op.left;
	assert_int_equal(e->op.op, OP_ADD);
	assert_int_equal(e->op.right->op.op, OP_MUL);
	assert_int_equal(e->op.right->op.right->op.op, OP_NEGATE);
	e = expression(*state, "8 - 4 - 2");
	assert_int_equal(e->op.left->kind, EXPR_BINARY);
	e = expression(*state, "a ? 1 : b ? 2 : 3");
	assert_int_equal(e->conditional.no->kind, EXPR_CONDITIONAL);
}

static void test_traversals(void **state)
{
	struct expr *e = expression(*state, "a.b[0].c.1");

	assert_int_equal(e->kind, EXPR_INDEX);
	assert_true(e->index.is_legacy);
	e = e->index.object;
	assert_string_equal(e->attr.name.p, "c");
	assert_true(str_is(range_text(e->attr.name_range), ".c"));
	e = e->attr.object;
	assert_false(e->index.is_legacy);
	assert_true(str_is(range_text(e->index.bracket), "[0]"));
	e = expression(*state, "-a.b");
	assert_int_equal(e->op.left->kind, EXPR_ATTR);
}

static void test_splats(void **state)
{
	struct expr *e = expression(*state, "a.*.b[0]");

	/* An index ends an attribute-only splat and applies to its result … */
	assert_int_equal(e->kind, EXPR_INDEX);
	assert_int_equal(e->index.object->kind, EXPR_SPLAT);
	/* … and belongs to each element of a full one. */
	e = expression(*state, "a[*].b[0]");
	assert_int_equal(e->kind, EXPR_SPLAT);
	assert_int_equal(e->splat.each->kind, EXPR_INDEX);
	assert_int_equal(e->splat.each->index.object->attr.object->kind, EXPR_SPLAT_ITEM);
}

static void test_object_keys(void **state)
{
	struct expr *e = expression(*state, "{a = 1, null : 2, (b) = 3, \"c\" = 4\n d.e = 5\n}");
	struct object_item *items = e->object.items;

	assert_int_equal(e->object.len, 5);
	assert_true(items[0].key_is_bare);
	assert_true(items[1].key_is_bare);
	assert_string_equal(items[1].key->template->parts[0].literal.p, "null");
	assert_false(items[2].key_is_bare);
	assert_int_equal(items[2].key->kind, EXPR_PARENS);
	assert_false(items[3].key_is_bare);
	assert_true(items[4].key_is_ambiguous);
}

static void test_for(void **state)
{
	struct expr *e = expression(*state, "{for k, v in m : k => v... if v}");

	assert_int_equal(e->kind, EXPR_FOR);
	assert_true(e->for_->is_object && e->for_->group);
	assert_string_equal(e->for_->key_name.p, "k");
	assert_string_equal(e->for_->value_name.p, "v");
	assert_non_null(e->for_->condition);
	e = expression(*state, "[for v in l : v]");
	assert_int_equal(e->for_->key_name.len, 0);
	assert_null(e->for_->key);
}

static void test_calls(void **state)
{
	struct expr *e = expression(*state, "a::b(1, [2]...)");

	assert_string_equal(e->call.name.p, "a::b");
	assert_int_equal(e->call.len, 2);
	assert_true(e->call.expand_last);
	assert_int_equal(expression(*state, "f(1,\n2,\n)")->call.len, 2);
}

static void test_literals(void **state)
{
	assert_string_equal(literal(*state, "\"\""), "");
	assert_string_equal(literal(*state, "\"a\\n\\t\\\"\\\\\\u00e9\\U0001F600\""),
			    "a\n\t\"\\\xc3\xa9\xf0\x9f\x98\x80");
	assert_string_equal(literal(*state, "\"$${x} %%{y} $ % $$ $$${1}\""),
			    "${x} %{y} $ % $$ $${1}");
	assert_string_equal(literal(*state, "<<E\na \\n $${b}\r\nE2\nE x\n  E \n"),
			    "a \\n ${b}\r\nE2\nE x\n");
	assert_string_equal(literal(*state, "<<E\nE\n"), "");
}

static void test_flush(void **state)
{
	assert_string_equal(literal(*state, "<<-E\n    a\n\n      b\n    c\nE\n"), "a\n\n  b\nc\n");
	assert_string_equal(literal(*state, "<<-E\n\ta\n\t\tb\nE\n"), "a\n\tb\n");
	assert_string_equal(literal(*state, "<<-E\n  a\nb\nE\n"), "  a\nb\n");
}

static void test_strip_markers(void **state)
{
	struct expr *e = expression(*state, "<<E\na\n\n\n  ${~ 1 ~}  \n\n  b\nE\n");
	const struct template *t = e->template;

	/* Only the adjacent piece of a line is stripped (language.md 4.1). */
	assert_int_equal(t->len, 3);
	assert_string_equal(t->parts[0].literal.p, "a\n\n\n");
	assert_string_equal(t->parts[2].literal.p, "\n  b\n");
}

static void test_directives(void **state)
{
	struct expr *e = expression(
		*state, "\"%{ if a }x%{ else }${y}%{ endif }%{ for k, v in m }%{ endfor }\"");
	const struct template_part *part = e->template->parts;

	assert_int_equal(e->template->len, 2);
	assert_int_equal(part[0].kind, PART_IF);
	assert_string_equal(part[0].body->parts[0].literal.p, "x");
	assert_int_equal(part[0].otherwise->parts[0].kind, PART_INTERPOLATION);
	assert_int_equal(part[1].kind, PART_FOR);
	assert_string_equal(part[1].key_name.p, "k");
	assert_int_equal(part[1].body->len, 0);
}

static void test_bodies(void **state)
{
	struct fixture *f = *state;
	const char *text = "# c\na = 1 // d\nb \"x\" y { c = 2 }\nd {\n  e = <<E\nt\nE\n}";
	struct body *b = parse_file(source(f, text), f->arena, &f->diags);

	assert_int_equal(f->diags.len, 0);
	assert_int_equal(b->len, 3);
	assert_string_equal(b->items[0].attribute->name.p, "a");
	assert_int_equal(b->items[1].block->label_count, 2);
	assert_string_equal(b->items[1].block->labels[1].p, "y");
	assert_true(str_is(range_text(b->items[1].block->header), "b \"x\" y"));
	assert_int_equal(b->items[2].block->body->len, 1);
}

/* A text of `n` copies of `unit`, and its closing. */
static char *repeat(const char *head, const char *unit, size_t n, const char *middle,
		    const char *tail_unit, const char *tail)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, head);
	for (size_t i = 0; i < n; i++)
		strbuf_addstr(&sb, unit);
	strbuf_addstr(&sb, middle);
	for (size_t i = 0; i < n; i++)
		strbuf_addstr(&sb, tail_unit);
	strbuf_addstr(&sb, tail);
	return strbuf_detach(&sb);
}

static void test_depth_is_limited(void **state)
{
	static const struct {
		const char *unit, *middle, *close;
	} shapes[] = {
		{ "(", "1", ")" },
		{ "[", "1", "]" },
		{ "{ a = ", "1", "}" },
		{ "f(", "1", ")" },
		{ "\"${", "1", "}\"" },
		{ "!", "true", "" },
		{ "x[", "1", "]" },
		{ "a ? b : ", "c", "" },
		{ "", "a", "[*]" },
		{ "1 + ", "2", "" },
		{ "[for a in b: ", "1", "]" },
		{ "", "a", ".b" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		AUTO_FREE char *deep = repeat("v = ", shapes[i].unit, 100000, shapes[i].middle,
					      shapes[i].close, "\n");
		AUTO_FREE char *fine = repeat("v = ", shapes[i].unit, 100, shapes[i].middle,
					      shapes[i].close, "\n");

		parse_file(source(f, fine), f->arena, &f->diags);
		assert_int_equal(f->diags.len, 0);
		parse_file(source(f, deep), f->arena, &f->diags);
		assert_int_equal(f->diags.len, 1);
		diags_release(&f->diags);
	}
}

static void test_nested_blocks_and_directives_are_limited(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE char *blocks = repeat("", "b {\n", 5000, "", "}\n", "");
	AUTO_FREE char *directives = repeat("v = \"", "%{ if a }", 5000, "x", "%{ endif }", "\"\n");

	parse_file(source(f, blocks), f->arena, &f->diags);
	assert_int_equal(f->diags.len, 1);
	assert_string_equal(f->diags.items[0].summary, "Too deeply nested");
	diags_release(&f->diags);
	parse_file(source(f, directives), f->arena, &f->diags);
	assert_int_equal(f->diags.len, 1);
	assert_string_equal(f->diags.items[0].summary, "Too deeply nested");
}

static void test_errors_are_limited(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE char *text = repeat("", "a = = 1\n", 5000, "", "", "");

	parse_file(source(f, text), f->arena, &f->diags);
	assert_int_equal(f->diags.len, 101);
	assert_string_equal(f->diags.items[100].summary, "Too many errors");
}

static void test_columns_count_graphemes(void **state)
{
	struct fixture *f = *state;

	/* e + combining acute, a flag of two code points: one column each */
	parse_file(source(f, "a = [\"e\xcc\x81\xf0\x9f\x87\xac\xf0\x9f\x87\xa7\" 1]"), f->arena,
		   &f->diags);
	assert_int_equal(f->diags.len, 1);
	assert_int_equal(f->diags.items[0].subject.start.column, 11);
	assert_int_equal(f->diags.items[0].subject.start.byte, 19);
}

static void test_template_in_place(void **state)
{
	struct fixture *f = *state;
	const struct source *src = source(f, "xxx\n  ${a} ${ }yy");
	struct range at = { src, { 2, 3, 6 }, { 2, 14, 15 } };

	parse_template_at(src, at, f->arena, &f->diags);
	assert_int_equal(f->diags.len, 1);
	assert_int_equal(f->diags.items[0].subject.start.line, 2);
	assert_int_equal(f->diags.items[0].subject.start.column, 11);
	assert_int_equal(f->diags.items[0].subject.start.byte, 14);
}

static void test_not_utf8(void **state)
{
	struct fixture *f = *state;

	parse_file(source(f, "a = \"\xff\"\nb = \xfe\n"), f->arena, &f->diags);
	assert_true(f->diags.len >= 1);
	assert_string_equal(f->diags.items[0].summary, "Invalid character encoding");
}

static void add_reference(void *data, const struct expr *e)
{
	struct str text = range_text(e->range);

	strbuf_add(data, text.p, text.len);
	strbuf_addch(data, ' ');
}

static void test_references(void **state)
{
	AUTO(strbuf) struct strbuf found = STRBUF_INIT;
	struct expr *e =
		expression(*state, "f(a.b[c.d].e, \"${g}%{ for i in j }${i}${k}%{ endfor }\","
				   "[for l in m.n : l.o + p], {q = (r), s.t = u[*].v})");

	expr_walk_references(e, add_reference, &found);
	assert_string_equal(found.buf, "a.b c.d g j k m.n p r s.t u ");
}

static void test_keywords(void **state)
{
	assert_true(str_is(expr_keyword(expression(*state, "string")), "string"));
	assert_true(str_is(expr_keyword(expression(*state, "null")), "null"));
	assert_int_equal(expr_keyword(expression(*state, "a.b")).len, 0);
	assert_int_equal(expr_keyword(expression(*state, "\"a\"")).len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_precedence),
		TEST(test_traversals),
		TEST(test_splats),
		TEST(test_object_keys),
		TEST(test_for),
		TEST(test_calls),
		TEST(test_literals),
		TEST(test_flush),
		TEST(test_strip_markers),
		TEST(test_directives),
		TEST(test_bodies),
		TEST(test_depth_is_limited),
		TEST(test_nested_blocks_and_directives_are_limited),
		TEST(test_errors_are_limited),
		TEST(test_columns_count_graphemes),
		TEST(test_template_in_place),
		TEST(test_not_utf8),
		TEST(test_references),
		TEST(test_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
