/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines, commands, terms and calls of functions -> values. */
#include "base/alloc.h"
#include "tmpl/execution.h"

#include <stdlib.h>
#include <string.h>

/* The value piped in; none: `is_set` false. */
struct final {
	bool is_set;
	struct tmpl_value value;
};

static const struct final no_final = { 0 };

static void look_at(struct exec *x, const struct term *t)
{
	x->at = (struct place){ .term = t };
}

void exec_set(struct exec *x, const struct term *variable, struct tmpl_value v)
{
	if (variable->slot == SLOT_NONE)
		exec_fail(x, "undefined variable: %.*s", STR_FMT(variable->text));
	else
		x->frame[variable->slot] = v;
}

static void tell(const struct exec *x, enum tmpl_use what, struct str name)
{
	if (x->ctx->used)
		x->ctx->used(x->ctx->used_data, what, name);
}

static void tell_field(const struct exec *x, struct tmpl_value v, struct str name)
{
	if (v.kind == TMPL_MAP && v.data == x->ctx->data)
		tell(x, TMPL_USES_FIELD, name);
}

static const struct str all_of_it = { "", 0 };

/* ---- fields --------------------------------------------------------------------------- */

static struct tmpl_value field_of(struct exec *x, struct tmpl_value v, struct str name)
{
	AUTO_FREE char *key = str_dup(name);

	tell_field(x, v, name);
	if (v.kind == TMPL_MAP) {
		struct value *field = value_get(v.data, key);

		if (!field && x->ctx->data_type && v.data == x->ctx->data)
			exec_fail(x, "can't evaluate field %s in type %s", key, x->ctx->data_type);
		return tmpl_from(field);
	}
	if (v.kind != TMPL_NIL)
		exec_fail(x, "can't evaluate field %s in type %s", key, tmpl_type_name(v));
	return TMPL_NOTHING;
}

/* Is there something behind that only a function could take? */
static bool has_arguments(const struct command *c, const struct final *final)
{
	return (c && c->len > 1) || final->is_set;
}

static struct tmpl_value fields_of(struct exec *x, const struct term *t, struct tmpl_value v,
				   const struct command *c, const struct final *final)
{
	for (size_t i = 0; i < t->field_count && !*x->err; i++) {
		bool is_last = i + 1 == t->field_count;

		if (is_last && v.kind == TMPL_MAP && has_arguments(c, final))
			exec_fail(x, "%.*s is not a method but has arguments",
				  STR_FMT(t->fields[i]));
		v = field_of(x, v, t->fields[i]);
	}
	return v;
}

static void refuse_arguments(struct exec *x, const struct command *c, const struct final *final)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!has_arguments(c, final))
		return;
	term_print(&text, c->args[0]);
	exec_fail(x, "can't give argument to non-function %s", text.buf);
}

static struct tmpl_value variable_of(struct exec *x, const struct term *t, const struct command *c,
				     const struct final *final)
{
	look_at(x, t);
	if (t->slot == SLOT_NONE) {
		exec_fail(x, "undefined variable: %.*s", STR_FMT(t->text));
		return TMPL_NOTHING;
	}
	if (t->field_count)
		return fields_of(x, t, x->frame[t->slot], c, final);
	refuse_arguments(x, c, final);
	tell_field(x, x->frame[t->slot], all_of_it);
	return x->frame[t->slot];
}

/* ---- calls ------------------------------------------------------------------------------- */

static char parameter_type(const struct tmpl_func *f, size_t i)
{
	size_t n = f->types ? strlen(f->types) : 0;

	return n ? f->types[MIN(i, n - 1)] : 'a';
}

static const char *type_word(char type)
{
	return type == 's' ? "string" : "int";
}

/* A value that is already there for a parameter. */
static void check_type(struct exec *x, struct tmpl_value v, char type)
{
	enum tmpl_kind want = type == 's' ? TMPL_STRING : TMPL_INT;

	if (type == 'a' || v.kind == want)
		return;
	if (v.kind == TMPL_NIL)
		exec_fail(x, "invalid value; expected %s", type_word(type));
	else
		exec_fail(x, "wrong type for value; expected %s; got %s", type_word(type),
			  tmpl_type_name(v));
}

/* A constant for a parameter. */
static struct tmpl_value constant_argument(struct exec *x, const struct term *t, char type)
{
	if (type == 'a' || (type == 's' && t->kind == TERM_STRING))
		return t->value;
	if (type == 'i' && t->kind == TERM_NUMBER && t->is_int)
		return tmpl_int(t->integer);

	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	term_print(&text, t);
	exec_fail(x, "expected %s; found %s", type == 's' ? "string" : "integer", text.buf);
	return TMPL_NOTHING;
}

static struct tmpl_value call(struct exec *x, const struct term *t, const struct command *c,
			      const struct final *final);

static struct tmpl_value chain_of(struct exec *x, const struct term *t, const struct command *c,
				  const struct final *final)
{
	look_at(x, t);

	const struct term *base = t->base;
	struct tmpl_value v;

	look_at(x, base);
	v = base->kind == TERM_PIPE ? exec_pipe(x, base->pipe) : call(x, base, NULL, &no_final);
	return *x->err ? TMPL_NOTHING : fields_of(x, t, v, c, final);
}

static struct tmpl_value argument(struct exec *x, const struct term *t, char type)
{
	struct tmpl_value v = TMPL_NOTHING;

	look_at(x, t);
	switch (t->kind) {
	case TERM_DOT:
		tell_field(x, x->dot, all_of_it);
		v = x->dot;
		break;
	case TERM_NIL:
		if (type != 'a')
			exec_fail(x, "cannot assign nil to %s", type_word(type));
		return TMPL_NOTHING;
	case TERM_FIELD:
		v = fields_of(x, t, x->dot, NULL, &no_final);
		break;
	case TERM_VARIABLE:
		v = variable_of(x, t, NULL, &no_final);
		break;
	case TERM_PIPE:
		v = exec_pipe(x, t->pipe);
		break;
	case TERM_IDENTIFIER:
		v = call(x, t, NULL, &no_final);
		break;
	case TERM_CHAIN:
		v = chain_of(x, t, NULL, &no_final);
		break;
	case TERM_BOOL:
	case TERM_NUMBER:
	case TERM_STRING:
		return constant_argument(x, t, type);
	}
	check_type(x, v, type);
	return v;
}

/* `and` and `or` compute no more than they need. */
static struct tmpl_value short_circuit(struct exec *x, const struct tmpl_func *f,
				       const struct command *c, const struct final *final)
{
	bool is_or = text_eq(f->name, "or");
	struct tmpl_value v = TMPL_NOTHING;

	for (size_t i = 1; c && i < c->len; i++) {
		v = argument(x, c->args[i], 'a');
		if (*x->err || tmpl_is_true(v) == is_or)
			return v;
	}
	return final->is_set ? final->value : v;
}

static bool count_is_right(struct exec *x, const struct tmpl_func *f, size_t words, size_t n)
{
	if (f->max_args < 0 && n < (size_t)f->min_args)
		exec_fail(x, "wrong number of args for %s: want at least %d got %zu", f->name,
			  f->min_args, words);
	else if (f->max_args >= 0 && n != (size_t)f->max_args)
		exec_fail(x, "wrong number of args for %s: want %d got %zu", f->name, f->max_args,
			  n);
	return !*x->err;
}

static struct tmpl_value invoke(struct exec *x, const struct tmpl_func *f, struct place at,
				const struct tmpl_value *args, size_t n)
{
	AUTO(error) struct error *e = NULL;
	struct tmpl_value v = TMPL_NOTHING;
	struct tmpl_call call = { x->ctx, x->arena, args, n, &e };

	if (f->run(&call, &v)) {
		if (v.kind == TMPL_STRING && !exec_account(x, v.text.len))
			return TMPL_NOTHING;
		return v;
	}
	x->at = at;
	exec_fail(x, "error calling %s: %s", f->name, e->message);
	return TMPL_NOTHING;
}

/* `c` is the command that starts with it, or NULL where it stands alone. */
static struct tmpl_value call(struct exec *x, const struct term *t, const struct command *c,
			      const struct final *final)
{
	const struct tmpl_func *f = tmpl_func_find(x->ctx->extra, t->text);
	struct place at = c ? (struct place){ .command = c } : (struct place){ .term = t };
	size_t words = c ? c->len - 1 : 0, n = words + final->is_set;

	look_at(x, t);
	tell(x, TMPL_USES_FUNCTION, t->text);
	if (!count_is_right(x, f, words, n) || !exec_step(x))
		return TMPL_NOTHING;
	if (text_eq(f->name, "and") || text_eq(f->name, "or"))
		return short_circuit(x, f, c, final);

	AUTO_FREE struct tmpl_value *args = xcalloc(n + 1, sizeof(*args));

	for (size_t i = 0; i < words && !*x->err; i++)
		args[i] = argument(x, c->args[i + 1], parameter_type(f, i));
	if (final->is_set && !*x->err) {
		args[words] = final->value;
		check_type(x, final->value, parameter_type(f, words));
	}
	return *x->err ? TMPL_NOTHING : invoke(x, f, at, args, n);
}

/* ---- commands and pipelines ------------------------------------------------------------------ */

static struct tmpl_value constant(struct exec *x, const struct term *t)
{
	if (t->kind == TERM_DOT) {
		tell_field(x, x->dot, all_of_it);
		return x->dot;
	}
	if (t->kind == TERM_NIL)
		exec_fail(x, "nil is not a command");
	return t->value;
}

static struct tmpl_value run_command(struct exec *x, const struct command *c,
				     const struct final *final)
{
	const struct term *head = c->args[0];

	switch (head->kind) {
	case TERM_FIELD:
		look_at(x, head);
		return fields_of(x, head, x->dot, c, final);
	case TERM_CHAIN:
		return chain_of(x, head, c, final);
	case TERM_IDENTIFIER:
		return call(x, head, c, final);
	case TERM_VARIABLE:
		return variable_of(x, head, c, final);
	case TERM_PIPE:
		refuse_arguments(x, c, final);
		return *x->err ? TMPL_NOTHING : exec_pipe(x, head->pipe);
	case TERM_DOT:
	case TERM_NIL:
	case TERM_BOOL:
	case TERM_NUMBER:
	case TERM_STRING:
		break;
	}
	look_at(x, head);
	refuse_arguments(x, c, final);
	return *x->err ? TMPL_NOTHING : constant(x, head);
}

struct tmpl_value exec_pipe(struct exec *x, const struct pipe *pipe)
{
	struct final v = no_final;

	x->at = (struct place){ .pipe = pipe };
	for (size_t i = 0; i < pipe->len && exec_step(x); i++) {
		v.value = run_command(x, &pipe->commands[i], &v);
		v.is_set = true;
	}
	for (size_t i = 0; i < pipe->decl_count && !*x->err; i++)
		exec_set(x, pipe->decls[i], v.value);
	return *x->err ? TMPL_NOTHING : v.value;
}
