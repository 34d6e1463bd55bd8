/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/eval.h"

#include "base/alloc.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct sources *sources;
	struct arena *arena;
	struct diags diags;
};

static void world_open(struct world *w)
{
	*w = (struct world){ .sources = sources_new(), .arena = arena_new() };
}

static void world_close(struct world *w)
{
	diags_release(&w->diags);
	arena_free(w->arena);
	sources_free(w->sources);
}

static struct expr *parse(struct world *w, const char *text)
{
	return parse_expression(sources_add(w->sources, "t", text, strlen(text)), w->arena,
				&w->diags);
}

static void expect_mistake(struct world *w, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	assert_true(w->diags.len > 0);
	diags_format_error(&sb, &w->diags);
	assert_string_equal(sb.buf, want);
	diags_release(&w->diags);
}

static void test_scopes_nest(void **state)
{
	AUTO(scope) struct scope *outer = scope_new(NULL);
	AUTO(scope) struct scope *inner = scope_new(outer);
	AUTO(value) struct value *one = value_int(1);
	AUTO(value) struct value *two = value_int(2);

	scope_set(outer, "a", one);
	scope_set(outer, "b", one);
	scope_set(inner, "a", two);
	assert_ptr_equal(scope_get(inner, "a"), two);
	assert_ptr_equal(scope_get(inner, "b"), one);
	assert_ptr_equal(scope_get(outer, "a"), one);
	assert_null(scope_get(inner, "c"));
	assert_null(scope_get(NULL, "a"));
}

static void test_functions_are_inherited(void **state)
{
	static const struct func_def *const table[] = { NULL };
	static const struct func_world world = { 0 };
	AUTO(scope) struct scope *outer = scope_new(NULL);
	AUTO(scope) struct scope *inner = scope_new(outer);
	const struct func_world *found;

	assert_null(scope_functions(inner, &found));
	scope_set_functions(outer, table, &world);
	assert_ptr_equal(scope_functions(inner, &found), table);
	assert_ptr_equal(found, &world);
}

static void test_without_a_scope(void **state)
{
	AUTO(scope) struct scope *empty = scope_new(NULL);
	struct world w;

	world_open(&w);
	value_unref(eval_expr(parse(&w, "var.x"), NULL, &w.diags));
	expect_mistake(&w, "t:1,1-4: Variables not allowed; Variables may not be used here.");
	value_unref(eval_expr(parse(&w, "var.x"), empty, &w.diags));
	expect_mistake(&w, "t:1,1-4: Variables not allowed; Variables may not be used here.");
	value_unref(eval_expr(parse(&w, "f(1)"), empty, &w.diags));
	expect_mistake(&w, "t:1,1-5: Function calls not allowed; Functions may not be called "
			   "here.");
	world_close(&w);
}

static void test_eval_as(void **state)
{
	struct world w;

	world_open(&w);
	AUTO(value) struct value *n = eval_expr_as(parse(&w, "\"5\""), NULL, type_number, &w.diags);
	assert_int_equal(w.diags.len, 0);
	assert_true(value_type(n) == type_number && value_is_known(n));

	AUTO(value) struct value *bad = eval_expr_as(parse(&w, "[1]"), NULL, type_string, &w.diags);
	assert_false(value_is_known(bad));
	assert_ptr_equal(value_type(bad), type_string);
	expect_mistake(&w, "t:1,1-2: Unsuitable value type; Unsuitable value: string required");
	world_close(&w);
}

static void add_times(struct strbuf *sb, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addstr(sb, text);
}

/* Whatever the parser lets through must evaluate without a deep recursion of ours. */
static void expect_survives(const char *start, const char *repeated, size_t n, const char *end)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct world w;

	world_open(&w);
	strbuf_addstr(&sb, start);
	add_times(&sb, repeated, n);
	strbuf_addstr(&sb, end);
	struct expr *e = parse(&w, sb.buf);
	value_unref(eval_expr(e, NULL, &w.diags));
	world_close(&w);
}

static void test_deep_and_long_expressions(void **state)
{
	expect_survives("1", " + 1", 100000, "");
	expect_survives("null", ".a", 100000, "");
	expect_survives("null", "[0]", 100000, "");
	expect_survives("null", ".*.a", 100000, "");
	expect_survives("null", "[*]", 100000, "");
	expect_survives("", "(", 500, "1");
	expect_survives("", "[", 500, "1");
	expect_survives("", "-", 500, "1");
	expect_survives("", "true ? 1 : ", 500, "2");
	expect_survives("", "\"${", 400, "1");
	expect_survives("", "[for x in [1] : ", 400, "x");
}

static void expect_deep(size_t depth, const char *open, const char *close)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct world w;

	world_open(&w);
	add_times(&sb, open, depth);
	strbuf_addstr(&sb, "1");
	add_times(&sb, close, depth);
	AUTO(value) struct value *v = eval_expr(parse(&w, sb.buf), NULL, &w.diags);
	assert_int_equal(w.diags.len, 0);
	assert_true(value_is_known(v));
	world_close(&w);
}

static void test_nesting_to_the_limit(void **state)
{
	expect_deep(400, "(", ")");
	expect_deep(400, "[", "]");
	expect_deep(400, "{a = ", "}");
	expect_deep(100, "[for x in [1] : ", "]");
	expect_deep(100, "\"${", "}\"");
	expect_deep(100, "true ? ", " : 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes_nest),
		cmocka_unit_test(test_functions_are_inherited),
		cmocka_unit_test(test_without_a_scope),
		cmocka_unit_test(test_eval_as),
		cmocka_unit_test(test_deep_and_long_expressions),
		cmocka_unit_test(test_nesting_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
