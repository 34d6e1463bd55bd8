/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the conformance data of expressions, templates and type constraints,
 * where the folder with it is at hand (INGOT_CONFORMANCE): results, and every
 * diagnostic with its texts and places. `console FILE` are the lines in a file
 * that were typed into the released program's console, and what it printed.
 *
 *   conform_expr [-v] [SUITE…]     -v: print the failures
 */
#include "typed.h"

#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/render.h"
#include "func/table.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP_EXIT = 77 };
enum verdict { PASSED, FAILED, SKIPPED };

/* One case, and what it needs while it runs. */
struct test_case {
	struct value *line;
	struct strbuf why;
	struct sources *sources;
	struct arena *arena;
	struct scope *scope; /* NULL: the case has none */
	struct diags diags;
	size_t parse_errors;
};

typedef enum verdict (*run_fn)(struct test_case *c);

static struct func_world world;

static int64_t now(void)
{
	return 1577934245000000000;
}

static const char *no_environment(const char *name)
{
	return NULL;
}

/* The case's own names for functions; false: one of them does not exist. */
static bool add_functions(struct test_case *c, const struct value *names)
{
	size_t n = value_len(names);
	const struct func_def **table = ARENA_ARRAY(c->arena, const struct func_def *, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct func_def *def =
			func_find(builtin_functions, value_as_string(value_at(names, i)));
		struct func_def *row = ARENA_NEW(c->arena, struct func_def);

		if (!def)
			return false;
		*row = *def;
		row->name = arena_strdup(c->arena, value_key_at(names, i));
		table[i] = row;
	}
	scope_set_functions(c->scope, table, &world);
	return true;
}

static bool fill_scope(struct test_case *c)
{
	struct value *vars = typed_get(c->line, "vars");
	struct value *funcs = typed_get(c->line, "funcs");

	if (vars || funcs)
		c->scope = scope_new(NULL);
	for (size_t i = 0; vars && i < value_len(vars); i++) {
		AUTO(value) struct value *v = typed_value(value_at(vars, i));

		scope_set(c->scope, value_key_at(vars, i), v);
	}
	return !funcs || add_functions(c, funcs);
}

/* A file that does not parse is not evaluated, so of such a case only the
 * first diagnostic is anybody's business. */
static bool check_diags(struct test_case *c, const struct value *want, bool has_context)
{
	size_t n = value_len(want);
	bool ok = c->parse_errors > 0 ? n > 0 : n == c->diags.len;

	for (size_t i = 0; ok && i < n && (i == 0 || c->parse_errors == 0); i++)
		ok = typed_same_diag(&c->diags.items[i], value_at(want, i), has_context);
	if (ok)
		return true;
	for (size_t i = 0; i < c->diags.len; i++)
		typed_describe_diag(&c->why, &c->diags.items[i]);
	strbuf_addstr(&c->why, "\n     want ");
	value_format_json(&c->why, want);
	return false;
}

static bool check_value(struct test_case *c, const struct value *got)
{
	struct value *want = typed_get(c->line, "want");
	AUTO(value) struct value *wanted = want ? typed_value(want) : NULL;

	if (!wanted || c->parse_errors > 0 || typed_same(got, wanted))
		return true;
	strbuf_addstr(&c->why, "\n     got ");
	typed_describe(&c->why, got);
	strbuf_addstr(&c->why, "\n     want ");
	typed_describe(&c->why, wanted);
	return false;
}

static struct expr *parse(struct test_case *c, const char *text, bool is_template)
{
	const struct source *src = sources_add(c->sources, "test.hcl", text, strlen(text));
	struct expr *e = is_template ? parse_template(src, c->arena, &c->diags)
				     : parse_expression(src, c->arena, &c->diags);

	c->parse_errors = c->diags.errors;
	return e;
}

/* We do not track what else is known of an unknown value, so where that makes
 * the result a known one there is nothing to compare. */
static bool hangs_on_refinements(const struct value *line)
{
	struct value *want = typed_get(line, "want");

	return typed_needs(line, "refine") && want && !typed_is_true(want, "unknown");
}

static enum verdict run_expr(struct test_case *c)
{
	bool is_template = strcmp(typed_text(c->line, "kind"), "template") == 0;

	if (hangs_on_refinements(c->line) || !fill_scope(c))
		return SKIPPED;
	struct expr *e = parse(c, typed_text(c->line, "expr"), is_template);
	if (c->parse_errors > 0)
		return check_diags(c, typed_get(c->line, "diag_list"), true) ? PASSED : FAILED;

	AUTO(value) struct value *v = eval_expr(e, c->scope, &c->diags);
	bool ok = check_diags(c, typed_get(c->line, "diag_list"), true);
	return check_value(c, v) && ok ? PASSED : FAILED;
}

static enum verdict run_type(struct test_case *c)
{
	struct value *want = typed_get(c->line, "want");
	struct expr *e = parse(c, typed_text(c->line, "source"), false);
	AUTO(type) struct type *t = eval_type_constraint(e, true, NULL, &c->diags);
	AUTO(type) struct type *wanted = want ? typed_type(want) : NULL;

	if (!check_diags(c, typed_get(c->line, "diags"), false))
		return FAILED;
	if ((!t && !wanted) || (t && wanted && type_equal(t, wanted)))
		return PASSED;
	strbuf_addstr(&c->why, "\n     got ");
	if (t)
		type_json(&c->why, t);
	return FAILED;
}

/* Does the line call a function that there is not (yet)? */
static bool calls_missing(const struct test_case *c)
{
	for (size_t i = 0; i < c->diags.len; i++) {
		if (strcmp(c->diags.items[i].summary, "Call to unknown function") == 0)
			return true;
	}
	return false;
}

static void fill_console_scope(struct test_case *c)
{
	AUTO(value) struct value *version = value_string("1.16.0");

	c->scope = scope_new(NULL);
	scope_set_functions(c->scope, builtin_functions, &world);
	if (typed_get(c->line, "console_diags"))
		scope_set(c->scope, "packer-version", version);
}

static enum verdict check_console(struct test_case *c, const struct value *v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	const char *want = typed_text(c->line, "console_out");

	value_format_console(&text, v);
	if (strcmp(text.buf, want) == 0)
		return PASSED;
	strbuf_addf(&c->why, "\n     got  %s\n     want %s", text.buf, want);
	return FAILED;
}

static enum verdict run_console(struct test_case *c)
{
	struct value *want = typed_get(c->line, "console_diags");
	struct value *packer = typed_get(c->line, "packer");
	const char *line = typed_text(c->line, "console");

	if (!*line || (packer && typed_is_true(packer, "defect")) ||
	    typed_needs(c->line, "files") || typed_needs(c->line, "home") ||
	    typed_get(c->line, "pattern") || typed_get(c->line, "compare"))
		return SKIPPED;
	fill_console_scope(c);
	struct expr *e = parse(c, line, false);
	if (c->parse_errors > 0)
		return want && check_diags(c, want, false) ? PASSED : FAILED;

	AUTO(value) struct value *v = eval_expr(e, c->scope, &c->diags);
	if (!want && calls_missing(c))
		return SKIPPED;
	if (!want && c->diags.len > 0) {
		typed_describe_diag(&c->why, &c->diags.items[0]);
		return FAILED;
	}
	if (want)
		return calls_missing(c) ? SKIPPED : check_diags(c, want, false) ? PASSED : FAILED;
	return check_console(c, v);
}

/* try() and can() with variables. */
static enum verdict run_extra(struct test_case *c)
{
	if (!typed_get(c->line, "expr"))
		return SKIPPED;
	fill_scope(c);
	if (!c->scope)
		c->scope = scope_new(NULL);
	scope_set_functions(c->scope, builtin_functions, &world);
	AUTO(value)
	struct value *v =
		eval_expr(parse(c, typed_text(c->line, "expr"), false), c->scope, &c->diags);
	struct value *want = typed_get(c->line, "diags");

	for (size_t i = 0; i < value_len(want); i++) {
		if (i < c->diags.len &&
		    strcmp(c->diags.items[i].detail, typed_text(value_at(want, i), "detail")) != 0)
			strbuf_addf(&c->why, "\n     got %s", c->diags.items[i].detail);
	}
	bool ok = c->why.len == 0 && c->diags.len == value_len(want);
	return check_value(c, v) && ok ? PASSED : FAILED;
}

static const struct {
	const char *name;
	const char *file;
	run_fn run;
} suites[] = {
	{ "expr", "expr.jsonl", run_expr },
	{ "typeexpr", "typeexpr.jsonl", run_type },
	{ "try and can", "functions-extra.jsonl", run_extra },
	{ "console expr", "expr.jsonl", run_console },
	{ "console operators", "operators.jsonl", run_console },
	{ "console convert", "convert.jsonl", run_console },
	{ "console stdlib", "stdlib.jsonl", run_console },
	{ "console functions", "functions-extra.jsonl", run_console },
};

static void run_line(const char *text, size_t len, run_fn run, unsigned counts[3], bool verbose)
{
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *line = jsontext_decode(text, len, &err);
	struct test_case c = {
		.line = line, .why = STRBUF_INIT, .sources = sources_new(), .arena = arena_new()
	};
	enum verdict v = line ? run(&c) : FAILED;

	counts[v]++;
	if (v == FAILED && verbose) {
		printf("  %s %s%s", line ? typed_text(line, "id") : text,
		       !line                        ? err->message
		       : typed_get(line, "console") ? typed_text(line, "console")
						    : typed_text(line, "expr"),
		       c.why.buf);
		puts("");
	}
	strbuf_release(&c.why);
	diags_release(&c.diags);
	scope_free(c.scope);
	arena_free(c.arena);
	sources_free(c.sources);
}

static unsigned run_suite(const char *dir, size_t which, bool verbose)
{
	const char *name = suites[which].name;
	AUTO_FREE char *path = xasprintf("%s/%s", dir, suites[which].file);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	unsigned counts[3] = { 0 };

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0) {
		printf("%s: %s\n", name, err->message);
		return 1;
	}
	for (const char *p = text.buf, *end; *p; p = end + 1) {
		end = strchrnul(p, '\n');
		run_line(p, (size_t)(end - p), suites[which].run, counts, verbose);
		if (!*end)
			break;
	}
	printf("%s: %u passed, %u failed, %u not applicable\n", name, counts[PASSED],
	       counts[FAILED], counts[SKIPPED]);
	return counts[FAILED];
}

int main(int argc, char **argv)
{
	const char *dir = getenv("INGOT_CONFORMANCE");
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	unsigned failed = 0;

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	world = (struct func_world){ .base_dir = ".", .cwd = ".", .now = now };
	world.getenv = no_environment;
	render_enable(&world, builtin_functions);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		bool wanted = argc <= 1 + verbose;

		for (int k = 1 + verbose; k < argc; k++)
			wanted |= strcmp(argv[k], suites[i].name) == 0;
		if (wanted)
			failed += run_suite(dir, i, verbose);
	}
	return failed ? 1 : 0;
}
