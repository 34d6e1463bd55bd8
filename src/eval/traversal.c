/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables, `.name`, `[key]` and splats (language.md 7.1, 7.6 to 7.8). A
 * chain of steps is as long as somebody typed it, so it is a list, not a
 * recursion: its root first, then each step on the value so far.
 */
#include "base/alloc.h"
#include "eval/access.h"
#include "eval/evaluator.h"
#include "value/convert.h"

static struct value *evaluate_variable(const struct evaluator *ev, const struct expr *e)
{
	AUTO_FREE char *name = str_dup(e->variable.name);
	struct value *v = scope_get(ev->scope, name);

	if (v)
		return value_ref(v);

	struct complaint c = { "Variables not allowed", &e->variable.name_range, NULL, e };
	if (!scope_has_variables(ev->scope)) {
		complain(ev, &c, "Variables may not be used here.");
		return value_unknown(type_dynamic);
	}

	AUTO_FREE char *other = scope_suggest(ev->scope, name);
	AUTO_FREE char *quoted = go_quoted(name, e->variable.name.len);
	c.summary = "Unknown variable";
	if (other)
		complain(ev, &c, "There is no variable named %s. Did you mean \"%s\"?", quoted,
			 other);
	else
		complain(ev, &c, "There is no variable named %s.", quoted);
	return value_unknown(type_dynamic);
}

static struct value *apply_index(const struct evaluator *ev, const struct expr *e,
				 struct value *collection)
{
	AUTO(value) struct value *key = evaluate(ev, e->index.key);

	return access_index(ev, collection, key,
			    &(struct access){ .about = e, .range = e->index.bracket });
}

static struct value *apply_attr(const struct evaluator *ev, const struct expr *e,
				struct value *object)
{
	AUTO_FREE char *name = str_dup(e->attr.name);

	return access_attr(ev, object, name,
			   &(struct access){ .about = e, .range = e->attr.name_range });
}

/* --- splat --- */

struct splat {
	const struct expr *e;
	struct value *source; /* borrowed, known, a sequence */
	struct value **items; /* results; owned */
	size_t len;
};

static struct value *apply_each(const struct evaluator *ev, const struct splat *s,
				struct value *item)
{
	struct evaluator inner = *ev;

	inner.item = item;
	return evaluate(&inner, s->e->splat.each);
}

static struct value *each_of_unknown(const struct evaluator *ev, const struct splat *s,
				     struct type *t)
{
	AUTO(value) struct value *item = value_unknown(t);

	return apply_each(ev, s, item);
}

/* What the result would be, told from the type of the source alone. Owned. */
static struct type *splat_result_type(const struct evaluator *ev, const struct splat *s)
{
	struct type *t = value_type(s->source);

	if (type_is_collection(t)) {
		AUTO(value) struct value *v = each_of_unknown(ev, s, type_element(t));

		return type_list(value_type(v));
	}

	size_t n = type_len(t);
	AUTO_FREE struct type **types = xcalloc(n + 1, sizeof(struct type *));
	for (size_t i = 0; i < n; i++) {
		AUTO(value) struct value *v = each_of_unknown(ev, s, type_at(t, i));

		types[i] = type_ref(value_type(v));
	}
	struct type *ret = type_tuple(types, n);
	for (size_t i = 0; i < n; i++)
		type_unref(types[i]);
	return ret;
}

static struct value *unknown_splat(const struct evaluator *ev, const struct splat *s)
{
	AUTO(type) struct type *t = splat_result_type(ev, s);

	return value_unknown(t);
}

static bool items_agree(const struct splat *s)
{
	for (size_t i = 1; i < s->len; i++) {
		if (!type_equal(value_type(s->items[0]), value_type(s->items[i])))
			return false;
	}
	return true;
}

static void free_items(struct splat *s)
{
	for (size_t i = 0; i < s->len; i++)
		value_unref(s->items[i]);
	s->len = 0;
}

static struct value *splat_list(const struct evaluator *ev, struct splat *s)
{
	if (s->len == 0) {
		AUTO(type) struct type *t = splat_result_type(ev, s);

		return value_list_take(type_element(t), s->items, 0);
	}
	if (!items_agree(s)) {
		const struct expr *each = s->e->splat.each, *source = s->e->splat.source;
		struct range context = range_between(source->range, each->range);

		complain(ev,
			 &(struct complaint){ "Invalid nested splat expressions", &each->range,
					      &context, source },
			 "The second level of splat expression produced elements of different "
			 "types, so it isn't possible to construct a valid list to represent the "
			 "top-level result.\n\nConsider using a for expression instead, to produce "
			 "a tuple-typed result which can therefore have non-homogenous element "
			 "types.");
		free_items(s);
		return value_unknown(type_dynamic);
	}
	return value_list_take(value_type(s->items[0]), s->items, s->len);
}

static struct value *splat_sequence(const struct evaluator *ev, struct splat *s)
{
	size_t before = ev->diags->errors, n = value_len(s->source);
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));

	s->items = items;
	for (size_t i = 0; i < n; i++) {
		AUTO(value) struct value *item = iteration_value(s->source, i);

		items[s->len++] = apply_each(ev, s, item);
	}
	if (ev->diags->errors > before) {
		AUTO(diags) struct diags repeated = DIAGS_INIT;
		struct evaluator silent = *ev;

		silent.diags = &repeated;
		silent.is_probe = true;
		free_items(s);
		return unknown_splat(&silent, s);
	}
	if (type_is_collection(value_type(s->source)))
		return splat_list(ev, s);
	return value_tuple_take(items, s->len);
}

static bool is_sequence(const struct type *t)
{
	return type_kind(t) == TYPE_LIST || type_kind(t) == TYPE_SET || type_kind(t) == TYPE_TUPLE;
}

/* A value that is no sequence counts as a tuple of it, or as none when null. */
static struct value *splat_single(const struct evaluator *ev, const struct expr *e,
				  struct value *source)
{
	struct value *items[] = { value_ref(source) };
	AUTO(value) struct value *upgraded = value_tuple_take(items, 1);
	struct splat s = { .e = e, .source = upgraded };
	AUTO(value) struct value *ret = splat_sequence(ev, &s);

	/* Whether it is null, so one element or none, is not known yet. */
	return value_is_known(source) ? TAKE(ret) : value_unknown(type_dynamic);
}

static struct value *splat_of(const struct evaluator *ev, const struct expr *e,
			      struct value *source)
{
	struct splat s = { .e = e, .source = source };

	if (value_is_null(source)) {
		if (!is_sequence(value_type(source)))
			return value_tuple_take(NULL, 0);
		const struct expr *from = e->splat.source;
		struct range context = range_between(from->range, e->splat.marker);
		complain(ev,
			 &(struct complaint){ "Splat of null value", &from->range, &context, from },
			 "Splat expressions (with the * symbol) cannot be applied to null "
			 "sequences.");
		return value_unknown(type_dynamic);
	}
	if (type_kind(value_type(source)) == TYPE_DYNAMIC)
		return value_unknown(type_dynamic);
	if (!is_sequence(value_type(source)))
		return splat_single(ev, e, source);
	if (!value_is_known(source))
		return unknown_splat(ev, &s);
	return splat_sequence(ev, &s);
}

static struct value *apply_splat(const struct evaluator *ev, const struct expr *e,
				 struct value *source, bool source_failed)
{
	if (source_failed) {
		/* Only to see more mistakes. */
		AUTO(value) struct value *unused = apply_each(ev, &(struct splat){ .e = e }, NULL);

		return value_unknown(type_dynamic);
	}
	return value_marked_take(splat_of(ev, e, source), value_is_sensitive(source));
}

/* --- chains --- */

/* What the last step of a chain applies to; NULL: e is no step. */
static const struct expr *step_operand(const struct expr *e)
{
	switch (e->kind) {
	case EXPR_ATTR:
		return e->attr.object;
	case EXPR_INDEX:
		return e->index.object;
	case EXPR_SPLAT:
		return e->splat.source;
	default:
		return NULL;
	}
}

static struct value *evaluate_root(const struct evaluator *ev, const struct expr *e)
{
	if (e->kind == EXPR_VARIABLE)
		return evaluate_variable(ev, e);
	if (e->kind == EXPR_SPLAT_ITEM)
		return ev->item ? value_ref(ev->item) : value_unknown(type_dynamic);
	return evaluate(ev, e);
}

static struct value *apply_step(const struct evaluator *ev, const struct expr *step,
				struct value *v, bool failed)
{
	if (step->kind == EXPR_ATTR)
		return apply_attr(ev, step, v);
	if (step->kind == EXPR_INDEX)
		return apply_index(ev, step, v);
	return apply_splat(ev, step, v, failed);
}

struct value *evaluate_chain(const struct evaluator *ev, const struct expr *e)
{
	VEC_DECLARE(steps, const struct expr *) steps = { 0 };
	size_t before = ev->diags->errors;

	for (const struct expr *from; (from = step_operand(e)); e = from)
		*vec_push(&steps) = e;

	struct value *v = evaluate_root(ev, e);
	for (size_t i = steps.len; i-- > 0;) {
		struct value *next = apply_step(ev, steps.items[i], v, ev->diags->errors > before);

		value_unref(v);
		v = next;
	}
	vec_release(&steps);
	return v;
}
