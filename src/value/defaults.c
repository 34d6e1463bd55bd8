/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of optional attributes (language.md 11). What comes out is made of
 * tuples and objects wherever something was filled in: conversion follows.
 */
#include "base/alloc.h"
#include "value/convert.h"

static bool has_fallback(const struct type *t)
{
	if (type_is_collection(t))
		return has_fallback(type_element(t));
	if (type_kind(t) != TYPE_OBJECT && type_kind(t) != TYPE_TUPLE)
		return false;
	for (size_t i = 0; i < type_len(t); i++) {
		if (type_kind(t) == TYPE_OBJECT && type_field_at(t, i)->fallback)
			return true;
		if (has_fallback(type_at(t, i)))
			return true;
	}
	return false;
}

static bool is_mapping(const struct value *v)
{
	return type_kind(value_type(v)) == TYPE_MAP || type_kind(value_type(v)) == TYPE_OBJECT;
}

static bool is_sequence(const struct value *v)
{
	enum type_kind k = type_kind(value_type(v));

	return k == TYPE_LIST || k == TYPE_SET || k == TYPE_TUPLE;
}

static struct value *fill_sequence(struct value *v, struct type *constraint)
{
	AUTO_FREE struct value **items = xcalloc(value_len(v), sizeof(*items));
	bool tuple = type_kind(constraint) == TYPE_TUPLE;

	for (size_t i = 0; i < value_len(v); i++) {
		struct type *t = NULL;

		if (!tuple)
			t = type_element(constraint);
		else if (i < type_len(constraint))
			t = type_at(constraint, i);
		items[i] = t ? value_apply_defaults(value_at(v, i), t) : value_ref(value_at(v, i));
	}
	return value_tuple_take(items, value_len(v));
}

static struct value *fill_map(struct value *v, struct type *constraint)
{
	struct map items;

	value_map_init(&items);
	for (size_t i = 0; i < value_len(v); i++)
		map_set(&items, value_key_at(v, i),
			value_apply_defaults(value_at(v, i), type_element(constraint)));
	return value_object_take(&items);
}

static struct value *fill_object(struct value *v, struct type *constraint)
{
	struct map items;

	value_map_init(&items);
	for (size_t i = 0; i < value_len(v); i++)
		map_set(&items, value_key_at(v, i), value_ref(value_at(v, i)));
	for (size_t i = 0; i < type_len(constraint); i++) {
		const struct type_field *f = type_field_at(constraint, i);
		struct value *have = map_get(&items, f->name);

		if ((!have || value_is_null(have)) && f->fallback)
			have = f->fallback;
		if (have)
			value_map_put(&items, f->name, value_apply_defaults(have, f->type));
	}
	return value_object_take(&items);
}

struct value *value_apply_defaults(struct value *v, struct type *constraint)
{
	AUTO(value) struct value *r = NULL;

	if (value_is_null(v) || !value_is_known(v) || !has_fallback(constraint))
		return value_ref(v);
	switch (type_kind(constraint)) {
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		r = is_sequence(v) ? fill_sequence(v, constraint) : value_ref(v);
		break;
	case TYPE_MAP:
		r = is_mapping(v) ? fill_map(v, constraint) : value_ref(v);
		break;
	case TYPE_OBJECT:
		r = is_mapping(v) ? fill_object(v, constraint) : value_ref(v);
		break;
	case TYPE_DYNAMIC:
	case TYPE_STRING:
	case TYPE_NUMBER:
	case TYPE_BOOL:
		return value_ref(v);
	}
	return value_is_sensitive(v) ? value_mark_sensitive(r, true) : TAKE(r);
}
