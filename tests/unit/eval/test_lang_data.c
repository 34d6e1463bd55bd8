/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests/data/lang/ (see the README there). */
#include "base/alloc.h"
#include "base/strv.h"
#include "eval/eval.h"
#include "eval/render.h"
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
#include <unistd.h>

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

/* `\n`, `\r`, `\t`, `\\` and `\xNN` in the text of a BYTES block. */
static char *unescape(const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	static const char names[] = "nrt\\", bytes[] = "\n\r\t\\";

	for (const char *p = text; *p; p++) {
		const char *name = *p == '\\' && p[1] ? strchr(names, p[1]) : NULL;
		unsigned code;

		if (name) {
			strbuf_addch(&sb, bytes[name - names]);
			p++;
		} else if (sscanf(p, "\\x%2x", &code) == 1) {
			strbuf_addch(&sb, (char)code);
			p += 3;
		} else {
			strbuf_addch(&sb, *p);
		}
	}
	return strbuf_detach(&sb);
}

/* What the first line says about a block. */
struct header {
	size_t lines; /* 0 or 1: the text starts after it */
	bool fails, escaped;
	enum notation notation;
};

static struct header read_header(const char *line)
{
	struct header h = { 0 };

	if (strncmp(line, "%%", 2) != 0)
		return h;
	h.lines = 1;
	h.fails = strncmp(line, "%%FAIL", 6) == 0;
	h.escaped = strstr(line, "BYTES");
	h.notation = strstr(line, "TEMPLATE") ? TEMPLATE : strstr(line, "JSON") ? JSON : NATIVE;
	return h;
}

static char *block_text(const struct header *h, const struct strv *lines, size_t end)
{
	AUTO_FREE char *text = join(lines, h->lines, end);

	if (h->escaped)
		return unescape(text);
	/* A heredoc needs the end of its last line, and so does a template file. */
	bool open = h->notation == TEMPLATE || strncmp(text, "<<", 2) == 0;
	return open ? xasprintf("%s\n", text) : xstrdup(text);
}

static void run_block(struct suite *s, const struct strv *lines)
{
	struct header h = read_header(lines->v[0]);
	size_t end = h.fails ? h.lines : lines->len - 1;

	s->blocks++;
	while (h.fails && end < lines->len && !is_place(lines->v[end]))
		end++;
	AUTO_FREE char *text = block_text(&h, lines, end);
	if (!h.fails) {
		check_value(s, text, h.notation, lines->v[end]);
		return;
	}
	AUTO_FREE char *places = join(lines, end, lines->len);
	AUTO_FREE char *want = xasprintf("%s\n", places);
	check_failure(s, text, h.notation, want);
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

/* The time of the tests. */
static int64_t now(void)
{
	return 0;
}

static void run_file(void **state)
{
	const char *name = *state;
	AUTO_FREE char *path = xasprintf("../%s", name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct suite s = { .path = name,
			   .sources = sources_new(),
			   .arena = arena_new(),
			   .scope = scope_new(NULL) };
	struct func_world world = { .base_dir = ".",
				    .cwd = "/",
				    .home = "/home/user",
				    .start_time = INT64_C(1577934245) * 1000000000,
				    .now = now };

	render_enable(&world, builtin_functions);
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

/* One test per file; they run in files/, where the functions find theirs. */
int main(void)
{
	const char *root = getenv("SRCDIR");
	AUTO_FREE char *dir = xasprintf("%s/tests/data/lang/files", root ? root : ".");
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct CMUnitTest tests[64];
	size_t n = 0;

	if (chdir(dir) < 0) {
		perror(dir);
		return 1;
	}
	if (fs_list("..", &names, &err) < 0) {
		fprintf(stderr, "%s\n", err->message);
		return 1;
	}
	for (size_t i = 0; i < names.len && n < sizeof(tests) / sizeof(*tests); i++)
		if (strstr(names.v[i], ".test"))
			tests[n++] = (struct CMUnitTest){ .name = names.v[i],
							  .test_func = run_file,
							  .initial_state = names.v[i] };
	return _cmocka_run_group_tests("lang", tests, n, NULL, NULL);
}
