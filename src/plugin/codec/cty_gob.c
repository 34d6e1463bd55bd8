/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value as gob is its type and Go's own data for it. The type leads: data
 * that is not what the type asks for is refused, data that is absent is null.
 */
#include "plugin/codec/cty_gob.h"

#include "plugin/codec/cty.h"
#include "plugin/codec/cty_type.h"
#include "plugin/codec/gob.h"
#include "value/valuevec.h"

#include <string.h>

static struct value *refuse(struct error **err, const char *what)
{
	error_set(err, ERROR_INVALID, "no value: %s", what);
	return NULL;
}

static struct value *make(struct type *t, const struct gob *g, struct error **err);

/* ---- numbers --------------------------------------------------------------- */

static uint32_t be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

/* Version, flags, precision; of a finite one exponent and mantissa. */
static struct value *make_number(struct str bytes, struct error **err)
{
	enum { VERSION = 1, HEAD = 6, MANTISSA = 10 };
	enum { FORM_ZERO, FORM_FINITE, FORM_INFINITE };
	struct number *n;
	unsigned flags, form;

	if (bytes.len == 0)
		return value_int(0);
	if (bytes.p[0] != VERSION || bytes.len < HEAD)
		return refuse(err, "a number in an encoding that is not known");
	flags = (unsigned char)bytes.p[1];
	form = flags >> 1 & 3;
	if (form == FORM_ZERO)
		return value_int(0);
	if (form == FORM_INFINITE)
		return value_number_take(number_infinity(flags & 1));
	if (form != FORM_FINITE || bytes.len < MANTISSA)
		return refuse(err, "a number in an encoding that is not known");
	n = number_from_mantissa((const unsigned char *)bytes.p + MANTISSA, bytes.len - MANTISSA,
				 (int32_t)be32(bytes.p + HEAD), be32(bytes.p + 2), flags & 1);
	return n ? value_number_take(n) : refuse(err, "a number out of range");
}

/* ---- values with parts ----------------------------------------------------- */

static bool make_items(struct type *t, const struct gob *g, struct value_vec *items,
		       struct error **err)
{
	bool tuple = type_kind(t) == TYPE_TUPLE;

	if (g->kind != GOB_LIST || (tuple && g->many.len != type_len(t)))
		return refuse(err, "elements that do not fit its type");
	for (size_t i = 0; i < g->many.len; i++) {
		struct value *v =
			make(tuple ? type_at(t, i) : type_element(t), &g->many.items[i], err);

		if (!v)
			return false;
		*vec_push(items) = v;
	}
	return true;
}

static struct value *make_sequence(struct type *t, const struct gob *g, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!make_items(t, g, &items, err))
		return NULL;
	if (type_kind(t) == TYPE_TUPLE)
		return value_vec_tuple(&items);
	if (type_kind(t) == TYPE_SET)
		return value_vec_set(&items, type_element(t));
	return value_vec_list(&items, type_element(t));
}

/* A set has an encoding of its own: its elements, and how they are told apart, which we know. */
static struct value *make_set(struct type *t, const struct gob *g, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct gob *set, *list;

	if (g->kind != GOB_OPAQUE)
		return refuse(err, "elements that do not fit its type");
	set = gob_read(g->bytes, arena, err);
	if (!set)
		return NULL;
	list = gob_field(set, "Values");
	return list ? make_sequence(t, list, err) : value_set_take(type_element(t), NULL, 0);
}

static struct type *part_type(struct type *t, const char *name)
{
	const struct type_field *f;

	if (type_kind(t) == TYPE_MAP)
		return type_element(t);
	f = type_field(t, name);
	return f ? f->type : NULL;
}

static bool add_member(struct type *t, const struct gob *key, const struct gob *item,
		       struct map *items, struct error **err)
{
	AUTO(value) struct value *name = NULL;
	struct type *part;
	struct value *v;

	if (key->kind != GOB_TEXT)
		return refuse(err, "a key that is no text");
	name = value_string_len(key->bytes.p, key->bytes.len);
	part = part_type(t, value_as_string(name));
	if (!part || strlen(value_as_string(name)) != value_string_size(name))
		return refuse(err, "a member that its type does not have");
	v = make(part, item, err);
	if (!v)
		return false;
	value_map_put(items, value_as_string(name), v);
	return true;
}

static struct value *make_mapping(struct type *t, const struct gob *g, struct error **err)
{
	AUTO(map) struct map items = { 0 };

	value_map_init(&items);
	if (g->kind != GOB_MAP)
		return refuse(err, "members that do not fit its type");
	for (size_t i = 0; i < g->many.len; i++)
		if (!add_member(t, &g->many.items[2 * i], &g->many.items[2 * i + 1], &items, err))
			return NULL;
	if (type_kind(t) == TYPE_MAP)
		return value_map_take(type_element(t), &items);
	if (items.len != type_len(t))
		return refuse(err, "an attribute is missing");
	return value_object_take(&items);
}

static struct value *make(struct type *t, const struct gob *g, struct error **err)
{
	if (!g || g->kind == GOB_NIL)
		return value_null(t);
	switch (type_kind(t)) {
	case TYPE_STRING:
		if (g->kind == GOB_TEXT)
			return value_string_len(g->bytes.p, g->bytes.len);
		break;
	case TYPE_BOOL:
		if (g->kind == GOB_BOOL)
			return value_bool(g->boolean);
		break;
	case TYPE_NUMBER:
		if (g->kind == GOB_OPAQUE)
			return make_number(g->bytes, err);
		break;
	case TYPE_LIST:
	case TYPE_TUPLE:
		return make_sequence(t, g, err);
	case TYPE_SET:
		return make_set(t, g, err);
	case TYPE_MAP:
	case TYPE_OBJECT:
		return make_mapping(t, g, err);
	case TYPE_DYNAMIC:
		break;
	}
	return refuse(err, "data that does not fit its type");
}

struct value *cty_value_from_gob(struct str bytes, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(type) struct type *given = NULL, *t = NULL;
	const struct gob *g = gob_read(bytes, arena, err);
	struct str type;
	int64_t version;

	if (!g)
		return NULL;
	if (g->kind != GOB_STRUCT || !gob_field_int(g, "Version", &version) || version != 0)
		return refuse(err, "an encoding that is not known");
	if (!gob_field_opaque(g, "Ty", &type) || type.len == 0)
		return refuse(err, "its type is missing");
	given = cty_type_from_gob(type, err);
	if (!given)
		return NULL;
	t = type_without_optional(given);
	return make(t, gob_field(g, "V"), err);
}

struct value *cty_from_gob(const void *bytes, size_t len, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct gob *g = gob_read((struct str){ bytes, len }, arena, err);
	struct value *v = NULL;

	if (g && g->kind == GOB_OPAQUE)
		v = cty_value_from_gob(g->bytes, err);
	else if (g)
		refuse(err, "other data");
	if (!v)
		error_prefix(err, "cannot read the value");
	return v;
}
