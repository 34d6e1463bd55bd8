/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree + scope -> value. This file decides what each node is and builds the
 * simple ones; operators, traversals, loops, templates, conditionals and calls
 * have files of their own. No state lives outside the stack, so build threads
 * may evaluate the same tree at the same time.
 */
#include "eval/eval.h"

#include "base/alloc.h"
#include "eval/evaluator.h"
#include "value/convert.h"

struct value *value_marked_take(struct value *v, bool sensitive)
{
	if (!sensitive || value_is_sensitive(v))
		return v;

	struct value *marked = value_mark_sensitive(v, true);
	value_unref(v);
	return marked;
}

static struct value *evaluate_number(const struct expr *e)
{
	AUTO(number) struct number *n = number_parse(e->text.p, e->text.len);

	/* The parser has reported a malformed one. */
	return n ? value_number(n) : value_unknown(type_number);
}

static struct value *evaluate_tuple(const struct evaluator *ev, const struct expr *e)
{
	AUTO_FREE struct value **items = xcalloc(e->tuple.len + 1, sizeof(struct value *));

	for (size_t i = 0; i < e->tuple.len; i++)
		items[i] = evaluate(ev, e->tuple.items[i]);
	return value_tuple_take(items, e->tuple.len);
}

static const char ambiguous_key[] =
	"If this expression is intended to be a reference, wrap it in parentheses. If it's "
	"instead intended as a literal name containing periods, wrap it in quotes to create a "
	"string literal.";

/* NULL: no usable key. *ret_failed: already reported while evaluating. */
static struct value *evaluate_key(const struct evaluator *ev, const struct object_item *item,
				  bool *ret_failed)
{
	size_t before = ev->diags->errors;

	if (item->key_is_ambiguous) {
		complain(ev, &(struct complaint){ "Ambiguous attribute key", &item->key->range },
			 "%s", ambiguous_key);
		*ret_failed = true;
		return value_unknown(type_dynamic);
	}

	struct value *key = evaluate(ev, item->key);
	*ret_failed = ev->diags->errors > before;
	return key;
}

/* The key as text, heap; NULL when it cannot be known. Consumes `key`. */
static char *key_text(const struct evaluator *ev, const struct object_item *item,
		      struct value *key_taken, bool *sensitive)
{
	AUTO(value) struct value *key = key_taken;
	AUTO(error) struct error *e = NULL;

	if (value_is_null(key)) {
		complain(ev,
			 &(struct complaint){ "Null value as key", &item->value->range, NULL,
					      item->key },
			 "Can't use a null value as a key.");
		return NULL;
	}
	*sensitive |= value_is_sensitive(key);

	AUTO(value) struct value *text = value_convert(key, type_string, &e);
	if (!text) {
		complain(ev,
			 &(struct complaint){ "Incorrect key type", &item->key->range, NULL,
					      item->key },
			 "Can't use this value as a key: %s.", e->message);
		return NULL;
	}
	return value_is_known(text) ? xstrdup(value_as_string(text)) : NULL;
}

static struct value *evaluate_object(const struct evaluator *ev, const struct expr *e)
{
	struct map items;
	bool known = true, sensitive = false;

	value_map_init(&items);
	for (size_t i = 0; i < e->object.len; i++) {
		const struct object_item *item = &e->object.items[i];
		bool failed;
		AUTO(value) struct value *key = evaluate_key(ev, item, &failed);
		AUTO(value) struct value *v = evaluate(ev, item->value);
		AUTO_FREE char *text = failed ? NULL : key_text(ev, item, TAKE(key), &sensitive);

		if (text)
			map_set(&items, text, TAKE(v));
		else
			known = false;
	}

	struct value *ret = known ? value_object_take(&items) : value_unknown(type_dynamic);
	map_release(&items);
	return value_marked_take(ret, sensitive);
}

/* Below a dynamic block: its iterators hide what the reader's scope has. */
static struct value *evaluate_bound(const struct evaluator *ev, const struct expr *e)
{
	if (e->bound.is_unknown)
		return value_unknown(type_dynamic);

	AUTO(scope) struct scope *child = scope_new(ev->scope);
	struct evaluator inner = *ev;

	for (size_t i = 0; e->bound.names[i]; i++)
		scope_set(child, e->bound.names[i], e->bound.values[i]);
	inner.scope = child;
	return evaluate(&inner, e->bound.inner);
}

struct value *evaluate(const struct evaluator *ev, const struct expr *e)
{
	while (e->kind == EXPR_PARENS)
		e = e->operand;

	switch (e->kind) {
	case EXPR_NUMBER:
		return evaluate_number(e);
	case EXPR_BOOL:
		return value_bool(e->boolean);
	case EXPR_NULL:
		return value_null(type_dynamic);
	case EXPR_TEMPLATE:
		return evaluate_template(ev, e->template, true);
	case EXPR_VARIABLE:
	case EXPR_ATTR:
	case EXPR_INDEX:
	case EXPR_SPLAT:
	case EXPR_SPLAT_ITEM:
		return evaluate_chain(ev, e);
	case EXPR_CALL:
		return evaluate_call(ev, e);
	case EXPR_TUPLE:
		return evaluate_tuple(ev, e);
	case EXPR_OBJECT:
		return evaluate_object(ev, e);
	case EXPR_FOR:
		return evaluate_for(ev, e);
	case EXPR_CONDITIONAL:
		return evaluate_conditional(ev, e);
	case EXPR_UNARY:
		return evaluate_unary(ev, e);
	case EXPR_BINARY:
		return evaluate_binary(ev, e);
	case EXPR_BOUND:
		return evaluate_bound(ev, e);
	case EXPR_JSON:
		return evaluate_json(ev, e->json);
	case EXPR_PARENS:
	case EXPR_INVALID:
		break; /* what is invalid has been reported by the parser */
	}
	return value_unknown(type_dynamic);
}

struct value *eval_expr(const struct expr *e, const struct scope *scope, struct diags *diags)
{
	struct evaluator ev = { .scope = scope, .diags = diags };

	return evaluate(&ev, e);
}

struct value *eval_expr_as(const struct expr *e, const struct scope *scope, struct type *want,
			   struct diags *diags)
{
	AUTO(value) struct value *v = eval_expr(e, scope, diags);
	AUTO(error) struct error *err = NULL;
	struct value *ret = value_convert(v, want, &err);

	if (ret)
		return ret;

	struct range start = expr_start(e);
	struct diag *d = diags_error(diags, &start, "Unsuitable value type", "Unsuitable value: %s",
				     err->message);
	d->context = e->range;
	return value_unknown(want);
}
