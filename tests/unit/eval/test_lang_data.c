/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests/data/lang/ (see the README there). */
#include "base/alloc.h"
#include "base/strv.h"
#include "eval/eval.h"
#include "func/table.h"
#include "lang/json.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "value/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One file under test. */
struct suite {
	const char *path;
	int line; /* where the present block starts */
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
	unsigned blocks, failed;
};

enum notation { NATIVE, TEMPLATE, JSON };

static struct expr *parse(struct suite *s, const char *text, enum notation notation,
			  struct diags *diags)
{
	const struct source *src = sources_add(s->sources, "test.hcl", text, strlen(text));

	switch (notation) {
	case TEMPLATE:
		return parse_template(src, s->arena, diags);
	case JSON:
		return json_expr(json_parse(src, JSON_TEMPLATES, s->arena, diags), s->arena);
	case NATIVE:
		break;
	}
	return parse_expression(src, s->arena, diags);
}

static void complain_about(struct suite *s, const char *what, const struct diags *d)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (d->len > 0)
		diags_format_error(&sb, d);
	fail_msg("%s:%d: %s: %s", s->path, s->line, what, sb.buf);
}

/* `VALUE :: TYPE`, `unknown :: TYPE`, `sensitive VALUE` */
static struct value *read_value(struct suite *s, const char *text)
{
	static const char sensitive[] = "sensitive ";
	bool marked = strncmp(text, sensitive, sizeof(sensitive) - 1) == 0;
	AUTO_FREE char *copy = xstrdup(text + (marked ? sizeof(sensitive) - 1 : 0));
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(type) struct type *type = NULL;
	AUTO(value) struct value *v = NULL;
	char *sep = strstr(copy, " :: ");

	if (sep) {
		*sep = '\0';
		type = eval_type_constraint(parse(s, sep + 4, NATIVE, &diags), false, NULL, &diags);
		if (!type)
			complain_about(s, "bad type", &diags);
	}
	if (strcmp(copy, "unknown") == 0)
		return value_unknown(type ? type : type_dynamic);
	v = eval_expr(parse(s, copy, NATIVE, &diags), s->scope, &diags);
	if (diags_has_errors(&diags))
		complain_about(s, "bad value", &diags);
	struct value *converted = type ? value_convert(v, type, &err) : value_ref(v);
	if (!converted)
		fail_msg("%s:%d: %s", s->path, s->line, err->message);
	struct value *ret =
		value_mark_sensitive(converted, marked || value_is_sensitive(converted));
	value_unref(converted);
	return ret;
}

static bool same(const struct value *a, const struct value *b)
{
	if (!type_equal(value_type(a), value_type(b)) || value_is_known(a) != value_is_known(b) ||
	    value_is_null(a) != value_is_null(b) || value_is_sensitive(a) != value_is_sensitive(b))
		return false;
	if (!value_is_known(a) || value_is_null(a))
		return true;
	if (type_is_primitive(value_type(a)))
		return value_equal(a, b);
	if (value_len(a) != value_len(b))
		return false;
	for (size_t i = 0; i < value_len(a); i++) {
		if (type_kind(value_type(a)) == TYPE_MAP &&
		    strcmp(value_key_at(a, i), value_key_at(b, i)) != 0)
			return false;
		if (!same(value_at(a, i), value_at(b, i)))
			return false;
	}
	return true;
}

static void describe(const char *label, const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	type_json(&sb, value_type(v));
	strbuf_addch(&sb, ' ');
	if (value_is_wholly_known(v))
		value_format_json(&sb, v);
	else
		strbuf_addstr(&sb, "unknown");
	printf("#   %s %s%s\n", label, value_is_sensitive(v) ? "sensitive " : "", sb.buf);
}

static void note_failure(struct suite *s, const char *text)
{
	s->failed++;
	printf("# %s:%d: %s\n", s->path, s->line, text);
}

static void check_value(struct suite *s, const char *text, enum notation notation, const char *want)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(value) struct value *wanted = read_value(s, want);
	AUTO(value)
	struct value *got = eval_expr(parse(s, text, notation, &diags), s->scope, &diags);

	if (diags.len == 0 && same(got, wanted))
		return;
	note_failure(s, text);
	for (size_t i = 0; i < diags.len; i++)
		printf("#   %s / %s\n", diags.items[i].summary, diags.items[i].detail);
	describe("got ", got);
	describe("want", wanted);
}

/* The diagnostics as the data writes them, a line each. */
static char *format_diags(const struct diags *diags)
{
	AUTO(strbuf) struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < diags->len; i++) {
		const struct diag *d = &diags->items[i];
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		range_format(&sb, d->subject);
		strbuf_remove(&sb, 0, strlen("test.hcl:"));
		strbuf_addf(&sb, ": %s / %s", d->summary, d->detail);
		strbuf_replace(&sb, "\n", "\\n");
		strbuf_addf(&all, "%s\n", sb.buf);
		if (!d->values)
			continue;
		strbuf_truncate(&sb, 0);
		strbuf_addstr(&sb, d->values);
		strbuf_replace(&sb, "\n", "\\n");
		strbuf_addf(&all, "%s\n", sb.buf);
	}
	return strbuf_detach(&all);
}

static void check_failure(struct suite *s, const char *text, enum notation notation,
			  const char *want)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct expr *e = parse(s, text, notation, &diags);

	if (!diags_has_errors(&diags))
		value_unref(eval_expr(e, s->scope, &diags));
	AUTO_FREE char *got = format_diags(&diags);
	if (strcmp(got, want) == 0)
		return;
	note_failure(s, text);
	printf("#   got:\n%s#   want:\n%s", got, want);
}

static bool is_place(const char *line)
{
	int a, b, n = 0;

	return (sscanf(line, "%d,%d-%n", &a, &b, &n) == 2 && n > 0) ||
	       strncmp(line, "with ", 5) == 0;
}

static char *join(const struct strv *lines, size_t from, size_t to)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = from; i < to; i++)
		strbuf_addf(&sb, "%s%s", lines->v[i], i + 1 < to ? "\n" : "");
	return strbuf_detach(&sb);
}

static void run_failure(struct suite *s, const struct strv *lines)
{
	size_t split = 1;

	while (split < lines->len && !is_place(lines->v[split]))
		split++;
	AUTO_FREE char *text = join(lines, 1, split);
	AUTO_FREE char *places = join(lines, split, lines->len);
	AUTO_FREE char *want = xasprintf("%s\n", places);

	check_failure(s, text, strcmp(lines->v[0], "%%FAIL JSON") == 0 ? JSON : NATIVE, want);
}

static void run_block(struct suite *s, const struct strv *lines)
{
	bool is_template = strcmp(lines->v[0], "%%TEMPLATE") == 0;
	bool is_json = strcmp(lines->v[0], "%%JSON") == 0;

	s->blocks++;
	if (strncmp(lines->v[0], "%%FAIL", 6) == 0) {
		run_failure(s, lines);
		return;
	}
	AUTO_FREE char *body = join(lines, is_template || is_json, lines->len - 1);
	/* A heredoc needs the end of its last line, and so does a template file. */
	bool open = is_template || strncmp(body, "<<", 2) == 0;
	AUTO_FREE char *text = xasprintf("%s%s", body, open ? "\n" : "");

	check_value(s, text,
		    is_template ? TEMPLATE
		    : is_json   ? JSON
				: NATIVE,
		    lines->v[lines->len - 1]);
}

static void define_variable(struct suite *s, const char *definition)
{
	const char *sep = strstr(definition, " = ");
	AUTO_FREE char *name = xstrndup(definition, (size_t)(sep - definition));
	AUTO(value) struct value *v = read_value(s, sep + 3);

	scope_set(s->scope, name, v);
}

static void run_text(struct suite *s, char *text)
{
	static const char var[] = "%%VAR ";
	AUTO(strv) struct strv lines = STRV_INIT;
	int at = 0;

	for (char *line = text, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		at++;
		if (strncmp(line, var, sizeof(var) - 1) == 0) {
			s->line = at;
			define_variable(s, line + sizeof(var) - 1);
			continue;
		}
		if (line[0] == '#')
			continue;
		if (line[0]) {
			if (lines.len == 0)
				s->line = at;
			strv_push(&lines, line);
		} else if (lines.len > 0) {
			run_block(s, &lines);
			strv_release(&lines);
		}
	}
	if (lines.len > 0)
		run_block(s, &lines);
}

static void run_file(const char *name)
{
	AUTO_FREE char *path =
		xasprintf("%s/tests/data/lang/%s", getenv("SRCDIR") ? getenv("SRCDIR") : ".", name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct suite s = { .path = name,
			   .sources = sources_new(),
			   .arena = arena_new(),
			   .scope = scope_new(NULL) };
	static const struct func_world world = { .base_dir = ".", .cwd = "/" };

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0)
		fail_msg("%s", err->message);
	scope_set_functions(s.scope, builtin_functions, &world);
	run_text(&s, text.buf);
	scope_free(s.scope);
	arena_free(s.arena);
	sources_free(s.sources);
	assert_true(s.blocks > 0);
	assert_int_equal(s.failed, 0);
}

static void test_operators(void **state)
{
	run_file("operator.test");
}

static void test_traversals(void **state)
{
	run_file("traversal.test");
}

static void test_loops(void **state)
{
	run_file("for.test");
}

static void test_templates(void **state)
{
	run_file("template.test");
}

static void test_conditionals(void **state)
{
	run_file("conditional.test");
}

static void test_calls(void **state)
{
	run_file("call.test");
}

static void test_functions(void **state)
{
	run_file("function.test");
}

static void test_vectors(void **state)
{
	run_file("vector.test");
}

static void test_json(void **state)
{
	run_file("json.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators),    cmocka_unit_test(test_traversals),
		cmocka_unit_test(test_loops),        cmocka_unit_test(test_templates),
		cmocka_unit_test(test_conditionals), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_functions),    cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
