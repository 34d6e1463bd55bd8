/* SPDX-License-Identifier: Apache-2.0 */
/* Templates in files of their own (language.md 20, templatefile). */
#include "eval/render.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "eval/evaluator.h"
#include "lang/parser.h"

#include <string.h>

/* In place of templatefile() while a template renders. */
static struct value *refuse_recursion(const struct func_call *call, struct error **err)
{
	(void)call;
	error_set(err, ERROR_FAILED,
		  "cannot recursively call templatefile from inside templatefile call");
	return NULL;
}

/* A copy of the table (heap) in which templatefile() is *stub. */
static const struct func_def **without_recursion(const struct func_def *const *table,
						 struct func_def *stub)
{
	size_t n = 0;

	while (table[n])
		n++;
	const struct func_def **copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		copy[i] = table[i];
		if (strcmp(table[i]->name, "templatefile") == 0) {
			*stub = *table[i];
			stub->call = refuse_recursion;
			copy[i] = stub;
		}
	}
	return copy;
}

static bool is_identifier(const char *s)
{
	size_t len = strlen(s);
	uint32_t c;

	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_decode(s + at, len - at, &c);
		if (n == 0)
			return false;
		bool ok = utf8_is_id_start(c) || c == '_' ||
			  (at > 0 && (utf8_is_id_continue(c) || c == '-'));
		if (!ok)
			return false;
	}
	return len > 0;
}

static int fill_scope(struct scope *s, const struct value *vars, struct error **err)
{
	enum type_kind kind = type_kind(value_type(vars));

	if ((kind != TYPE_MAP && kind != TYPE_OBJECT) || value_is_null(vars))
		return error_set(err, ERROR_INVALID, "invalid vars value: must be a map");
	for (size_t i = 0; i < value_len(vars); i++) {
		const char *name = value_key_at(vars, i);
		AUTO_FREE char *quoted = go_quoted(name, strlen(name));

		if (!is_identifier(name))
			return error_set(err, ERROR_INVALID,
					 "invalid template variable name %s: must start with a "
					 "letter, followed by zero or more letters, digits, and "
					 "underscores",
					 quoted);
		scope_set(s, name, value_at(vars, i));
	}
	return 0;
}

struct check {
	const struct value *vars;
	struct error **err;
};

static void check_reference(void *data, const struct expr *e)
{
	struct check *c = data;

	while (e->kind == EXPR_ATTR || e->kind == EXPR_INDEX)
		e = e->kind == EXPR_ATTR ? e->attr.object : e->index.object;
	if (*c->err || e->kind != EXPR_VARIABLE)
		return;

	AUTO_FREE char *name = str_dup(e->variable.name);
	if (value_get(c->vars, name))
		return;
	AUTO(strbuf) struct strbuf at = STRBUF_INIT;
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	range_format(&at, e->variable.name_range);
	error_set(c->err, ERROR_INVALID, "vars map does not contain key %s, referenced at %s",
		  quoted, at.buf);
}

static int fail_with(const struct diags *d, struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	diags_format_error(&sb, d);
	return error_set(err, ERROR_FAILED, "%s", sb.buf);
}

static struct value *render(const struct func_world *w, const char *name, const char *text,
			    struct value *vars, struct error **err)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(scope) struct scope *scope = scope_new(NULL);
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct func_def stub;
	AUTO_FREE const struct func_def **table = without_recursion(w->render_data, &stub);

	const struct source *src = sources_add(sources, name, text, strlen(text));
	struct expr *e = parse_template(src, arena, &diags);
	if (diags_has_errors(&diags)) {
		fail_with(&diags, err);
		return NULL;
	}
	if (fill_scope(scope, vars, err) < 0)
		return NULL;
	expr_walk_references(e, check_reference, &(struct check){ vars, err });
	if (*err)
		return NULL;

	scope_set_functions(scope, table, w);
	AUTO(value) struct value *v = eval_expr(e, scope, &diags);
	if (diags_has_errors(&diags)) {
		fail_with(&diags, err);
		return NULL;
	}
	return TAKE(v);
}

void render_enable(struct func_world *w, const struct func_def *const *table)
{
	w->render = render;
	w->render_data = (void *)table;
}
