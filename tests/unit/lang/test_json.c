/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/json.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct source src;
	struct arena *arena;
	struct diags diags;
};

static void fixture_init(struct fixture *f, const char *text)
{
	*f = (struct fixture){ .src = { .name = "t.json", .text = text, .len = strlen(text) } };
	f->arena = arena_new();
}

static void fixture_release(struct fixture *f)
{
	arena_free(f->arena);
	diags_release(&f->diags);
}

/* Every diagnostic as `SUMMARY @RANGE`, a line each. */
static char *told(const struct diags *d)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < d->len; i++) {
		strbuf_addf(&sb, "%s%s @", i ? "\n" : "", d->items[i].summary);
		range_format(&sb, d->items[i].subject);
	}
	return strbuf_detach(&sb);
}

static void assert_told(const char *text, const char *want)
{
	struct fixture f;

	fixture_init(&f, text);
	json_parse(&f.src, JSON_TEMPLATES, f.arena, &f.diags);
	AUTO_FREE char *got = told(&f.diags);
	assert_string_equal(got, want);
	fixture_release(&f);
}

static void test_tree(void **state)
{
	static const char text[] =
		"{\"b\": [1.50, true, null], \"a\\u00e9\": \"x\\n\\ud83d\\ude00\","
		" \"b\": {}}";
	struct fixture f;
	struct json_member *m;

	(void)state;
	fixture_init(&f, text);
	const struct json_node *n = json_parse(&f.src, JSON_LITERALS, f.arena, &f.diags);

	assert_int_equal(f.diags.len, 0);
	assert_int_equal(n->kind, JSON_OBJECT);
	assert_int_equal(n->object.len, 3);
	m = (struct json_member *)n->object.members;
	assert_string_equal(m[0].name.p, "b");
	assert_int_equal(m[0].value->array.len, 3);
	assert_string_equal(m[0].value->array.items[0]->text.p, "1.50");
	assert_true(m[0].value->array.items[1]->boolean);
	assert_int_equal(m[0].value->array.items[2]->kind, JSON_NULL);
	assert_string_equal(m[1].name.p, "a\xc3\xa9");
	assert_string_equal(m[1].value->text.p, "x\n\xf0\x9f\x98\x80");
	assert_int_equal(m[2].value->kind, JSON_OBJECT);
	assert_ptr_equal(json_member(n, "b"), m[0].value);
	assert_null(json_member(n, "c"));
	assert_true(str_is(range_text(m[1].colon), ":"));
	assert_true(str_is(range_text(m[1].name_range), "\"a\\u00e9\""));
	assert_true(str_is(range_text(json_close(m[0].value)), "]"));
	fixture_release(&f);
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_told("", "Missing value @t.json:1,1-1");
	assert_told("{\"a\": 01}", "Invalid JSON number @t.json:1,7-9");
	assert_told("{\"a\": 1.}", "Invalid JSON number @t.json:1,7-9");
	assert_told("[\"\\u12g4\"]", "Invalid JSON string @t.json:1,8-9");
	assert_told("[\"a\tb\"]", "Invalid JSON string @t.json:1,4-5\n"
				  "Missing attribute seperator comma @t.json:1,9-9");
	assert_told("{\r\n\t\t\"a\": ;}", "Invalid start of value @t.json:2,10-11\n"
					  "Missing attribute seperator comma @t.json:2,11-11");
	assert_told("[1] 2", "Extraneous data after value @t.json:1,5-6");
	assert_told("{\"\xc3\xa9\": x}", "Invalid JSON keyword @t.json:1,7-8");
	/* What follows a mistake is read again where its object or array ends. */
	assert_told("{\"a\": [1,], \"b\": {\"c\": 1,}, \"d\": {e: 1}, \"f\": nope}",
		    "Trailing comma in array @t.json:1,9-10\n"
		    "Trailing comma in object @t.json:1,25-26\n"
		    "Invalid JSON keyword @t.json:1,35-36\n"
		    "Invalid object property name @t.json:1,35-36\n"
		    "Invalid JSON keyword @t.json:1,47-51");
	/* One mistake in each of two places: both are shown. */
	assert_told("{\"a\": {\"b\" 1}, \"c\": [nope]}",
		    "Missing property value colon @t.json:1,12-13\n"
		    "Invalid JSON keyword @t.json:1,22-26");
}

static void test_half_a_pair_and_bad_bytes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "[\"\\ud800x\", \"\\udc00\", \"a\xff\"]");
	const struct json_node *n = json_parse(&f.src, JSON_TEMPLATES, f.arena, &f.diags);

	assert_int_equal(f.diags.len, 0);
	assert_string_equal(n->array.items[0]->text.p, "\xef\xbf\xbdx");
	assert_string_equal(n->array.items[1]->text.p, "\xef\xbf\xbd");
	assert_string_equal(n->array.items[2]->text.p, "a\xef\xbf\xbd");
	fixture_release(&f);
}

static void test_depth_and_many_mistakes(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct fixture f;

	(void)state;
	strbuf_addchars(&text, '[', 100000);
	fixture_init(&f, text.buf);
	json_parse(&f.src, JSON_TEMPLATES, f.arena, &f.diags);
	assert_int_equal(f.diags.len, 1);
	assert_string_equal(f.diags.items[0].summary, "Too deeply nested");
	fixture_release(&f);

	strbuf_truncate(&text, 1);
	for (int i = 0; i < 10000; i++)
		strbuf_addstr(&text, "x,");
	fixture_init(&f, text.buf);
	json_parse(&f.src, JSON_TEMPLATES, f.arena, &f.diags);
	assert_int_equal(f.diags.len, 101);
	assert_string_equal(f.diags.items[100].summary, "Too many errors");
	fixture_release(&f);
}

static const char *const two_labels[] = { "type", "name", NULL };
static const struct attr_schema attrs[] = { { "size", true }, { "name", false }, { NULL, false } };
static const struct block_schema blocks[] = { { "disk", NULL },
					      { "source", two_labels },
					      { NULL, NULL } };
static const struct body_schema schema = { attrs, blocks };

/* The content of a file as text: arguments with their literal, blocks with labels. */
static char *content_text(const struct content *c)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < c->attr_count; i++)
		strbuf_addf(&sb, "%s=%.*s ", c->attrs[i]->name.p,
			    STR_FMT(range_text(c->attrs[i]->expr->range)));
	for (size_t i = 0; i < c->block_count; i++) {
		strbuf_addstr(&sb, c->blocks[i]->type.p);
		for (size_t k = 0; k < c->blocks[i]->label_count; k++)
			strbuf_addf(&sb, ".%s", c->blocks[i]->labels[k].p);
		strbuf_addf(&sb, "%.*s ", STR_FMT(range_text(c->blocks[i]->body->range)));
	}
	return strbuf_detach(&sb);
}

static void assert_content(const char *text, const char *want, const char *want_told)
{
	struct fixture f;
	struct content c = { 0 };

	fixture_init(&f, text);
	struct body *b = parse_json_file(&f.src, f.arena, &f.diags);
	body_content(b, &schema, f.arena, &c, &f.diags);
	AUTO_FREE char *got = content_text(&c);
	AUTO_FREE char *got_told = told(&f.diags);
	assert_string_equal(got, want);
	assert_string_equal(got_told, want_told);
	fixture_release(&f);
}

static void test_content(void **state)
{
	(void)state;
	assert_content("{\"size\": 1, \"//\": 5, \"disk\": [{\"a\": 1}, {}], \"name\": \"x\"}",
		       "size=1 name=\"x\" disk{\"a\": 1} disk{} ", "");
	assert_content("[{\"source\": {\"a\": {\"b\": {}, \"c\": [{}, {}]}}}, {\"size\": []}]",
		       "size=[] source.a.b{} source.a.c{} source.a.c{} ", "");
	assert_content("{\"size\": 1, \"disk\": null, \"source\": [{\"a\": [{\"b\": {}}]}]}",
		       "size=1 source.a.b{} ", "");
}

static void test_content_mistakes(void **state)
{
	(void)state;
	assert_content("{\"siez\": 1, \"size\": 1}", "size=1 ",
		       "Extraneous JSON object property @t.json:1,2-8");
	assert_content("{\"name\": 1, \"name\": 2}", "name=1 ",
		       "Duplicate argument @t.json:1,13-19\n"
		       "Missing required argument @t.json:1,22-23");
	assert_content("[{\"size\": 1}, 5]", "size=1 ",
		       "Incorrect JSON value type @t.json:1,15-16");
	assert_content("{\"size\": 1, \"disk\": 5}", "size=1 ",
		       "Incorrect JSON value type @t.json:1,21-22");
	assert_content("{\"size\": 1, \"source\": {\"a\": {}}}", "size=1 ",
		       "Missing block label @t.json:1,29-30");
	assert_content("{\"size\": 1, \"source\": {\"a\": [\"b\"]}}", "size=1 ",
		       "Incorrect JSON value type @t.json:1,30-33\n"
		       "Missing block label @t.json:1,29-30");
	assert_content("5", "",
		       "Root value must be object @t.json:1,1-2\n"
		       "Missing required argument @t.json:1,1-2");
}

/* As many mistakes as properties are told up to a point, whatever they are. */
static void test_content_of_many_mistakes(void **state)
{
	static const char *const items[] = { "\"x\": 1", "\"name\": 1", "\"disk\": 1",
					     "\"source\": {\"a\": 1}" };

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		struct fixture f;
		struct content c = { 0 };

		strbuf_addstr(&text, "{\"size\": 1");
		for (int i = 0; i < 10000; i++)
			strbuf_addf(&text, ", %s", items[k]);
		strbuf_addstr(&text, "}");
		fixture_init(&f, text.buf);
		struct body *b = parse_json_file(&f.src, f.arena, &f.diags);
		body_content(b, &schema, f.arena, &c, &f.diags);
		assert_in_range(f.diags.len, 100, 102);
		assert_string_equal(f.diags.items[f.diags.len - 1].summary, "Too many errors");
		fixture_release(&f);
	}
}

static void test_literal_reading_has_no_comments(void **state)
{
	struct fixture f;
	struct content c = { 0 };

	(void)state;
	fixture_init(&f, "{\"//\": 1, \"a\": \"${b}\"}");
	const struct json_node *n = json_parse(&f.src, JSON_LITERALS, f.arena, &f.diags);
	body_attributes(json_body(n, f.arena), f.arena, &c, &f.diags);
	assert_int_equal(f.diags.len, 0);
	assert_int_equal(c.attr_count, 2);
	assert_false(json_has_sequences(c.attrs[1]->expr->json));
	fixture_release(&f);
}

static void add_range(void *data, const struct expr *traversal)
{
	range_format(data, traversal->range);
	strbuf_addch(data, ' ');
}

/* Escapes do not move what stands behind them. */
static void test_places_in_texts(void **state)
{
	AUTO(strbuf) struct strbuf found = STRBUF_INIT;
	struct fixture f;

	(void)state;
	fixture_init(&f,
		     "{\"\\t${k}\": "
		     "[\"${a.b}\",\n\"\\\"\\n\\u00e9\\ud83d\\ude00${c[0]}\\t${d[\\\"e\\\"]}\"]}");
	struct body *b = parse_json_file(&f.src, f.arena, &f.diags);
	body_walk_references(b, add_range, &found);
	assert_string_equal(found.buf,
			    "t.json:1,7-8 t.json:1,16-19 t.json:2,26-30 t.json:2,35-43 ");
	fixture_release(&f);
}

static void test_places_far_away(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT, found = STRBUF_INIT;
	struct fixture f;

	(void)state;
	strbuf_addstr(&text, "{\"a\": \"\\n");
	for (int i = 0; i < 1000; i++)
		strbuf_addstr(&text, "\xc3\xa9"
				     "abcdef");
	strbuf_addstr(&text, "${x}\"}");
	fixture_init(&f, text.buf);
	struct body *b = parse_json_file(&f.src, f.arena, &f.diags);
	body_walk_references(b, add_range, &found);
	assert_string_equal(found.buf, "t.json:1,7012-7013 ");
	fixture_release(&f);

	/* Bytes that are no UTF-8 take a column each; what replaces them is longer. */
	strbuf_truncate(&found, 0);
	fixture_init(&f, "[\"\xff\xff\xff\xff${x}\"]");
	b = parse_json_file(&f.src, f.arena, &f.diags);
	body_walk_references(b, add_range, &found);
	assert_string_equal(found.buf, "t.json:1,9-10 ");
	fixture_release(&f);
}

static void test_static_reading(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "[\" string \", \"list(string)\", \"1 +\", [\"a\"], \"a-b\", \"\", 5]");
	const struct json_node *n = json_parse(&f.src, JSON_TEMPLATES, f.arena, &f.diags);
	const struct expr *e[7];

	for (size_t i = 0; i < 7; i++)
		e[i] = json_expr(n->array.items[i], f.arena);
	assert_true(str_is(expr_keyword(e[0]), "string"));
	assert_int_equal(expr_keyword(e[1]).len, 0);
	assert_int_equal(expr_static(e[1], f.arena)->kind, EXPR_CALL);
	assert_ptr_equal(expr_static(e[2], f.arena), e[2]);
	assert_int_equal(expr_static(e[3], f.arena)->kind, EXPR_TUPLE);
	assert_true(str_is(expr_keyword(e[4]), "a-b"));
	assert_int_equal(expr_keyword(e[5]).len, 0);
	assert_int_equal(expr_keyword(e[6]).len, 0);
	fixture_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_half_a_pair_and_bad_bytes),
		cmocka_unit_test(test_depth_and_many_mistakes),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_content_mistakes),
		cmocka_unit_test(test_content_of_many_mistakes),
		cmocka_unit_test(test_literal_reading_has_no_comments),
		cmocka_unit_test(test_places_in_texts),
		cmocka_unit_test(test_places_far_away),
		cmocka_unit_test(test_static_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
