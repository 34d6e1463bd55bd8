/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the conformance data of the language's values and functions, where the
 * folder with it is at hand (INGOT_CONFORMANCE), and prints for each file how
 * many cases passed, failed and do not apply. Lines are read with our own JSON
 * reader, the only one here that keeps numbers exact.
 *
 *   conform_value [-v] [FILE…]     -v: print the failures
 */
#include "typed.h"

#include "base/alloc.h"
#include "func/table.h"
#include "os/clock.h"
#include "os/fs.h"
#include "value/convert.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SKIP_EXIT = 77 };
enum verdict { PASSED, FAILED, SKIPPED };

/* One line of a file, and room to say what is wrong. */
struct test_case {
	struct value *line;
	struct strbuf why;
};

typedef enum verdict (*run_fn)(struct test_case *c);

/* Takes `got`; wanted: `want`, a typed value, or the error text `err`. */
static enum verdict judge(struct test_case *c, struct value *got, struct error *const *err,
			  const struct value *want, const char *want_err)
{
	AUTO(value) struct value *result = got;
	AUTO(value) struct value *wanted = want ? typed_value(want) : NULL;

	if (wanted && result && typed_same(result, wanted))
		return PASSED;
	if (!wanted && !result && (!*want_err || !strcmp((*err)->message, want_err)))
		return PASSED;
	strbuf_addstr(&c->why, "got ");
	if (result)
		typed_describe(&c->why, result);
	else
		strbuf_addf(&c->why, "error: %s", (*err)->message);
	strbuf_addstr(&c->why, "\n     want ");
	if (wanted)
		typed_describe(&c->why, wanted);
	else
		strbuf_addf(&c->why, "error: %s", want_err);
	return FAILED;
}

/* `want` and `err` of the case, or of the released program where that differs. */
static bool pick_expectation(const struct value *line, struct value **ret_want,
			     const char **ret_err)
{
	struct value *packer = typed_get(line, "packer");
	bool differs = packer && (value_get(packer, "want") || value_get(packer, "err"));
	const struct value *from = differs ? packer : line;

	*ret_want = typed_get(from, "want");
	*ret_err = typed_text(from, "err");
	return !packer || !typed_is_true(packer, "defect");
}

static enum verdict run_convert(struct test_case *c)
{
	AUTO(value) struct value *v = typed_value(value_get(c->line, "value"));
	AUTO(type) struct type *t = typed_type(value_get(c->line, "type"));
	AUTO(error) struct error *err = NULL;
	struct value *want;
	const char *want_err;

	/* 155: the released library stumbles over its own optional attributes. */
	if (typed_needs(c->line, "refine") || !pick_expectation(c->line, &want, &want_err) ||
	    !strcmp(typed_text(c->line, "id"), "TestConvert/155"))
		return SKIPPED;
	return judge(c, value_convert(v, t, &err), &err, want, want_err);
}

static bool expect_type(struct test_case *c, struct type *got, const struct value *want)
{
	AUTO(type) struct type *wanted = want ? typed_type(want) : NULL;
	bool ok = (!got && !wanted) || (got && wanted && type_equal(got, wanted));

	if (!ok) {
		strbuf_addstr(&c->why, "got ");
		if (got)
			type_json(&c->why, got);
	}
	return ok;
}

static enum verdict run_unify(struct test_case *c)
{
	const struct value *list = value_get(c->line, "types");
	size_t n = value_len(list);
	AUTO_FREE struct type **types = xcalloc(n, sizeof(*types));
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		types[i] = typed_type(value_at(list, i));
	for (int unsafe = 0; unsafe < 2; unsafe++) {
		AUTO(type) struct type *got = type_unify(types, n, unsafe);

		ok &= expect_type(c, got, typed_get(c->line, unsafe ? "unsafe" : "want"));
	}
	for (size_t i = 0; i < n; i++)
		type_unref(types[i]);
	return ok ? PASSED : FAILED;
}

static enum verdict run_mismatch(struct test_case *c)
{
	AUTO(type) struct type *got = typed_type(value_get(c->line, "got"));
	AUTO(type) struct type *want = typed_type(value_get(c->line, "want"));
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct value *packer = typed_get(c->line, "packer");

	type_mismatch(&text, got, want);
	if (!strcmp(text.buf, typed_text(packer ? packer : c->line, "message")))
		return PASSED;
	strbuf_addf(&c->why, "got %s", text.buf);
	return FAILED;
}

static struct value *operate(const char *op, const struct value *a, const struct value *b,
			     struct error **err)
{
	static const struct {
		const char *op;
		struct number *(*fn)(const struct number *, const struct number *, struct error **);
	} arithmetic[] = { { "+", number_add },
			   { "-", number_sub },
			   { "*", number_mul },
			   { "/", number_div },
			   { "%", number_mod } };
	const struct number *x = value_as_number(a);

	if (!b)
		return value_number_take(number_neg(x));

	const struct number *y = value_as_number(b);
	int d = number_compare(x, y);

	for (size_t i = 0; i < ARRAY_LEN(arithmetic); i++) {
		if (strcmp(op, arithmetic[i].op) != 0)
			continue;

		struct number *n = arithmetic[i].fn(x, y, err);

		return n ? value_number_take(n) : NULL;
	}
	if (op[0] == '<')
		return value_bool(op[1] ? d <= 0 : d < 0);
	return value_bool(op[1] ? d >= 0 : d > 0);
}

/* The operators that are functions of known numbers; the rest is the evaluator's. */
static enum verdict run_operator(struct test_case *c)
{
	const struct value *args = value_get(c->line, "args");
	const char *op = typed_text(c->line, "op"), *want_err;
	AUTO(error) struct error *err = NULL;
	struct value *want;

	if (typed_needs(c->line, "unknown") || !pick_expectation(c->line, &want, &want_err))
		return SKIPPED;

	AUTO(value) struct value *a = typed_value(value_at(args, 0));
	AUTO(value) struct value *b = value_len(args) > 1 ? typed_value(value_at(args, 1)) : NULL;

	if (!strcmp(op, "=="))
		return judge(c, value_bool(value_equal(a, b)), NULL, want, want_err);
	/* In templates an infinity is a result, for which `%` differs (5.3). */
	if (value_type(a) != type_number || value_is_null(a) || (b && value_is_null(b)) ||
	    (*op == '%' && typed_needs(c->line, "infinity")))
		return SKIPPED;
	return judge(c, operate(op, a, b, &err), &err, want, want_err);
}

static const char *get_environment(const char *name)
{
	return getenv(name);
}

/* The text of the diagnostic that the failed call becomes in a template. */
static void add_detail(struct strbuf *sb, const struct func_def *def, int bad_arg,
		       const struct error *err)
{
	if (bad_arg < 0)
		strbuf_addf(sb, "Call to function \"%s\" failed: %s.", def->name, err->message);
	else
		strbuf_addf(sb, "Invalid value for \"%s\" parameter: %s.",
			    func_param(def, (size_t)bad_arg)->name, err->message);
}

/* A failed call against `diag` of the case, or its bare text. */
static enum verdict judge_failure(struct test_case *c, const struct func_def *def, int bad_arg,
				  const struct error *err)
{
	struct value *packer = typed_get(c->line, "packer"), *want;
	struct value *diag = packer ? typed_get(packer, "diag") : NULL;
	const char *want_err;
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;

	pick_expectation(c->line, &want, &want_err);
	if (!diag)
		diag = typed_get(c->line, "diag");
	add_detail(&detail, def, bad_arg, err);
	if (!want && (diag ? !strcmp(detail.buf, typed_text(diag, "detail"))
			   : !strcmp(err->message, want_err)))
		return PASSED;
	strbuf_addf(&c->why, "got error: %s\n     want ", detail.buf);
	if (want) {
		AUTO(value) struct value *wanted = typed_value(want);

		typed_describe(&c->why, wanted);
	} else {
		strbuf_addstr(&c->why, diag ? typed_text(diag, "detail") : want_err);
	}
	return FAILED;
}

static struct value *invoke(const struct func_def *def, const struct value *list, int *ret_bad_arg,
			    struct error **err)
{
	const struct func_world world = {
		.base_dir = ".",
		.cwd = "/",
		.home = getenv("HOME"),
		.start_time = clock_wall(),
		.now = clock_wall,
		.getenv = get_environment,
	};
	size_t n = value_len(list);
	AUTO_FREE struct value **args = xcalloc(n, sizeof(*args));
	struct func_call call = { &world, def->name, args, n, NULL, NULL, NULL, ret_bad_arg };
	struct value *v;

	for (size_t i = 0; i < n; i++)
		args[i] = typed_value(value_at(list, i));
	v = func_invoke(def, &call, err);
	for (size_t i = 0; i < n; i++)
		value_unref(args[i]);
	return v;
}

/* The home directory stands in the data as $HOME. */
static struct value *wanted_result(const struct test_case *c, const struct value *want)
{
	struct value *v = typed_value(want);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!typed_needs(c->line, "home"))
		return v;
	strbuf_addstr(&text, value_as_string(v));
	strbuf_replace(&text, "$HOME", getenv("HOME"));
	value_unref(v);
	return value_string(text.buf);
}

static bool matches_pattern(const char *pattern, struct value *v)
{
	const struct func_def *def = func_find(builtin_functions, "regexall");
	AUTO(value) struct value *p = value_string(pattern);
	struct value *args[] = { p, v };
	AUTO(error) struct error *err = NULL;
	int bad = -1;
	struct func_call call = {
		.name = "regexall", .args = args, .argc = 2, .ret_bad_arg = &bad
	};
	AUTO(value) struct value *hits = def ? func_invoke(def, &call, &err) : NULL;

	return hits && value_len(hits) == 1;
}

static enum verdict run_function(struct test_case *c)
{
	const struct func_def *def = func_find(builtin_functions, typed_text(c->line, "func"));
	const char *want_err, *pattern = typed_text(c->line, "pattern");
	AUTO(error) struct error *err = NULL;
	struct value *want;
	int bad_arg = -1;

	/* Cases with an expression are conform_expr's. */
	if (!value_get(c->line, "func") || typed_needs(c->line, "refine") ||
	    !pick_expectation(c->line, &want, &want_err))
		return SKIPPED;
	if (!def) {
		strbuf_addstr(&c->why, "no such function");
		return FAILED;
	}

	AUTO(value) struct value *got = invoke(def, value_get(c->line, "args"), &bad_arg, &err);

	if (!got)
		return judge_failure(c, def, bad_arg, err);
	if (*pattern && matches_pattern(pattern, got))
		return PASSED;

	AUTO(value) struct value *wanted = want ? wanted_result(c, want) : NULL;

	if (wanted && typed_same(got, wanted))
		return PASSED;
	strbuf_addstr(&c->why, "got ");
	typed_describe(&c->why, got);
	strbuf_addf(&c->why, "\n     want %s ", *pattern ? pattern : want_err);
	if (wanted)
		typed_describe(&c->why, wanted);
	return FAILED;
}

static const struct {
	const char *file;
	run_fn run;
} suites[] = {
	{ "convert.jsonl", run_convert },   { "unify.jsonl", run_unify },
	{ "mismatch.jsonl", run_mismatch }, { "operators.jsonl", run_operator },
	{ "stdlib.jsonl", run_function },   { "functions-extra.jsonl", run_function },
};

static unsigned run_line(const char *text, size_t len, run_fn run, unsigned counts[3], bool verbose)
{
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *line = jsontext_decode(text, len, &err);
	struct test_case c = { .line = line, .why = STRBUF_INIT };
	enum verdict v = line ? run(&c) : FAILED;

	counts[v]++;
	if (v == FAILED && verbose)
		printf("  %s %s\n     %s\n", line ? typed_text(line, "id") : text,
		       line ? typed_text(line, "func") : err->message, c.why.buf);
	strbuf_release(&c.why);
	return v == FAILED;
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

/* A folder like that of the cases that need files; the working directory from then on. */
static char *enter_base(void)
{
	struct error *err = NULL;
	char *base = NULL;
	bool ok = fs_temp_dir("/tmp", "conform", &base, &err) == 0 && chdir(base) == 0 &&
		  fs_mkdir_all("testdata", 0700, &err) == 0 &&
		  fs_write("testdata/hello.txt", "Hello World", 11, 0600, &err) == 0 &&
		  fs_write("testdata/hello.tmpl", "Hello", 5, 0600, &err) == 0 &&
		  chmod(base, 0755) == 0;

	if (!ok)
		puts(err ? err->message : "cannot make the folder of the cases that need files");
	error_free(err);
	return base;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("INGOT_CONFORMANCE");
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	unsigned failed = 0;

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}

	AUTO_FREE char *base = enter_base();
	struct error *err = NULL;

	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		bool wanted = argc <= 1 + verbose;

		for (int k = 1 + verbose; k < argc; k++)
			wanted |= !strcmp(argv[k], suites[i].file);
		if (wanted)
			failed += run_file(dir, suites[i].file, suites[i].run, verbose);
	}
	if (base && fs_remove_tree(base, &err) < 0)
		error_ignore(&err, "the temporary folder is small");
	return failed ? 1 : 0;
}
