/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values written in JSON (language.md 10.3). Texts are read as templates each
 * time they are evaluated: only then is it known that they are no keyword and
 * no type, and the syntax tree stays as it is for the other threads.
 */
#include "lang/json.h"
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "value/convert.h"

#include <string.h>

static struct value *evaluate_text(const struct evaluator *ev, const struct json_node *n)
{
	if (!ev->scope || !json_has_sequences(n))
		return value_string_len(n->text.p, n->text.len);

	AUTO(arena) struct arena *arena = arena_new();
	size_t before = ev->diags->errors;
	const struct expr *e = json_template(n, arena, ev->diags);

	return ev->diags->errors > before ? value_unknown(type_dynamic) : evaluate(ev, e);
}

static struct value *evaluate_number(const struct json_node *n)
{
	AUTO(number) struct number *number = number_parse(n->text.p, n->text.len);

	return number ? value_number(number) : value_unknown(type_number);
}

static struct value *evaluate_array(const struct evaluator *ev, const struct json_node *n)
{
	AUTO_FREE struct value **items = xcalloc(n->array.len + 1, sizeof(struct value *));

	for (size_t i = 0; i < n->array.len; i++)
		items[i] = evaluate_json(ev, n->array.items[i]);
	return value_tuple_take(items, n->array.len);
}

/* An object on its way. */
struct assembly {
	const struct evaluator *ev;
	struct map values;
	struct map first; /* name -> the member that set it */
	bool is_known, is_sensitive;
};

/* Owned; NULL when there is no usable name, which was reported or is unknown. */
static struct value *member_name(struct assembly *a, const struct json_node *object,
				 const struct json_member *m)
{
	struct json_node text = json_name(object, m);
	struct complaint c = { "Invalid object key expression", &m->name_range };
	AUTO(value) struct value *raw = evaluate_text(a->ev, &text);
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *name = value_convert(raw, type_string, &err);

	if (!name) {
		complain(a->ev, &c, "Cannot use this expression as an object key: %s.",
			 err->message);
		return NULL;
	}
	if (value_is_null(name)) {
		complain(a->ev, &c, "Cannot use null value as an object key.");
		return NULL;
	}
	a->is_sensitive |= value_is_sensitive(name);
	if (!value_is_known(name)) {
		a->is_known = false;
		return NULL;
	}
	return TAKE(name);
}

static void add_member(struct assembly *a, const struct json_node *object,
		       const struct json_member *m)
{
	AUTO(value) struct value *name = member_name(a, object, m);
	AUTO(value) struct value *v = evaluate_json(a->ev, m->value);

	if (!name)
		return;

	const char *key = value_as_string(name);
	const struct json_member *first = map_get(&a->first, key);

	if (first) {
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;
		AUTO_FREE char *quoted = go_quoted(key, strlen(key));

		range_format(&at, first->name_range);
		complain(a->ev, &(struct complaint){ "Duplicate object attribute", &m->name_range },
			 "An attribute named %s was already defined at %s.", quoted, at.buf);
		return;
	}
	map_set(&a->first, key, (void *)m);
	map_set(&a->values, key, TAKE(v));
}

static struct value *evaluate_object(const struct evaluator *ev, const struct json_node *n)
{
	struct assembly a = { .ev = ev, .is_known = true };

	value_map_init(&a.values);
	for (size_t i = 0; i < n->object.len; i++)
		add_member(&a, n, &n->object.members[i]);

	struct value *ret = a.is_known ? value_object_take(&a.values) : value_unknown(type_dynamic);

	map_release(&a.values);
	map_release(&a.first);
	return value_marked_take(ret, a.is_sensitive);
}

struct value *evaluate_json(const struct evaluator *ev, const struct json_node *n)
{
	switch (n->kind) {
	case JSON_NULL:
		return value_null(type_dynamic);
	case JSON_BOOL:
		return value_bool(n->boolean);
	case JSON_NUMBER:
		return evaluate_number(n);
	case JSON_STRING:
		return evaluate_text(ev, n);
	case JSON_ARRAY:
		return evaluate_array(ev, n);
	case JSON_OBJECT:
		return evaluate_object(ev, n);
	case JSON_INVALID:
		break;
	}
	return value_unknown(type_dynamic);
}
