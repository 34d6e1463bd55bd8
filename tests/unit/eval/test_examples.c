/* SPDX-License-Identifier: Apache-2.0 */
/* The examples in the function table do what they say. */
#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/render.h"
#include "func/table.h"
#include "lang/parser.h"
#include "value/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
};

static int64_t fixed_time(void)
{
	return 1577934245000000000; /* 2020-01-02T03:04:05Z */
}

static const char *fixed_environment(const char *name)
{
	return "value";
}

static struct value *evaluate_text(struct world *w, const char *text, struct diags *diags)
{
	const struct source *src = sources_add(w->sources, "example", text, strlen(text));
	struct expr *e = parse_expression(src, w->arena, diags);

	return eval_expr(e, w->scope, diags);
}

/* The result is a literal, so a list is compared after it became one. */
static bool gives(const struct value *got, struct value *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *v = value_convert(want, value_type(got), &err);

	return v && value_is_wholly_known(got) && value_is_null(v) == value_is_null(got) &&
	       (value_is_null(v) || value_equal(v, got));
}

static bool example_holds(struct world *w, const struct func_def *def)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	if (!def->result)
		return true;
	AUTO(value) struct value *got = evaluate_text(w, def->example, &diags);
	AUTO(value) struct value *want = evaluate_text(w, def->result, &diags);
	if (diags_has_errors(&diags))
		diags_format_error(&why, &diags);
	else if (!gives(got, want))
		value_format_console(&why, got);
	else
		return true;
	printf("# %s is not %s but %s\n", def->example, def->result, why.buf);
	return false;
}

static void check_table(const struct func_def *const *table)
{
	struct world w = { sources_new(), arena_new(), scope_new(NULL) };
	struct func_world fw = { .base_dir = ".",
				 .cwd = "/work",
				 .home = "/home/user",
				 .start_time = fixed_time(),
				 .now = fixed_time,
				 .getenv = fixed_environment };
	unsigned failed = 0;

	render_enable(&fw, table);
	scope_set_functions(w.scope, table, &fw);
	for (size_t i = 0; table[i]; i++)
		failed += !example_holds(&w, table[i]);
	scope_free(w.scope);
	arena_free(w.arena);
	sources_free(w.sources);
	assert_int_equal(failed, 0);
}

static void test_builtin_examples(void **state)
{
	check_table(builtin_functions);
}

static void test_variable_default_examples(void **state)
{
	check_table(variable_default_functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_examples),
		cmocka_unit_test(test_variable_default_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
