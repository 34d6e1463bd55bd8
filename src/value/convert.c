/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion in two steps: whether there is one is decided from the types
 * alone, so that a mismatch is told as such; then the value is walked.
 */
#include "value/convert.h"

#include "base/alloc.h"
#include "base/encode.h"

#include <string.h>
#include <strings.h>

static bool members_convert(const struct type *got, const struct type *element, bool unsafe)
{
	for (size_t i = 0; i < type_len(got); i++)
		if (!type_can_convert(type_at(got, i), element, unsafe))
			return false;
	return true;
}

/* Tuple or object to a collection. */
static bool members_collect(const struct type *got, const struct type *want, bool unsafe)
{
	struct type *element = type_element(want);
	AUTO_FREE struct type **members = NULL;

	if (type_kind(element) != TYPE_DYNAMIC || !type_len(got))
		return members_convert(got, element, unsafe);
	members = xcalloc(type_len(got), sizeof(struct type *));
	for (size_t i = 0; i < type_len(got); i++)
		members[i] = type_at(got, i);

	AUTO(type) struct type *common = type_unify_elements(members, type_len(got), unsafe);

	return common != NULL;
}

static bool tuple_converts(const struct type *got, const struct type *want, bool unsafe)
{
	if (type_kind(got) != TYPE_TUPLE || type_len(got) != type_len(want))
		return false;
	for (size_t i = 0; i < type_len(got); i++)
		if (!type_can_convert(type_at(got, i), type_at(want, i), unsafe))
			return false;
	return true;
}

static bool object_converts(const struct type *got, const struct type *want, bool unsafe)
{
	for (size_t i = 0; i < type_len(want); i++) {
		const struct type_field *f = type_field_at(want, i);
		const struct type_field *have = type_field(got, f->name);

		if (!have && !f->optional)
			return false;
		if (have && !type_can_convert(have->type, f->type, unsafe))
			return false;
	}
	return true;
}

/* Whether an optional attribute fits shows only when the map has the key. */
static bool map_becomes_object(const struct type *got, const struct type *want)
{
	for (size_t i = 0; i < type_len(want); i++) {
		const struct type_field *f = type_field_at(want, i);

		if (!f->optional && !type_can_convert(type_element(got), f->type, true))
			return false;
	}
	return true;
}

static bool collection_converts(const struct type *got, const struct type *want, bool unsafe)
{
	bool mapping = type_kind(want) == TYPE_MAP;

	if (type_is_collection(got))
		return (type_kind(got) == TYPE_MAP) == mapping &&
		       type_can_convert(type_element(got), type_element(want), unsafe);
	if (type_kind(got) == (mapping ? TYPE_OBJECT : TYPE_TUPLE))
		return members_collect(got, want, unsafe);
	return false;
}

bool type_can_convert(const struct type *got, const struct type *want, bool unsafe)
{
	enum type_kind g = type_kind(got);

	if (got == want || type_kind(want) == TYPE_DYNAMIC)
		return true;
	if (g == TYPE_DYNAMIC)
		return unsafe;
	switch (type_kind(want)) {
	case TYPE_STRING:
		return type_is_primitive(got);
	case TYPE_NUMBER:
	case TYPE_BOOL:
		return unsafe && g == TYPE_STRING;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
		return collection_converts(got, want, unsafe);
	case TYPE_TUPLE:
		return tuple_converts(got, want, unsafe);
	case TYPE_OBJECT:
		if (g == TYPE_MAP)
			return unsafe && map_becomes_object(got, want);
		return g == TYPE_OBJECT && object_converts(got, want, unsafe);
	case TYPE_DYNAMIC:
		break;
	}
	return true;
}

/* The element type that members of a tuple or object have in common with `want`. */
static struct type *element_after(struct type *got, struct type *want)
{
	if (type_is_collection(got))
		return type_after_convert(type_element(got), want);
	if (!type_len(got) || !type_has_dynamic(want))
		return type_without_optional(want);

	AUTO_FREE struct type **members = xcalloc(type_len(got), sizeof(*members));

	for (size_t i = 0; i < type_len(got); i++)
		members[i] = type_after_convert(type_at(got, i), want);

	struct type *common = type_unify(members, type_len(got), true);

	for (size_t i = 0; i < type_len(got); i++)
		type_unref(members[i]);
	return common ? common : type_without_optional(want);
}

static struct type *collection_after(struct type *got, struct type *want)
{
	AUTO(type) struct type *element = element_after(got, type_element(want));

	if (type_kind(want) == TYPE_LIST)
		return type_list(element);
	return type_kind(want) == TYPE_SET ? type_set(element) : type_map(element);
}

static struct type *structure_after(struct type *got, struct type *want)
{
	size_t n = type_len(want);
	bool tuple = type_kind(want) == TYPE_TUPLE;
	AUTO_FREE struct type **members = xcalloc(n, sizeof(*members));
	AUTO_FREE struct type_field *fields = xcalloc(n, sizeof(*fields));
	struct type *result;

	for (size_t i = 0; i < n; i++) {
		struct type *from = NULL;

		if (tuple) {
			from = type_at(got, i);
		} else if (type_kind(got) == TYPE_MAP) {
			from = type_element(got);
		} else {
			const struct type_field *f = type_field(got, type_field_at(want, i)->name);

			from = f ? f->type : NULL;
		}
		members[i] = from ? type_after_convert(from, type_at(want, i))
				  : type_without_optional(type_at(want, i));
		if (!tuple)
			fields[i] = (struct type_field){ type_field_at(want, i)->name, members[i],
							 false, NULL };
	}
	result = tuple ? type_tuple(members, n) : type_object(fields, n);
	for (size_t i = 0; i < n; i++)
		type_unref(members[i]);
	return result;
}

struct type *type_after_convert(struct type *got, struct type *want)
{
	enum type_kind w = type_kind(want);

	if (w == TYPE_DYNAMIC)
		return type_ref(got);
	if (!type_has_dynamic(want) || !type_can_convert(got, want, true) ||
	    type_kind(got) == TYPE_DYNAMIC)
		return type_without_optional(want);
	if (type_is_collection(want))
		return collection_after(got, want);
	return w == TYPE_TUPLE || w == TYPE_OBJECT ? structure_after(got, want) : type_ref(want);
}

static struct value *text_to_bool(const char *s, struct error **err)
{
	static const char hint[] = "; to convert from string, use lowercase ";

	if (!strcmp(s, "true") || !strcmp(s, "1"))
		return value_bool(true);
	if (!strcmp(s, "false") || !strcmp(s, "0"))
		return value_bool(false);
	if (!strcasecmp(s, "true"))
		error_set(err, ERROR_INVALID, "a bool is required%s\"true\"", hint);
	else if (!strcasecmp(s, "false"))
		error_set(err, ERROR_INVALID, "a bool is required%s\"false\"", hint);
	else
		error_set(err, ERROR_INVALID, "a bool is required");
	return NULL;
}

static struct value *convert_primitive(struct value *v, struct type *want, struct error **err)
{
	if (want == type_bool)
		return text_to_bool(value_as_string(v), err);
	if (want == type_number) {
		struct number *n = number_parse(value_as_string(v), value_string_size(v));

		if (!n)
			error_set(err, ERROR_INVALID, "a number is required");
		return n ? value_number_take(n) : NULL;
	}
	if (value_type(v) == type_bool)
		return value_string(value_as_bool(v) ? "true" : "false");

	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	number_format(&text, value_as_number(v));
	return value_string_len(text.buf, text.len);
}

static struct value *convert(struct value *v, struct type *want, struct error **err);

/* Owned values in an array; freed together. */
struct items {
	struct value **v;
	size_t len;
};

static void auto_items(struct items *items)
{
	for (size_t i = 0; i < items->len; i++)
		value_unref(items->v[i]);
	free(items->v);
}

static bool convert_items(const struct value *v, struct type *element, struct items *ret,
			  struct error **err)
{
	ret->v = xcalloc(value_len(v), sizeof(*ret->v));
	for (; ret->len < value_len(v); ret->len++) {
		ret->v[ret->len] = convert(value_at(v, ret->len), element, err);
		if (!ret->v[ret->len])
			return false;
	}
	return true;
}

static const char *collection_word(const struct type *t)
{
	return type_kind(t) == TYPE_LIST ? "list" : type_kind(t) == TYPE_SET ? "set" : "map";
}

/*
 * Items converted to an element type with "any" in it need not agree yet: they
 * are unified once more. Returns the element type, owned.
 */
static struct type *settle_items(struct value *v, struct type *want, struct items *items,
				 struct error **err)
{
	struct type *element = type_element(want);

	if (!type_has_dynamic(element) || !items->len)
		return element_after(value_type(v), element);

	AUTO_FREE struct type **types = xcalloc(items->len, sizeof(*types));

	for (size_t i = 0; i < items->len; i++)
		types[i] = value_type(items->v[i]);

	AUTO(type) struct type *common = type_unify_elements(types, items->len, true);

	if (!common) {
		if (type_kind(element) == TYPE_DYNAMIC)
			error_set(err, ERROR_INVALID, "all %s elements must have the same type",
				  collection_word(want));
		else
			error_set(err, ERROR_INVALID,
				  "element types must all match for conversion to %s",
				  collection_word(want));
		return NULL;
	}
	for (size_t i = 0; i < items->len; i++) {
		struct value *again = convert(items->v[i], common, err);

		if (!again)
			return NULL;
		value_unref(items->v[i]);
		items->v[i] = again;
	}
	return TAKE(common);
}

/* A set with unknown members has no certain length or order. */
static bool has_no_order(const struct value *v)
{
	return type_kind(value_type(v)) == TYPE_SET && value_len(v) > 1 &&
	       !value_is_wholly_known(v);
}

static struct value *convert_sequence(struct value *v, struct type *want, struct error **err)
{
	AUTO(items) struct items items = { 0 };
	struct value *result;

	if (type_kind(want) == TYPE_LIST && has_no_order(v)) {
		AUTO(type) struct type *t = type_after_convert(value_type(v), want);

		return value_unknown(t);
	}
	if (!convert_items(v, type_element(want), &items, err))
		return NULL;

	AUTO(type) struct type *element = settle_items(v, want, &items, err);

	if (!element)
		return NULL;
	result = type_kind(want) == TYPE_LIST ? value_list_take(element, items.v, items.len)
					      : value_set_take(element, items.v, items.len);
	items.len = 0;
	return result;
}

static struct value *convert_to_map(struct value *v, struct type *want, struct error **err)
{
	AUTO(items) struct items items = { 0 };
	AUTO(map) struct map result = { 0 };

	value_map_init(&result);
	if (!convert_items(v, type_element(want), &items, err))
		return NULL;

	AUTO(type) struct type *element = settle_items(v, want, &items, err);

	if (!element)
		return NULL;
	for (size_t i = 0; i < items.len; i++)
		map_set(&result, value_key_at(v, i), TAKE(items.v[i]));
	return value_map_take(element, &result);
}

static struct value *convert_to_tuple(struct value *v, struct type *want, struct error **err)
{
	AUTO(items) struct items items = { 0 };
	struct value *result;

	items.v = xcalloc(value_len(v), sizeof(*items.v));
	for (; items.len < value_len(v); items.len++) {
		items.v[items.len] = convert(value_at(v, items.len), type_at(want, items.len), err);
		if (!items.v[items.len])
			return NULL;
	}
	result = value_tuple_take(items.v, items.len);
	items.len = 0;
	return result;
}

/* One attribute of the result; `v` is an object or a map. */
static struct value *convert_attribute(struct value *v, const struct type_field *f,
				       struct error **err)
{
	struct value *have = value_get(v, f->name);
	bool from_map = type_kind(value_type(v)) == TYPE_MAP;
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;

	encode_go_quoted(&name, f->name, strlen(f->name));
	if (!have && f->optional) {
		AUTO(type) struct type *t = type_without_optional(f->type);

		return value_null(t);
	}
	if (!have) {
		error_set(err, ERROR_INVALID, "map has no element for required attribute %s",
			  name.buf);
		return NULL;
	}
	if (from_map && !type_can_convert(value_type(have), f->type, true)) {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;

		type_mismatch(&why, value_type(have), f->type);
		error_set(err, ERROR_INVALID,
			  "map element type is incompatible with attribute %s: %s", name.buf,
			  why.buf);
		return NULL;
	}
	return convert(have, f->type, err);
}

static struct value *convert_to_object(struct value *v, struct type *want, struct error **err)
{
	AUTO(map) struct map result = { 0 };

	value_map_init(&result);
	for (size_t i = 0; i < type_len(want); i++) {
		const struct type_field *f = type_field_at(want, i);
		struct value *item = convert_attribute(v, f, err);

		if (!item)
			return NULL;
		map_set(&result, f->name, item);
	}
	return value_object_take(&result);
}

static struct value *convert_known(struct value *v, struct type *want, struct error **err)
{
	switch (type_kind(want)) {
	case TYPE_STRING:
	case TYPE_NUMBER:
	case TYPE_BOOL:
		return convert_primitive(v, want, err);
	case TYPE_LIST:
	case TYPE_SET:
		return convert_sequence(v, want, err);
	case TYPE_MAP:
		return convert_to_map(v, want, err);
	case TYPE_TUPLE:
		return convert_to_tuple(v, want, err);
	case TYPE_OBJECT:
		return convert_to_object(v, want, err);
	case TYPE_DYNAMIC:
		break;
	}
	return value_ref(v);
}

/* The type of a value may be less certain than the value: elements are checked again. */
static struct value *convert(struct value *v, struct type *want, struct error **err)
{
	struct type *got = value_type(v);
	AUTO(value) struct value *r = NULL;

	if (type_kind(want) == TYPE_DYNAMIC || type_equal(got, want))
		return value_ref(v);
	if (!type_can_convert(got, want, true)) {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;

		type_mismatch(&why, got, want);
		error_set(err, ERROR_INVALID, "%s", why.buf);
		return NULL;
	}
	if (value_is_null(v) || !value_is_known(v)) {
		AUTO(type) struct type *t = type_after_convert(got, want);

		r = value_is_null(v) ? value_null(t) : value_unknown(t);
	} else {
		r = convert_known(v, want, err);
	}
	return r && value_is_sensitive(v) ? value_mark_sensitive(r, true) : TAKE(r);
}

struct value *value_convert(struct value *v, struct type *want, struct error **err)
{
	return convert(v, want, err);
}
