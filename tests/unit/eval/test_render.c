/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/render.h"

#include "base/alloc.h"
#include "eval/eval.h"
#include "lang/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A templatefile() whose first argument is the text itself. */
static struct value *fn_templatefile(const struct func_call *call, struct error **err)
{
	return call->world->render(call->world, "nested.tpl", value_as_string(call->args[0]),
				   call->args[1], err);
}

static const struct param params[] = { { "path", &type_string, 0 }, { "vars", NULL, 0 }, { 0 } };
static const struct func_def row = { "templatefile", params, NULL, fn_templatefile };
static const struct func_def *const table[] = { &row, NULL };

static struct value *parse_vars(const char *text)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, "vars", text, strlen(text));

	return eval_expr(parse_expression(src, arena, &diags), NULL, &diags);
}

static struct value *render(const char *text, const char *vars, struct error **err)
{
	struct func_world w = { 0 };
	AUTO(value) struct value *v = parse_vars(vars);

	render_enable(&w, table);
	return w.render(&w, "x.tpl", text, v, err);
}

static void expect_json(const char *text, const char *vars, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(value) struct value *v = render(text, vars, &err);

	if (!v)
		fail_msg("%s", err->message);
	value_format_json(&sb, v);
	assert_string_equal(sb.buf, want);
}

static void expect_error(const char *text, const char *vars, enum error_kind kind, const char *want)
{
	AUTO(error) struct error *err = NULL;

	assert_null(render(text, vars, &err));
	assert_string_equal(err->message, want);
	assert_int_equal(err->kind, kind);
}

static void test_renders(void **state)
{
	expect_json("hello ${name}!\n", "{name = \"web\"}", "\"hello web!\\n\"");
	expect_json("%{ for p in ports ~}\nport ${p}\n%{ endfor ~}\n", "{ports = [1, 2]}",
		    "\"port 1\\nport 2\\n\"");
	expect_json("${list}", "{list = [1, 2]}", "[1,2]");
	expect_json("", "{}", "\"\"");
	expect_json("$${x}", "{}", "\"${x}\"");
}

static void test_names_are_checked(void **state)
{
	expect_error("x", "5", ERROR_INVALID, "invalid vars value: must be a map");
	expect_error("x", "{\"a b\" = 1}", ERROR_INVALID,
		     "invalid template variable name \"a b\": must start with a letter, followed "
		     "by zero or more letters, digits, and underscores");
	expect_error("a\n${b.c}", "{a = 1}", ERROR_INVALID,
		     "vars map does not contain key \"b\", referenced at x.tpl:2,3-4");
}

static void test_mistakes_in_the_template(void **state)
{
	expect_error("${", "{}", ERROR_FAILED,
		     "x.tpl:1,3-3: Missing expression; Expected the start of an expression, but "
		     "found the end of the file.");
	expect_error("a${b}", "{b = [1]}", ERROR_FAILED,
		     "x.tpl:1,4-5: Invalid template interpolation value; Cannot include the given "
		     "value in a string template: string required.");
	expect_error("${templatefile(\"x\", {})}", "{}", ERROR_FAILED,
		     "x.tpl:1,3-16: Error in function call; Call to function \"templatefile\" "
		     "failed: cannot recursively call templatefile from inside templatefile "
		     "call.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renders),
		cmocka_unit_test(test_names_are_checked),
		cmocka_unit_test(test_mistakes_in_the_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
