/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the conformance data of expressions, templates and type constraints,
 * where the folder with it is at hand (INGOT_CONFORMANCE): results, and every
 * diagnostic with its texts and places.
 *
 *   conform_expr [-v] [FILE…]     -v: print the failures
 */
#include "typed.h"

#include "base/alloc.h"
#include "eval/eval.h"
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

static void fill_scope(struct test_case *c)
{
	struct value *vars = typed_get(c->line, "vars");

	if (!vars)
		return;
	c->scope = scope_new(NULL);
	for (size_t i = 0; i < value_len(vars); i++) {
		AUTO(value) struct value *v = typed_value(value_at(vars, i));

		scope_set(c->scope, value_key_at(vars, i), v);
	}
}

static void add_range(struct strbuf *sb, const struct range *r)
{
	strbuf_addf(sb, "[%d,%d,%zu,%d,%d,%zu]", r->start.line, r->start.column, r->start.byte,
		    r->end.line, r->end.column, r->end.byte);
}

/* The range as the data writes it, in `want`; NULL: none. */
static bool same_range(const struct range *got, const struct value *want)
{
	AUTO(strbuf) struct strbuf a = STRBUF_INIT;
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;

	if (!want)
		return !got->source;
	add_range(&a, got);
	value_format_json(&b, want);
	return got->source && strcmp(a.buf, b.buf) == 0;
}

static bool same_diag(const struct diag *d, const struct value *want, bool has_context)
{
	return strcmp(d->summary, typed_text(want, "summary")) == 0 &&
	       strcmp(d->detail, typed_text(want, "detail")) == 0 &&
	       same_range(&d->subject, typed_get(want, "subject")) &&
	       (!has_context || same_range(&d->context, typed_get(want, "context")));
}

static void add_diag(struct strbuf *sb, const struct diag *d)
{
	strbuf_addf(sb, "\n     got  %s / %s ", d->summary, d->detail);
	add_range(sb, &d->subject);
	if (d->context.source) {
		strbuf_addstr(sb, " in ");
		add_range(sb, &d->context);
	}
}

/* A file that does not parse is not evaluated, so of such a case only the
 * first diagnostic is anybody's business. */
static bool check_diags(struct test_case *c, const struct value *want, bool has_context)
{
	size_t n = value_len(want);
	bool ok = c->parse_errors > 0 ? n > 0 : n == c->diags.len;

	for (size_t i = 0; ok && i < n && (i == 0 || c->parse_errors == 0); i++)
		ok = same_diag(&c->diags.items[i], value_at(want, i), has_context);
	if (ok)
		return true;
	for (size_t i = 0; i < c->diags.len; i++)
		add_diag(&c->why, &c->diags.items[i]);
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

static enum verdict run_expr(struct test_case *c)
{
	bool is_template = strcmp(typed_text(c->line, "kind"), "template") == 0;

	if (typed_get(c->line, "funcs") || typed_needs(c->line, "refine"))
		return SKIPPED;
	fill_scope(c);
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

static const struct {
	const char *file;
	run_fn run;
} suites[] = {
	{ "expr.jsonl", run_expr },
	{ "typeexpr.jsonl", run_type },
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
		       line ? typed_text(line, "expr") : err->message, c.why.buf);
		puts("");
	}
	strbuf_release(&c.why);
	diags_release(&c.diags);
	scope_free(c.scope);
	arena_free(c.arena);
	sources_free(c.sources);
}

static unsigned run_file(const char *dir, const char *name, run_fn run, bool verbose)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	unsigned counts[3] = { 0 };

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0) {
		printf("%s: %s\n", name, err->message);
		return 1;
	}
	for (const char *p = text.buf, *end; *p; p = end + 1) {
		end = strchrnul(p, '\n');
		run_line(p, (size_t)(end - p), run, counts, verbose);
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
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		bool wanted = argc <= 1 + verbose;

		for (int k = 1 + verbose; k < argc; k++)
			wanted |= strcmp(argv[k], suites[i].file) == 0;
		if (wanted)
			failed += run_file(dir, suites[i].file, suites[i].run, verbose);
	}
	return failed ? 1 : 0;
}
