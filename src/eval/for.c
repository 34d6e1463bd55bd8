/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `for` expressions (language.md 7.9). The mark of the collection, of keys and
 * of conditions goes to the result as a whole: which elements there are tells
 * something about all of them.
 */
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "value/convert.h"

#include <string.h>

bool type_can_iterate(const struct type *t)
{
	return !type_is_primitive(t) && type_kind(t) != TYPE_DYNAMIC;
}

static struct value *key_of(const struct value *collection, size_t i)
{
	switch (type_kind(value_type(collection))) {
	case TYPE_MAP:
	case TYPE_OBJECT:
		return value_string(value_key_at(collection, i));
	case TYPE_SET:
		return value_ref(value_at(collection, i));
	default:
		return value_int((int64_t)i);
	}
}

struct value *iteration_key(const struct value *collection, size_t i)
{
	return value_marked_take(key_of(collection, i), value_is_sensitive(collection));
}

struct value *iteration_value(const struct value *collection, size_t i)
{
	return value_marked_take(value_ref(value_at(collection, i)),
				 value_is_sensitive(collection));
}

struct value *loop_collection(const struct evaluator *ev, const struct loop *l, bool *ret_sensitive)
{
	AUTO(value) struct value *v = evaluate(ev, l->collection);
	struct complaint c = { "Iteration over null value", &l->collection->range, &l->range,
			       l->collection };

	*ret_sensitive = value_is_sensitive(v);
	if (value_is_null(v)) {
		complain(ev, &c,
			 "A null value cannot be used as the collection in a 'for' expression.");
		return NULL;
	}
	if (type_kind(value_type(v)) == TYPE_DYNAMIC)
		return NULL;
	if (!type_can_iterate(value_type(v))) {
		AUTO(strbuf) struct strbuf name = STRBUF_INIT;

		type_name(&name, value_type(v));
		c.summary = "Iteration over non-iterable value";
		complain(ev, &c,
			 "A value of type %s cannot be used as the collection in a 'for' "
			 "expression.",
			 name.buf);
		return NULL;
	}
	return value_is_known(v) ? TAKE(v) : NULL;
}

static void bind(struct scope *s, struct str name, struct value *v)
{
	AUTO_FREE char *text = str_dup(name);

	if (name.len > 0)
		scope_set(s, text, v);
}

void loop_bind(const struct loop *l, struct scope *s, const struct value *collection, size_t i)
{
	AUTO(value) struct value *key = l->key_name.len ? iteration_key(collection, i) : NULL;
	AUTO(value) struct value *v = iteration_value(collection, i);

	if (key)
		bind(s, l->key_name, key);
	bind(s, l->value_name, v);
}

/* A loop under way. */
struct run {
	const struct evaluator *ev; /* of the whole expression */
	struct evaluator inner;     /* with the loop's names */
	const struct expr *e;
	struct map items;    /* object: key -> value; grouping: key -> struct group */
	struct value **list; /* tuple: results */
	size_t len;
	bool sensitive;
	bool failed; /* the result cannot be known; later mistakes of the kind are not repeated */
};

VEC_DECLARE(group, struct value *);

static void group_free(void *p)
{
	struct group *g = p;

	for (size_t i = 0; i < g->len; i++)
		value_unref(g->items[i]);
	vec_release(g);
	free(g);
}

PRINTF(4, 5)
static void fail_once(struct run *r, const struct expr *at, const char *summary, const char *fmt,
		      ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);
	if (!r->failed)
		complain(&r->inner, &(struct complaint){ summary, &at->range, &r->e->range, at },
			 "%s", detail.buf);
	r->failed = true;
}

/* The condition once, with names that could be anything: a type mistake in it
 * is reported once and not per element. */
static bool condition_is_sane(struct run *r)
{
	const struct for_expr *f = r->e->for_;
	const struct expr *condition = f->condition;
	size_t before = r->ev->diags->errors;
	AUTO(scope) struct scope *any = scope_new(r->ev->scope);
	AUTO(value) struct value *unknown = value_unknown(type_dynamic);
	AUTO(error) struct error *err = NULL;
	struct evaluator inner = *r->ev;
	struct complaint c = { "Condition is null", &condition->range, &r->e->range, condition };

	bind(any, f->key_name, unknown);
	bind(any, f->value_name, unknown);
	inner.scope = any;
	AUTO(value) struct value *v = evaluate(&inner, condition);
	if (value_is_null(v)) {
		complain(r->ev, &c, "The value of the 'if' clause must not be null.");
		return false;
	}
	AUTO(value) struct value *b = value_convert(v, type_bool, &err);
	if (!b) {
		c.summary = "Invalid 'for' condition";
		complain(r->ev, &c, "The 'if' clause value is invalid: %s.", err->message);
		return false;
	}
	return r->ev->diags->errors == before;
}

static bool is_included(struct run *r)
{
	const struct expr *condition = r->e->for_->condition;
	AUTO(error) struct error *err = NULL;

	if (!condition)
		return true;
	AUTO(value) struct value *v = evaluate(&r->inner, condition);
	if (value_is_null(v)) {
		fail_once(r, condition, "Invalid 'for' condition",
			  "The value of the 'if' clause must not be null.");
		return false;
	}
	r->sensitive |= value_is_sensitive(v);
	AUTO(value) struct value *b = value_convert(v, type_bool, &err);
	if (!b) {
		fail_once(r, condition, "Invalid 'for' condition",
			  "The 'if' clause value is invalid: %s.", err->message);
		return false;
	}
	if (!value_is_known(b))
		r->failed = true;
	return value_is_known(b) && value_as_bool(b);
}

/* Key of the present element, heap; NULL when it cannot be known. */
static char *element_key(struct run *r)
{
	const struct expr *key = r->e->for_->key;
	AUTO(value) struct value *v = evaluate(&r->inner, key);
	AUTO(error) struct error *err = NULL;

	if (value_is_null(v)) {
		fail_once(r, key, "Invalid object key",
			  "Key expression in 'for' expression must not produce a null value.");
		return NULL;
	}
	r->sensitive |= value_is_sensitive(v);
	AUTO(value) struct value *text = value_convert(v, type_string, &err);
	if (!text) {
		fail_once(r, key, "Invalid object key",
			  "The key expression produced an invalid result: %s.", err->message);
		return NULL;
	}
	if (!value_is_known(text)) {
		r->failed = true;
		return NULL;
	}
	return xstrdup(value_as_string(text));
}

static void add_to_group(struct run *r, const char *key, struct value *v)
{
	struct group *g = map_get(&r->items, key);

	if (!g) {
		g = NEW(struct group);
		map_set(&r->items, key, g);
	}
	*vec_push(g) = v;
}

static void add_pair(struct run *r)
{
	const struct for_expr *f = r->e->for_;
	AUTO_FREE char *key = element_key(r);

	if (!key)
		return;
	AUTO(value) struct value *v = evaluate(&r->inner, f->value);
	if (f->group) {
		add_to_group(r, key, TAKE(v));
	} else if (!map_has(&r->items, key)) {
		map_set(&r->items, key, TAKE(v));
	} else {
		AUTO_FREE char *quoted = go_quoted(key, strlen(key));

		complain(&r->inner,
			 &(struct complaint){ "Duplicate object key", &f->key->range, &r->e->range,
					      f->key },
			 "Two different items produced the key %s in this 'for' expression. If "
			 "duplicates are expected, use the ellipsis (...) after the value "
			 "expression to enable grouping by key.",
			 quoted);
	}
}

static struct value *grouped(struct run *r)
{
	struct map tuples;

	value_map_init(&tuples);
	for (size_t i = 0; i < r->items.len; i++) {
		struct group *g = r->items.entries[i].value;

		map_set(&tuples, r->items.entries[i].key, value_tuple_take(g->items, g->len));
		g->len = 0;
	}
	struct value *ret = value_object_take(&tuples);
	map_release(&tuples);
	return ret;
}

static struct value *result_of(struct run *r)
{
	if (r->failed)
		return value_unknown(type_dynamic);
	if (!r->e->for_->is_object) {
		size_t n = r->len;

		r->len = 0;
		return value_tuple_take(r->list, n);
	}
	return r->e->for_->group ? grouped(r) : value_object_take(&r->items);
}

static void run_all(struct run *r, const struct loop *l, const struct value *collection)
{
	const struct for_expr *f = r->e->for_;
	size_t n = value_len(collection);
	AUTO(scope) struct scope *names = scope_new(r->ev->scope);

	r->inner = *r->ev;
	r->inner.scope = names;
	r->list = xcalloc(n + 1, sizeof(struct value *));
	for (size_t i = 0; i < n; i++) {
		loop_bind(l, names, collection, i);
		if (!is_included(r))
			continue;
		if (f->is_object)
			add_pair(r);
		else
			r->list[r->len++] = evaluate(&r->inner, f->value);
	}
}

struct value *evaluate_for(const struct evaluator *ev, const struct expr *e)
{
	const struct for_expr *f = e->for_;
	struct loop l = { f->collection, f->key_name, f->value_name, e->range };
	struct run r = { .ev = ev, .e = e };
	AUTO(value) struct value *collection = loop_collection(ev, &l, &r.sensitive);

	if (!collection || (f->condition && !condition_is_sane(&r)))
		return value_marked_take(value_unknown(type_dynamic), r.sensitive);

	if (f->group)
		map_init(&r.items, group_free);
	else
		value_map_init(&r.items);
	run_all(&r, &l, collection);

	struct value *ret = result_of(&r);
	for (size_t i = 0; i < r.len; i++)
		value_unref(r.list[i]);
	free(r.list);
	map_release(&r.items);
	return value_marked_take(ret, r.sensitive);
}
