/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/body.h"

#include "base/alloc.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct attr_schema attrs[] = { { "name", true }, { "other", false }, { NULL, false } };
static const char *const labels[] = { "type", "name", NULL };
static const struct block_schema blocks[] = {
	{ "plain", NULL },
	{ "pair", labels },
	{ NULL, NULL },
};
static const struct body_schema schema = { attrs, blocks };

struct fixture {
	struct sources *sources;
	struct arena *arena;
	struct diags diags;
	struct content content;
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

static struct body *parse(struct fixture *f, const char *text)
{
	const struct source *src = sources_add(f->sources, "x.hcl", text, strlen(text));
	struct body *b = parse_file(src, f->arena, &f->diags);

	assert_int_equal(f->diags.len, 0);
	return b;
}

/* Diagnostic i is `LINE,COL: SUMMARY / DETAIL`. */
static void expect(struct fixture *f, size_t i, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	assert_true(i < f->diags.len);
	strbuf_addf(&sb, "%d,%d: %s / %s", f->diags.items[i].subject.start.line,
		    f->diags.items[i].subject.start.column, f->diags.items[i].summary,
		    f->diags.items[i].detail);
	assert_string_equal(sb.buf, want);
}

static void test_content(void **state)
{
	struct fixture *f = *state;
	struct body *b = parse(f, "pair \"a\" \"b\" {}\nother = 1\nname = 2\nplain {}\n");

	body_content(b, &schema, f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 0);
	assert_int_equal(f->content.attr_count, 2);
	assert_string_equal(f->content.attrs[0]->name.p, "other");
	assert_ptr_equal(content_attr(&f->content, "name"), f->content.attrs[1]);
	assert_null(content_attr(&f->content, "plain"));
	assert_int_equal(f->content.block_count, 2);
	assert_string_equal(f->content.blocks[1]->type.p, "plain");
}

static void test_unknown_names(void **state)
{
	struct fixture *f = *state;
	struct body *b =
		parse(f, "name = 1\nothr = 2\nplan {}\nnam = 3\nplain = 1\nname {}\nzzz {}\n");

	body_content(b, &schema, f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 6);
	expect(f, 0,
	       "2,1: Unsupported argument / An argument named \"othr\" is not expected here. "
	       "Did you mean \"other\"?");
	expect(f, 1, "4,1: Unsupported argument / An argument named \"nam\" is not expected here.");
	expect(f, 2,
	       "5,1: Unsupported argument / An argument named \"plain\" is not expected here. "
	       "Did you mean to define a block of type \"plain\"?");
	expect(f, 3,
	       "3,1: Unsupported block type / Blocks of type \"plan\" are not expected here. "
	       "Did you mean \"plain\"?");
	expect(f, 4,
	       "6,1: Unsupported block type / Blocks of type \"name\" are not expected here. "
	       "Did you mean to define argument \"name\"? If so, use the equals sign to "
	       "assign it a value.");
	expect(f, 5, "7,1: Unsupported block type / Blocks of type \"zzz\" are not expected here.");
}

static void test_partial_ignores_unknown_names(void **state)
{
	struct fixture *f = *state;

	body_partial_content(parse(f, "name = 1\nx = 2\ny {}\n"), &schema, f->arena, &f->content,
			     &f->diags);
	assert_int_equal(f->diags.len, 0);
	assert_int_equal(f->content.attr_count, 1);
}

static void test_missing_and_labels(void **state)
{
	struct fixture *f = *state;
	struct body *b = parse(f, "pair \"a\" {}\npair \"a\" \"b\" \"c\" {}\nplain \"x\" {}\n");

	body_content(b, &schema, f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 4);
	expect(f, 0,
	       "1,1: Missing required argument / The argument \"name\" is required, but no "
	       "definition was found.");
	expect(f, 1,
	       "1,10: Missing name for pair / All pair blocks must have 2 labels (type, name).");
	expect(f, 2,
	       "2,14: Extraneous label for pair / Only 2 labels (type, name) are expected for "
	       "pair blocks.");
	expect(f, 3, "3,7: Extraneous label for plain / No labels are expected for plain blocks.");
	assert_int_equal(f->content.block_count, 0);
}

static void test_attributes_only(void **state)
{
	struct fixture *f = *state;

	body_attributes(parse(f, "a = 1\nb {}\nc {}\nd = 2\n"), f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 1);
	expect(f, 0, "2,1: Unexpected \"b\" block / Blocks are not allowed here.");
	assert_int_equal(f->content.attr_count, 2);
}

static void test_merge(void **state)
{
	struct fixture *f = *state;
	struct body *both =
		parse(f, "a {\n  name = 1\n  plain {}\n}\nb {\n  other = 1\n  plain {}\n}\n");
	struct body *m =
		body_merge(f->arena, both->items[0].block->body, both->items[1].block->body);

	body_content(m, &schema, f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 0);
	assert_int_equal(f->content.attr_count, 2);
	assert_int_equal(f->content.block_count, 2);
}

static void test_merge_conflicts(void **state)
{
	struct fixture *f = *state;
	struct body *both = parse(f, "a {\n  other = 1\n}\nb {\n  other = 2\n}\n");
	struct body *m =
		body_merge(f->arena, both->items[0].block->body, both->items[1].block->body);

	body_content(m, &schema, f->arena, &f->content, &f->diags);
	assert_int_equal(f->diags.len, 2);
	expect(f, 0, "5,3: Duplicate argument / Argument \"other\" was already set at x.hcl:2,3-8");
	expect(f, 1,
	       "4,3: Missing required argument / The argument \"name\" is required, but was "
	       "not set.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_content),
		TEST(test_unknown_names),
		TEST(test_partial_ignores_unknown_names),
		TEST(test_missing_and_labels),
		TEST(test_attributes_only),
		TEST(test_merge),
		TEST(test_merge_conflicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
