/* SPDX-License-Identifier: Apache-2.0 */
/* Tree + data -> text. */
#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "tmpl/node.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 64 * 1024 * 1024 };

struct variable {
	struct str name;
	struct value *value; /* owned; NULL: nil */
};

struct exec {
	const struct tmpl_ctx *ctx;
	const char *text;
	struct strbuf *out;
	struct value *dot; /* borrowed; NULL: nil */
	VEC_DECLARE(, struct variable) vars;
	struct error **err;
};

int tmpl_exec_error(struct error **err, const char *whole, struct str at, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;
	int line = 1, column = 0;

	for (const char *p = whole; p < at.p; p++) {
		column = *p == '\n' ? 0 : column + 1;
		line += *p == '\n';
	}
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	error_set(err, ERROR_INVALID, "template: root:%d:%d: executing \"root\" at <%.*s>: %s",
		  line, column, STR_FMT(at), sb.buf);
	strbuf_release(&sb);
	return -1;
}

/* Results are owned; NULL with an empty *err is nil. */
static struct value *eval_pipe(struct exec *x, const struct pipe *pipe);

static struct value *own(struct value *v)
{
	return v ? value_ref(v) : NULL;
}

static struct value *field_of(struct exec *x, struct value *v, struct str name, struct str at)
{
	AUTO_FREE char *key = str_dup(name);

	if (!v || value_is_null(v) || !value_is_known(v))
		return NULL;

	enum type_kind kind = type_kind(value_type(v));

	if (kind == TYPE_OBJECT || kind == TYPE_MAP)
		return own(value_get(v, key));
	tmpl_exec_error(x->err, x->text, at, "can't evaluate field %s in a value that is no map",
			key);
	return NULL;
}

static struct value *variable_of(struct exec *x, const struct term *t)
{
	if (!t->name.len)
		return own(x->ctx->data);
	for (size_t i = x->vars.len; i-- > 0;)
		if (str_eq(x->vars.items[i].name, t->name))
			return own(x->vars.items[i].value);
	tmpl_exec_error(x->err, x->text, t->text, "undefined variable: $%.*s", STR_FMT(t->name));
	return NULL;
}

static struct value *eval_term(struct exec *x, const struct term *t);

static struct value *eval_field(struct exec *x, const struct term *t)
{
	struct value *v = t->base ? eval_term(x, t->base) : own(x->dot);

	for (size_t i = 0; i < t->field_count && !*x->err; i++) {
		struct value *inner = field_of(x, v, t->fields[i], t->text);

		value_unref(v);
		v = inner;
	}
	return v;
}

static struct value *call(struct exec *x, const struct term *t, struct str at, struct value **args,
			  const struct term *const *terms, size_t n)
{
	const struct tmpl_func *f = tmpl_func_find(t->name);
	AUTO(error) struct error *e = NULL;

	if (n < (size_t)f->min_args || (f->max_args >= 0 && n > (size_t)f->max_args)) {
		tmpl_exec_error(x->err, x->text, t->text,
				f->max_args < 0
					? "wrong number of args for %s: want at least %d got %zu"
					: "wrong number of args for %s: want %d got %zu",
				f->name, f->min_args, n);
		return NULL;
	}
	for (size_t i = 0; i < n && f->types && f->types[i]; i++) {
		char want = f->types[i];
		bool ok = want == 's'   ? args[i] && value_type(args[i]) == type_string
			  : want == 'i' ? args[i] && value_type(args[i]) == type_number
					: true;

		if (!ok) {
			struct str where = terms[i] ? terms[i]->text : at;

			tmpl_exec_error(x->err, x->text, where, "expected %s; found %.*s",
					want == 's' ? "string" : "integer", STR_FMT(where));
			return NULL;
		}
	}

	struct value *v = f->call(x->ctx, args, n, &e);

	if (e)
		tmpl_exec_error(x->err, x->text, at, "error calling %s: %s", f->name, e->message);
	return v;
}

static struct value *eval_term(struct exec *x, const struct term *t)
{
	switch (t->kind) {
	case TERM_DOT:
		return own(x->dot);
	case TERM_FIELD:
		return eval_field(x, t);
	case TERM_VAR:
		return variable_of(x, t);
	case TERM_LITERAL:
		return value_ref(t->value);
	case TERM_NIL:
		return NULL;
	case TERM_CALL:
		return call(x, t, t->text, NULL, NULL, 0);
	case TERM_PIPE:
		return eval_pipe(x, t->pipe);
	}
	return NULL;
}

/* `piped` is the last argument when there was a command before. */
static struct value *eval_command(struct exec *x, const struct command_node *c, struct value *piped,
				  bool has_piped)
{
	const struct term *head = c->terms[0];
	size_t n = c->len - 1;

	if (head->kind != TERM_CALL) {
		if (n || has_piped)
			return tmpl_exec_error(x->err, x->text, head->text,
					       "can't give argument to non-function %.*s",
					       STR_FMT(head->text)),
			       NULL;
		if (head->kind == TERM_NIL)
			return tmpl_exec_error(x->err, x->text, head->text, "nil is not a command"),
			       NULL;
		return eval_term(x, head);
	}

	struct value **args = xcalloc(n + 1, sizeof(*args));
	const struct term **terms = xcalloc(n + 1, sizeof(*terms));
	struct value *v = NULL;

	for (size_t i = 0; i < n && !*x->err; i++) {
		terms[i] = c->terms[i + 1];
		args[i] = eval_term(x, terms[i]);
	}
	if (has_piped)
		args[n] = own(piped);
	if (!*x->err)
		v = call(x, head, c->text, args, terms, n + has_piped);
	for (size_t i = 0; i < n + 1; i++)
		value_unref(args[i]);
	free(args);
	free(terms);
	return v;
}

static void set_variable(struct exec *x, struct str name, struct value *v, bool assign)
{
	for (size_t i = x->vars.len; assign && i-- > 0;)
		if (str_eq(x->vars.items[i].name, name)) {
			value_unref(x->vars.items[i].value);
			x->vars.items[i].value = own(v);
			return;
		}
	*vec_push(&x->vars) = (struct variable){ name, own(v) };
}

static struct value *eval_commands(struct exec *x, const struct pipe *pipe)
{
	struct value *v = NULL;

	for (size_t i = 0; i < pipe->len && !*x->err; i++) {
		struct value *next = eval_command(x, &pipe->commands[i], v, i > 0);

		value_unref(v);
		v = next;
	}
	return v;
}

static struct value *eval_pipe(struct exec *x, const struct pipe *pipe)
{
	struct value *v = eval_commands(x, pipe);

	if (pipe->variable.len && !*x->err)
		set_variable(x, pipe->variable, v, pipe->is_assign);
	return v;
}

static void drop_variables(struct exec *x, size_t down_to)
{
	while (x->vars.len > down_to)
		value_unref(x->vars.items[--x->vars.len].value);
}

static void run_list(struct exec *x, const struct node *n);

static void run_body(struct exec *x, const struct node *body, struct value *dot)
{
	struct value *outer = x->dot;
	size_t vars = x->vars.len;

	x->dot = dot;
	run_list(x, body);
	x->dot = outer;
	drop_variables(x, vars);
}

static struct value *key_of(const struct value *v, size_t i)
{
	enum type_kind kind = type_kind(value_type(v));

	if (kind == TYPE_MAP || kind == TYPE_OBJECT)
		return value_string(value_key_at(v, i));
	return value_int((int64_t)i);
}

static void run_range(struct exec *x, const struct node *n)
{
	AUTO(value) struct value *v = eval_commands(x, n->pipe);
	size_t vars = x->vars.len;

	if (*x->err)
		return;

	bool is_list =
		v && value_is_known(v) && !value_is_null(v) && !type_is_primitive(value_type(v));

	if (v && !is_list && !value_is_null(v)) {
		tmpl_exec_error(x->err, x->text, n->pipe->text, "range can't iterate over it");
		return;
	}
	if (!is_list || !value_len(v)) {
		run_body(x, n->otherwise, x->dot);
		return;
	}
	for (size_t i = 0; i < value_len(v) && !*x->err; i++) {
		AUTO(value) struct value *key = key_of(v, i);

		if (n->pipe->key.len)
			set_variable(x, n->pipe->key, key, false);
		if (n->pipe->variable.len)
			set_variable(x, n->pipe->variable, value_at(v, i), false);
		run_body(x, n->body, value_at(v, i));
		drop_variables(x, vars);
	}
}

static void run_branch(struct exec *x, const struct node *n)
{
	size_t vars = x->vars.len;
	AUTO(value) struct value *v = eval_pipe(x, n->pipe);

	if (*x->err)
		return;
	if (tmpl_is_true(v))
		run_body(x, n->body, n->kind == NODE_WITH ? v : x->dot);
	else
		run_body(x, n->otherwise, x->dot);
	drop_variables(x, vars);
}

static void run_list(struct exec *x, const struct node *n)
{
	for (; n && !*x->err; n = n->next) {
		if (n->kind == NODE_TEXT) {
			strbuf_add(x->out, n->text.p, n->text.len);
		} else if (n->kind == NODE_RANGE) {
			run_range(x, n);
		} else if (n->kind != NODE_ACTION) {
			run_branch(x, n);
		} else {
			AUTO(value) struct value *v = eval_pipe(x, n->pipe);

			if (!*x->err && !n->pipe->variable.len)
				tmpl_print(x->out, v);
		}
	}
}

char *tmpl_render(const char *text, const struct tmpl_ctx *ctx, struct error **err)
{
	if (!strstr(text, "{{"))
		return xstrdup(text);

	AUTO(arena) struct arena *arena = arena_new();
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);
	struct node *root = tmpl_parse(text, arena, err);

	if (!root)
		return NULL;

	struct exec x = { .ctx = ctx, .text = text, .out = &out, .dot = ctx->data, .err = err };

	run_list(&x, root);
	drop_variables(&x, 0);
	vec_release(&x.vars);
	if (!*err && out.overflow)
		error_set(err, ERROR_INVALID, "template: root: the result is larger than 64 MiB");
	return *err ? NULL : strbuf_detach(&out);
}

int tmpl_check(const char *text, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();

	return tmpl_parse(text, arena, err) ? 0 : -1;
}
