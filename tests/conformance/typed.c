/* SPDX-License-Identifier: Apache-2.0 */
#include "typed.h"

#include "base/alloc.h"

#include <string.h>

struct value *typed_get(const struct value *v, const char *key)
{
	struct value *item = value_get(v, key);

	return item && !value_is_null(item) ? item : NULL;
}

const char *typed_text(const struct value *v, const char *key)
{
	struct value *item = typed_get(v, key);

	return item && value_type(item) == type_string ? value_as_string(item) : "";
}

bool typed_is_true(const struct value *v, const char *key)
{
	struct value *item = typed_get(v, key);

	return item && value_type(item) == type_bool && value_as_bool(item);
}

bool typed_needs(const struct value *line, const char *what)
{
	struct value *list = typed_get(line, "needs");

	for (size_t i = 0; list && i < value_len(list); i++)
		if (!strcmp(value_as_string(value_at(list, i)), what))
			return true;
	return false;
}

static bool is_listed(const struct value *names, const char *name)
{
	for (size_t i = 0; names && i < value_len(names); i++)
		if (!strcmp(value_as_string(value_at(names, i)), name))
			return true;
	return false;
}

static struct type *read_object_type(const struct value *v)
{
	const struct value *attrs = value_at(v, 1);
	const struct value *optional = value_len(v) > 2 ? value_at(v, 2) : NULL;
	size_t n = value_len(attrs);
	AUTO_FREE struct type_field *fields = xcalloc(n, sizeof(*fields));
	struct type *t;

	for (size_t i = 0; i < n; i++)
		fields[i] =
			(struct type_field){ value_key_at(attrs, i), typed_type(value_at(attrs, i)),
					     is_listed(optional, value_key_at(attrs, i)), NULL };
	t = type_object(fields, n);
	for (size_t i = 0; i < n; i++)
		type_unref(fields[i].type);
	return t;
}

static struct type *read_tuple_type(const struct value *elements)
{
	size_t n = value_len(elements);
	AUTO_FREE struct type **types = xcalloc(n, sizeof(*types));
	struct type *t;

	for (size_t i = 0; i < n; i++)
		types[i] = typed_type(value_at(elements, i));
	t = type_tuple(types, n);
	for (size_t i = 0; i < n; i++)
		type_unref(types[i]);
	return t;
}

struct type *typed_type(const struct value *v)
{
	if (value_type(v) == type_string) {
		const char *name = value_as_string(v);

		if (!strcmp(name, "string"))
			return type_string;
		if (!strcmp(name, "number"))
			return type_number;
		return !strcmp(name, "bool") ? type_bool : type_dynamic;
	}

	const char *name = value_as_string(value_at(v, 0));

	if (!strcmp(name, "object"))
		return read_object_type(v);
	if (!strcmp(name, "tuple"))
		return read_tuple_type(value_at(v, 1));

	AUTO(type) struct type *element = typed_type(value_at(v, 1));

	if (!strcmp(name, "list"))
		return type_list(element);
	return !strcmp(name, "set") ? type_set(element) : type_map(element);
}

static struct value *read_content(struct type *t, const struct value *v);

static struct value *read_items(struct type *t, const struct value *v)
{
	size_t n = value_len(v);
	AUTO_FREE struct value **items = xcalloc(n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] =
			read_content(type_kind(t) == TYPE_TUPLE ? type_at(t, i) : type_element(t),
				     value_at(v, i));
	if (type_kind(t) == TYPE_LIST)
		return value_list_take(type_element(t), items, n);
	if (type_kind(t) == TYPE_SET)
		return value_set_take(type_element(t), items, n);
	return value_tuple_take(items, n);
}

static struct value *read_mapping(struct type *t, const struct value *v)
{
	struct map items;

	value_map_init(&items);
	for (size_t i = 0; i < value_len(v); i++) {
		const char *key = value_key_at(v, i);
		struct type *et =
			type_kind(t) == TYPE_MAP ? type_element(t) : type_field(t, key)->type;

		map_set(&items, key, read_content(et, value_at(v, i)));
	}
	return type_kind(t) == TYPE_MAP ? value_map_take(type_element(t), &items)
					: value_object_take(&items);
}

static struct value *read_content(struct type *t, const struct value *v)
{
	if (value_is_null(v))
		return value_null(t);
	if (type_kind(value_type(v)) == TYPE_OBJECT && value_get(v, "$unknown"))
		return value_unknown(t);
	switch (type_kind(t)) {
	case TYPE_NUMBER:
		if (value_type(v) == type_string)
			return value_number_take(number_infinity(value_as_string(v)[0] == '-'));
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return read_items(t, v);
	case TYPE_MAP:
	case TYPE_OBJECT:
		return read_mapping(t, v);
	case TYPE_STRING:
	case TYPE_BOOL:
	case TYPE_DYNAMIC:
		break;
	}
	return value_ref((struct value *)v);
}

struct value *typed_value(const struct value *v)
{
	AUTO(type) struct type *constraint = typed_type(value_get(v, "type"));
	AUTO(type) struct type *t = type_without_optional(constraint);

	if (value_get(v, "unknown"))
		return value_unknown(t);
	return read_content(t, value_get(v, "value"));
}

/* Sets of what is not primitive have no order to compare. */
static bool same_set(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < value_len(a); i++) {
		bool found = false;

		for (size_t k = 0; k < value_len(b) && !found; k++)
			found = typed_same(value_at(a, i), value_at(b, k));
		if (!found)
			return false;
	}
	return true;
}

bool typed_same(const struct value *a, const struct value *b)
{
	if (!type_equal(value_type(a), value_type(b)) || value_is_known(a) != value_is_known(b) ||
	    value_is_null(a) != value_is_null(b))
		return false;
	if (!value_is_known(a) || value_is_null(a))
		return true;
	if (type_is_primitive(value_type(a)))
		return value_equal(a, b);
	if (value_len(a) != value_len(b))
		return false;
	if (type_kind(value_type(a)) == TYPE_SET && !type_is_primitive(type_element(value_type(a))))
		return same_set(a, b);
	for (size_t i = 0; i < value_len(a); i++) {
		if (type_kind(value_type(a)) == TYPE_MAP &&
		    strcmp(value_key_at(a, i), value_key_at(b, i)) != 0)
			return false;
		if (!typed_same(value_at(a, i), value_at(b, i)))
			return false;
	}
	return true;
}

void typed_describe(struct strbuf *sb, const struct value *v)
{
	type_json(sb, value_type(v));
	strbuf_addch(sb, ' ');
	if (!value_is_known(v))
		strbuf_addstr(sb, "unknown");
	else
		value_format_json(sb, v);
}
