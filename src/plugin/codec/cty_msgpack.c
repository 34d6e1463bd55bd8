/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value as MessagePack (plugin-protocol.md 8.3): at the top, and wherever a
 * type leaves it open, a pair of the type and the value; else data that the
 * type explains.
 */
#include "plugin/codec/cty.h"

#include "base/alloc.h"
#include "plugin/codec/cty_type.h"
#include "value/valuevec.h"

#include <math.h>
#include <string.h>

static struct value *refuse(struct error **err, const char *what)
{
	error_set(err, ERROR_INVALID, "no value: %s", what);
	return NULL;
}

static struct value *make(struct type *t, const struct packed *p, struct error **err);

static struct value *make_dynamic(const struct packed *p, struct error **err)
{
	AUTO(type) struct type *given = NULL, *t = NULL;
	const struct packed *pair;

	if (p->kind != PACKED_ARRAY || p->many.len != 2)
		return refuse(err, "its type is missing");
	pair = p->many.items;
	if (pair[0].kind != PACKED_BYTES && pair[0].kind != PACKED_TEXT)
		return refuse(err, "its type is missing");
	given = cty_type_from_json((struct str){ pair[0].bytes.p, pair[0].bytes.len }, err);
	if (!given)
		return NULL;
	if (type_kind(given) == TYPE_DYNAMIC)
		return refuse(err, "its type is missing");
	t = type_without_optional(given);
	return make(t, &pair[1], err);
}

static struct value *make_number(const struct packed *p, struct error **err)
{
	struct number *n = NULL;

	switch (p->kind) {
	case PACKED_INT:
		return value_int(p->integer);
	case PACKED_UINT:
		return value_number_take(number_from_uint(p->uinteger));
	case PACKED_FLOAT:
		n = isnan(p->number) ? NULL : number_from_double(p->number);
		break;
	case PACKED_TEXT:
		n = number_parse(p->bytes.p, p->bytes.len);
		break;
	case PACKED_NIL:
	case PACKED_BOOL:
	case PACKED_BYTES:
	case PACKED_ARRAY:
	case PACKED_MAP:
	case PACKED_EXT:
		break;
	}
	return n ? value_number_take(n) : refuse(err, "data that is no number");
}

static bool make_items(struct type *t, const struct packed *p, struct value_vec *items,
		       struct error **err)
{
	bool tuple = type_kind(t) == TYPE_TUPLE;

	if (p->kind != PACKED_ARRAY || (tuple && p->many.len != type_len(t)))
		return refuse(err, "elements that do not fit its type");
	for (size_t i = 0; i < p->many.len; i++) {
		struct value *v =
			make(tuple ? type_at(t, i) : type_element(t), &p->many.items[i], err);

		if (!v)
			return false;
		*vec_push(items) = v;
	}
	return true;
}

/* Of collections whose type leaves something open, all elements must have closed it in the same
 * way. Borrowed; NULL: they have not. */
static struct type *element_type(struct type *t, struct value *const *items, size_t n)
{
	struct type *element = type_element(t);

	if (n == 0 || !type_has_dynamic(element))
		return element;
	element = value_type(items[0]);
	for (size_t i = 1; i < n; i++)
		if (!type_equal(value_type(items[i]), element))
			return NULL;
	return element;
}

static struct value *make_sequence(struct type *t, const struct packed *p, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct type *element;

	if (!make_items(t, p, &items, err))
		return NULL;
	if (type_kind(t) == TYPE_TUPLE)
		return value_vec_tuple(&items);
	element = element_type(t, items.items, items.len);
	if (!element)
		return refuse(err, "elements of different types");
	return type_kind(t) == TYPE_SET ? value_vec_set(&items, element)
					: value_vec_list(&items, element);
}

static bool add_member(struct type *t, const struct packed *pair, struct map *items,
		       struct error **err)
{
	AUTO(value) struct value *name = NULL;
	const struct type_field *f;
	struct type *part = NULL;
	struct value *v;

	if (pair[0].kind != PACKED_TEXT && pair[0].kind != PACKED_BYTES)
		return refuse(err, "a key that is no text");
	name = value_string_len(pair[0].bytes.p, pair[0].bytes.len);
	if (type_kind(t) == TYPE_MAP)
		part = type_element(t);
	else if ((f = type_field(t, value_as_string(name))))
		part = f->type;
	if (!part || strlen(value_as_string(name)) != value_string_size(name))
		return refuse(err, "a member that its type does not have");
	v = make(part, &pair[1], err);
	if (!v)
		return false;
	value_map_put(items, value_as_string(name), v);
	return true;
}

static struct value *finish_map(struct type *t, struct map *items, struct error **err)
{
	AUTO_FREE struct value **values = xcalloc(items->len + 1, sizeof(*values));
	AUTO(type) struct type *held = NULL;
	struct type *element;

	for (size_t i = 0; i < items->len; i++)
		values[i] = items->entries[i].value;
	element = element_type(t, values, items->len);
	if (!element)
		return refuse(err, "members of different types");
	held = type_ref(element);
	return value_map_take(held, items);
}

static struct value *make_mapping(struct type *t, const struct packed *p, struct error **err)
{
	AUTO(map) struct map items = { 0 };

	value_map_init(&items);
	if (p->kind != PACKED_MAP)
		return refuse(err, "members that do not fit its type");
	for (size_t i = 0; i < p->many.len; i++)
		if (!add_member(t, &p->many.items[2 * i], &items, err))
			return NULL;
	if (type_kind(t) == TYPE_MAP)
		return finish_map(t, &items, err);
	if (items.len != type_len(t))
		return refuse(err, "an attribute is missing");
	return value_object_take(&items);
}

static struct value *make_known(struct type *t, const struct packed *p, struct error **err)
{
	switch (type_kind(t)) {
	case TYPE_STRING:
		if (p->kind == PACKED_TEXT)
			return value_string_len(p->bytes.p, p->bytes.len);
		return refuse(err, "data that is no text");
	case TYPE_BOOL:
		if (p->kind == PACKED_BOOL)
			return value_bool(p->boolean);
		return refuse(err, "data that is neither true nor false");
	case TYPE_NUMBER:
		return make_number(p, err);
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return make_sequence(t, p, err);
	case TYPE_MAP:
	case TYPE_OBJECT:
		return make_mapping(t, p, err);
	case TYPE_DYNAMIC:
		break;
	}
	return make_dynamic(p, err);
}

static struct value *make(struct type *t, const struct packed *p, struct error **err)
{
	enum { UNKNOWN = 0, REFINED = 12 }; /* what is told of an unknown value is not needed */

	if (p->kind == PACKED_NIL)
		return value_null(t);
	if (p->kind == PACKED_EXT && p->bytes.ext_type != UNKNOWN && p->bytes.ext_type != REFINED)
		return refuse(err, "an extension that is not known");
	if (p->kind == PACKED_EXT)
		return value_unknown(t);
	return make_known(t, p, err);
}

struct value *cty_from_msgpack(const void *bytes, size_t len, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *p = NULL;
	ssize_t used = packed_read(bytes, len, arena, &p, err);
	struct value *v = NULL;

	if (used > 0)
		v = make(type_dynamic, p, err);
	else if (used == 0)
		refuse(err, "it ends too early");
	if (!v)
		error_prefix(err, "cannot read the value");
	return v;
}
