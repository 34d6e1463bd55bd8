/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function calls (language.md 7.10): find the row, count and convert the
 * arguments, and only then call (func_invoke() sees to nulls, unknowns and
 * marks). Expansion, and arguments that the function evaluates itself, are
 * nothing that a row needs to know more about.
 */
#include "base/alloc.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "eval/evaluator.h"
#include "value/convert.h"

#include <string.h>

struct argument {
	const struct expr *e;
	struct value *value; /* owned; NULL: not evaluated */
	bool is_expanded;
};

struct call {
	const struct evaluator *ev;
	const struct expr *e;
	const struct func_def *def;
	char *name, *quoted;
	struct argument *args;
	size_t len;
	bool sensitive;
	bool type_reported; /* type_lazy() has said what is wrong */
};

/* --- finding the function --- */

static void report_unknown(const struct evaluator *ev, const struct expr *e,
			   const struct func_def *const *table, const char *name)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	struct complaint c = { "Call to unknown function", &e->call.name_range, &e->range, e };

	for (size_t i = 0; table[i]; i++)
		strv_push(&names, table[i]->name);
	const char *other = suggest(name, (const char *const *)names.v);
	if (other)
		complain(ev, &c, "There is no function named %s. Did you mean \"%s\"?", quoted,
			 other);
	else
		complain(ev, &c, "There is no function named %s.", quoted);
}

static const char *last_separator(const char *name)
{
	const char *found = NULL;

	for (const char *p = name; (p = strstr(p, "::")); p++)
		found = p;
	return found;
}

static void report_unknown_in_namespace(const struct evaluator *ev, const struct expr *e,
					const struct func_def *const *table, const char *name)
{
	size_t space = (size_t)(last_separator(name) - name) + 2;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *prefix = xstrndup(name, space);
	AUTO_FREE char *quoted = go_quoted(name + space, strlen(name + space));
	struct complaint c = { "Call to unknown function", &e->call.name_range, &e->range, e };

	for (size_t i = 0; table[i]; i++) {
		if (text_starts_with(table[i]->name, prefix))
			strv_push(&names, table[i]->name + space);
	}
	const char *other = suggest(name + space, (const char *const *)names.v);
	if (names.len == 0)
		complain(ev, &c, "There are no functions in namespace \"%s\".", prefix);
	else if (other)
		complain(ev, &c,
			 "There is no function named %s in namespace %s. Did you mean %s%s?",
			 quoted, prefix, prefix, other);
	else
		complain(ev, &c, "There is no function named %s in namespace %s.", quoted, prefix);
}

static const struct func_def *find_function(const struct evaluator *ev, const struct expr *e,
					    const char *name)
{
	const struct func_world *world;
	const struct func_def *const *table = scope_functions(ev->scope, &world);

	if (!table) {
		complain(ev,
			 &(struct complaint){ "Function calls not allowed", &e->range, NULL, e },
			 "Functions may not be called here.");
		return NULL;
	}
	const struct func_def *def = func_find(table, name);
	if (def && world && world->called)
		world->called(world->called_data, def);
	if (def)
		return def;
	if (last_separator(name))
		report_unknown_in_namespace(ev, e, table, name);
	else
		report_unknown(ev, e, table, name);
	return NULL;
}

/* --- arguments --- */

static struct range argument_start(const struct argument *a)
{
	return a->is_expanded ? a->e->range : expr_start(a->e);
}

static void report_argument(const struct call *c, size_t i, const char *why)
{
	const struct argument *a = &c->args[i];
	const char *name = func_param(c->def, i)->name;
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	struct range start = argument_start(a);

	complain(c->ev,
		 &(struct complaint){ "Invalid function argument", &start, &c->e->range, a->e },
		 "Invalid value for %s parameter: %s.", quoted, why);
}

/* Appends the elements of the last argument. False: the call cannot happen. */
static bool expand_last(struct call *c, const struct expr *last)
{
	struct complaint bad = { "Invalid expanding argument value", &last->range, &c->e->range,
				 last };
	size_t before = c->ev->diags->errors;
	AUTO(value) struct value *v = evaluate(c->ev, last);
	enum type_kind kind = type_kind(value_type(v));

	c->sensitive |= value_is_sensitive(v);
	if (c->ev->diags->errors > before)
		return false;
	if (kind != TYPE_DYNAMIC && kind != TYPE_TUPLE && kind != TYPE_LIST && kind != TYPE_SET) {
		complain(c->ev, &bad,
			 "The expanding argument (indicated by ...) must be of a tuple, list, or "
			 "set type.");
		return false;
	}
	if (value_is_null(v)) {
		complain(c->ev, &bad,
			 "The expanding argument (indicated by ...) must not be null.");
		return false;
	}
	if (!value_is_known(v))
		return false;

	size_t n = value_len(v);
	c->args = xreallocarray(c->args, c->len + n + 1, sizeof(*c->args));
	for (size_t i = 0; i < n; i++)
		c->args[c->len++] = (struct argument){ last, value_ref(value_at(v, i)), true };
	return true;
}

static bool collect_arguments(struct call *c)
{
	size_t given = c->e->call.len;
	bool expand = c->e->call.expand_last && given > 0;

	c->args = xcalloc(given + 1, sizeof(*c->args));
	for (size_t i = 0; i < given - expand; i++)
		c->args[c->len++] = (struct argument){ .e = c->e->call.args[i] };
	return !expand || expand_last(c, c->e->call.args[given - 1]);
}

static bool count_is_right(const struct call *c)
{
	size_t want = func_param_count(c->def);

	if (c->len < want) {
		const char *missing = c->def->params[c->len].name;
		AUTO_FREE char *quoted = go_quoted(missing, strlen(missing));

		complain(c->ev,
			 &(struct complaint){ "Not enough function arguments", &c->e->call.close,
					      &c->e->range, c->e },
			 "Function %s expects%s %zu argument(s). Missing value for %s.", c->quoted,
			 c->def->variadic ? " at least" : "", want, quoted);
		return false;
	}
	if (c->len > want && !c->def->variadic) {
		struct range start = argument_start(&c->args[want]);

		complain(c->ev,
			 &(struct complaint){ "Too many function arguments", &start, &c->e->range,
					      c->e },
			 "Function %s expects only %zu argument(s).", c->quoted, want);
		return false;
	}
	return true;
}

static void evaluate_argument(struct call *c, size_t i)
{
	const struct param *p = func_param(c->def, i);
	struct argument *a = &c->args[i];
	AUTO(error) struct error *err = NULL;

	if (p->flags & PARAM_LAZY)
		return;
	if (!a->value)
		a->value = evaluate(c->ev, a->e);
	c->sensitive |= value_is_sensitive_deep(a->value);
	if (!p->type)
		return;
	struct value *converted = value_convert(a->value, *p->type, &err);
	if (!converted) {
		report_argument(c, i, err->message);
		return;
	}
	value_unref(a->value);
	a->value = converted;
}

static bool evaluate_arguments(struct call *c)
{
	size_t before = c->ev->diags->errors;

	for (size_t i = 0; i < c->len; i++)
		evaluate_argument(c, i);
	return c->ev->diags->errors == before;
}

/* --- calling --- */

static void add_mistakes(struct strbuf *sb, const struct diags *d)
{
	for (size_t i = 0; i < d->len; i++) {
		const struct diag *item = &d->items[i];

		strbuf_addf(sb, "- %s", item->summary);
		if (item->subject.source) {
			strbuf_addstr(sb, " (at ");
			range_format(sb, item->subject);
			strbuf_addch(sb, ')');
		}
		strbuf_addf(sb, "\n  %s\n", item->detail);
	}
}

static struct value *eval_lazy(const struct func_call *fc, size_t i, struct error **err)
{
	struct call *c = fc->eval_data;
	AUTO(diags) struct diags own = DIAGS_INIT;
	struct evaluator ev = *c->ev;

	assert(i < c->len);
	if (c->args[i].value)
		return value_ref(c->args[i].value);
	ev.diags = &own;
	AUTO(value) struct value *v = evaluate(&ev, c->args[i].e);
	if (!diags_has_errors(&own))
		return TAKE(v);

	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	add_mistakes(&sb, &own);
	error_set(err, ERROR_FAILED, "%s", sb.buf);
	return NULL;
}

static struct type *type_lazy(const struct func_call *fc, size_t i, struct error **err)
{
	struct call *c = fc->eval_data;

	assert(i < c->len);
	struct type *t = eval_type_constraint(c->args[i].e, false, c->ev->scope, c->ev->diags);
	if (!t) {
		c->type_reported = true;
		error_set(err, ERROR_INVALID, "invalid type specification");
	}
	return t;
}

static void report_call(const struct call *c, int bad_arg, const char *why)
{
	struct range start = expr_start(c->e);

	if (c->type_reported)
		return;
	if (bad_arg >= 0 && (size_t)bad_arg < c->len) {
		report_argument(c, (size_t)bad_arg, why);
		return;
	}
	complain(c->ev, &(struct complaint){ "Error in function call", &start, &c->e->range, c->e },
		 "Call to function %s failed: %s.", c->quoted, why);
}

static struct value *call_function(struct call *c)
{
	AUTO_FREE struct value **values = xcalloc(c->len + 1, sizeof(struct value *));
	AUTO(error) struct error *err = NULL;
	int bad_arg = -1;
	struct func_call fc = { .name = c->name,
				.args = values,
				.argc = c->len,
				.eval_lazy = eval_lazy,
				.type_lazy = type_lazy,
				.eval_data = c,
				.ret_bad_arg = &bad_arg };

	(void)scope_functions(c->ev->scope, &fc.world);
	for (size_t i = 0; i < c->len; i++) {
		if (!(func_param(c->def, i)->flags & PARAM_LAZY))
			values[i] = c->args[i].value;
	}
	struct value *ret = func_invoke(c->def, &fc, &err);
	if (ret)
		return ret;
	report_call(c, bad_arg, err->message);
	return value_unknown(type_dynamic);
}

static struct value *run_call(struct call *c)
{
	if (!collect_arguments(c) || !count_is_right(c) || !evaluate_arguments(c))
		return value_unknown(type_dynamic);
	return call_function(c);
}

struct value *evaluate_call(const struct evaluator *ev, const struct expr *e)
{
	AUTO_FREE char *name = str_dup(e->call.name);
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	struct call c = { .ev = ev, .e = e, .name = name, .quoted = quoted };

	c.def = find_function(ev, e, name);
	if (!c.def)
		return value_unknown(type_dynamic);

	struct value *ret = run_call(&c);
	for (size_t i = 0; i < c.len; i++)
		value_unref(c.args[i].value);
	free(c.args);
	return value_marked_take(ret, c.sensitive);
}
