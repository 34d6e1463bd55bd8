/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression refers to, without evaluating it. */
#include "base/vec.h"
#include "lang/json.h"
#include "lang/lexer.h"
#include "lang/parser.h"

#include <stdlib.h>

struct bound {
	const struct bound *outer;
	struct str key, value;
	const char *const *names; /* NULL-terminated, or NULL */
};

struct walk {
	expr_reference_fn fn;
	void *data;
};

static bool is_bound(const struct bound *b, struct str name)
{
	for (; b; b = b->outer) {
		if (b->value.len && str_eq(b->value, name))
			return true;
		if (b->key.len && str_eq(b->key, name))
			return true;
		for (size_t i = 0; b->names && b->names[i]; i++)
			if (str_is(name, b->names[i]))
				return true;
	}
	return false;
}

static bool is_literal(const struct expr *e)
{
	return e->kind == EXPR_NUMBER || e->kind == EXPR_BOOL || e->kind == EXPR_NULL ||
	       (e->kind == EXPR_TEMPLATE && e->template->len == 1 &&
		e->template->parts[0].kind == PART_LITERAL);
}

/* The variable at the root of a chain of steps, or NULL. A key that is to be
 * computed ends a chain: it and what is before it are references of their own. */
static const struct expr *root_of(const struct expr *e)
{
	for (;;) {
		if (e->kind == EXPR_ATTR)
			e = e->attr.object;
		else if (e->kind == EXPR_INDEX && is_literal(e->index.key))
			e = e->index.object;
		else
			return e->kind == EXPR_VARIABLE ? e : NULL;
	}
}

static void walk(const struct walk *w, const struct expr *e, const struct bound *b);

static void walk_template(const struct walk *w, const struct template *t, const struct bound *b)
{
	for (size_t i = 0; t && i < t->len; i++) {
		const struct template_part *part = &t->parts[i];
		struct bound names = { b, part->key_name, part->value_name, NULL };
		const struct bound *inner = part->kind == PART_FOR ? &names : b;

		walk(w, part->expr, b);
		walk_template(w, part->body, inner);
		walk_template(w, part->otherwise, b);
	}
}

static void walk_for(const struct walk *w, const struct for_expr *f, const struct bound *b)
{
	struct bound names = { b, f->key_name, f->value_name, NULL };

	walk(w, f->collection, b);
	walk(w, f->key, &names);
	walk(w, f->value, &names);
	walk(w, f->condition, &names);
}

static void walk_traversal(const struct walk *w, const struct expr *e, const struct bound *b)
{
	const struct expr *root = root_of(e);

	if (root) {
		if (!is_bound(b, root->variable.name))
			w->fn(w->data, e);
	} else if (e->kind == EXPR_ATTR) {
		walk(w, e->attr.object, b);
	} else if (e->kind == EXPR_INDEX) {
		walk(w, e->index.object, b);
		walk(w, e->index.key, b);
	}
}

static void walk_list(const struct walk *w, struct expr *const *items, size_t len,
		      const struct bound *b)
{
	for (size_t i = 0; i < len; i++)
		walk(w, items[i], b);
}

static void walk_object(const struct walk *w, const struct expr *e, const struct bound *b)
{
	for (size_t i = 0; i < e->object.len; i++) {
		walk(w, e->object.items[i].key, b);
		walk(w, e->object.items[i].value, b);
	}
}

/* The texts in JSON know nothing of what is bound around them. */
struct filter {
	const struct walk *walk;
	const struct bound *bound;
};

static void pass_free(void *data, const struct expr *traversal)
{
	const struct filter *f = data;
	const struct expr *root = root_of(traversal);

	if (!root || !is_bound(f->bound, root->variable.name))
		f->walk->fn(f->walk->data, traversal);
}

static void walk_json(const struct walk *w, const struct expr *e, const struct bound *b)
{
	json_walk_references(e->json, pass_free, &(struct filter){ w, b });
}

static void walk(const struct walk *w, const struct expr *e, const struct bound *b)
{
	if (!e)
		return;
	switch (e->kind) {
	case EXPR_NUMBER:
	case EXPR_BOOL:
	case EXPR_NULL:
	case EXPR_SPLAT_ITEM:
	case EXPR_INVALID:
		break;
	case EXPR_JSON:
		walk_json(w, e, b);
		break;
	case EXPR_TEMPLATE:
		walk_template(w, e->template, b);
		break;
	case EXPR_VARIABLE:
	case EXPR_ATTR:
	case EXPR_INDEX:
		walk_traversal(w, e, b);
		break;
	case EXPR_SPLAT:
		walk(w, e->splat.source, b);
		walk(w, e->splat.each, b);
		break;
	case EXPR_CALL:
		walk_list(w, e->call.args, e->call.len, b);
		break;
	case EXPR_TUPLE:
		walk_list(w, e->tuple.items, e->tuple.len, b);
		break;
	case EXPR_OBJECT:
		walk_object(w, e, b);
		break;
	case EXPR_FOR:
		walk_for(w, e->for_, b);
		break;
	case EXPR_CONDITIONAL:
		walk(w, e->conditional.condition, b);
		walk(w, e->conditional.yes, b);
		walk(w, e->conditional.no, b);
		break;
	case EXPR_UNARY:
		walk(w, e->op.left, b);
		break;
	case EXPR_BINARY:
		walk(w, e->op.left, b);
		walk(w, e->op.right, b);
		break;
	case EXPR_PARENS:
		walk(w, e->operand, b);
		break;
	case EXPR_BOUND:
		walk(w, e->bound.inner, &(struct bound){ .outer = b, .names = e->bound.names });
		break;
	}
}

void expr_walk_references(const struct expr *e, expr_reference_fn fn, void *data)
{
	walk(&(struct walk){ fn, data }, e, NULL);
}

/* The word that a JSON text consists of. */
static struct str json_keyword(const struct json_node *n)
{
	struct str s = n->kind == JSON_STRING ? str_trim(n->text) : (struct str){ "", 0 };

	return lexer_is_identifier(s) ? s : (struct str){ "", 0 };
}

struct str expr_keyword(const struct expr *e)
{
	switch ((int)e->kind) {
	case EXPR_VARIABLE:
		return e->variable.name;
	case EXPR_BOOL:
		return e->boolean ? STR("true") : STR("false");
	case EXPR_NULL:
		return STR("null");
	case EXPR_JSON:
		return json_keyword(e->json);
	case EXPR_BOUND:
		return expr_keyword(e->bound.inner);
	}
	return (struct str){ "", 0 };
}
