/* SPDX-License-Identifier: Apache-2.0 */
/* The common type of several (language.md 6.3); the letters are those of the spec. */
#include "base/alloc.h"
#include "value/convert.h"

#include <string.h>

struct census {
	size_t list, set, map, tuple, object, dynamic, total;
};

static struct census count_kinds(struct type *const *types, size_t n)
{
	struct census c = { .total = n };

	for (size_t i = 0; i < n; i++) {
		switch (type_kind(types[i])) {
		case TYPE_LIST:
			c.list++;
			break;
		case TYPE_SET:
			c.set++;
			break;
		case TYPE_MAP:
			c.map++;
			break;
		case TYPE_TUPLE:
			c.tuple++;
			break;
		case TYPE_OBJECT:
			c.object++;
			break;
		case TYPE_DYNAMIC:
			c.dynamic++;
			break;
		case TYPE_STRING:
		case TYPE_NUMBER:
		case TYPE_BOOL:
			break;
		}
	}
	return c;
}

static struct type *collection_of(enum type_kind kind, struct type *element)
{
	if (kind == TYPE_LIST)
		return type_list(element);
	return kind == TYPE_SET ? type_set(element) : type_map(element);
}

/* b: the collection of the unified element type. */
static struct type *unify_collections(enum type_kind kind, struct type *const *types, size_t n,
				      bool unsafe)
{
	AUTO_FREE struct type **elements = xcalloc(n, sizeof(*elements));

	for (size_t i = 0; i < n; i++) {
		if (type_kind(types[i]) == TYPE_DYNAMIC)
			return type_ref(type_dynamic);
		elements[i] = type_element(types[i]);
	}

	AUTO(type) struct type *element = type_unify(elements, n, unsafe);

	return element ? collection_of(kind, element) : NULL;
}

/* What all attributes or elements of the types of `kind` have in common. */
static struct type *unify_members(enum type_kind kind, struct type *const *types, size_t n,
				  bool unsafe)
{
	AUTO_FREE struct type **members = NULL;
	size_t count = 0, filled = 0;

	for (size_t i = 0; i < n; i++)
		if (type_kind(types[i]) == kind)
			count += type_len(types[i]);
	members = xcalloc(count, sizeof(struct type *));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; type_kind(types[i]) == kind && k < type_len(types[i]); k++)
			members[filled++] = type_at(types[i], k);
	return type_unify_elements(members, count, unsafe);
}

/* c: structural types beside collections are taken for collections of one type. */
static struct type *unify_mixed(enum type_kind structural, enum type_kind collection,
				struct type *const *types, size_t n, bool unsafe)
{
	AUTO(type) struct type *member = unify_members(structural, types, n, unsafe);
	AUTO_FREE struct type **as_collections = xcalloc(n, sizeof(*as_collections));

	if (!member)
		return NULL;

	AUTO(type) struct type *stand_in = collection_of(collection, member);

	for (size_t i = 0; i < n; i++)
		as_collections[i] = type_kind(types[i]) == structural ? stand_in : types[i];
	return unify_collections(collection, as_collections, n, unsafe);
}

static bool same_names(const struct type *a, const struct type *b)
{
	if (type_len(a) != type_len(b))
		return false;
	for (size_t i = 0; i < type_len(a); i++)
		if (strcmp(type_field_at(a, i)->name, type_field_at(b, i)->name) != 0)
			return false;
	return true;
}

/* The i-th member of each of the types, unified. */
static struct type *unify_column(struct type *const *types, size_t n, size_t i, bool unsafe)
{
	AUTO_FREE struct type **column = xcalloc(n, sizeof(*column));

	for (size_t k = 0; k < n; k++)
		column[k] = type_at(types[k], i);
	return type_unify(column, n, unsafe);
}

/* d and e, with equal names or lengths: member by member. */
static struct type *unify_columns(enum type_kind kind, struct type *const *types, size_t n,
				  bool unsafe)
{
	size_t len = type_len(types[0]), done = 0;
	AUTO_FREE struct type **members = xcalloc(len, sizeof(*members));
	AUTO_FREE struct type_field *fields = xcalloc(len, sizeof(*fields));
	struct type *result = NULL;

	for (; done < len; done++) {
		members[done] = unify_column(types, n, done, unsafe);
		if (!members[done])
			break;
		if (kind == TYPE_OBJECT)
			fields[done] = (struct type_field){ type_field_at(types[0], done)->name,
							    members[done], false, NULL };
	}
	if (done == len)
		result = kind == TYPE_OBJECT ? type_object(fields, len) : type_tuple(members, len);
	for (size_t i = 0; i < done; i++)
		type_unref(members[i]);
	return result;
}

static struct type *unify_structural(enum type_kind kind, struct type *const *types, size_t n,
				     bool unsafe)
{
	bool alike = true;

	for (size_t i = 0; i < n; i++)
		if (type_kind(types[i]) == TYPE_DYNAMIC)
			return type_ref(type_dynamic);
	for (size_t i = 1; i < n && alike; i++)
		alike = kind == TYPE_OBJECT ? same_names(types[0], types[i])
					    : type_len(types[0]) == type_len(types[i]);
	if (alike)
		return unify_columns(kind, types, n, unsafe);

	AUTO(type) struct type *member = unify_members(kind, types, n, unsafe);

	if (!member)
		return NULL;
	return kind == TYPE_OBJECT ? type_map(member) : type_list(member);
}

/* Whether a is the better candidate; a partial order. */
static bool preferred(const struct type *a, const struct type *b)
{
	enum type_kind ka = type_kind(a), kb = type_kind(b);

	if (ka == kb)
		return false;
	if (kb == TYPE_DYNAMIC)
		return true;
	if (type_is_primitive(a) && type_is_primitive(b))
		return ka == TYPE_STRING;
	if (ka == TYPE_LIST)
		return kb == TYPE_TUPLE || kb == TYPE_SET;
	if (ka == TYPE_TUPLE)
		return kb == TYPE_SET;
	return ka == TYPE_MAP && kb == TYPE_OBJECT;
}

static bool all_convert(struct type *const *types, size_t n, const struct type *want, bool unsafe)
{
	for (size_t i = 0; i < n; i++)
		if (!type_can_convert(types[i], want, unsafe))
			return false;
	return true;
}

/* g: the first candidate, in order of preference, that all others convert to. */
static struct type *first_candidate(struct type *const *types, size_t n, bool unsafe)
{
	AUTO_FREE bool *tried = xcalloc(n, sizeof(*tried));

	for (size_t round = 0; round < n; round++) {
		size_t best = n;

		for (size_t i = 0; i < n; i++)
			if (!tried[i] && (best == n || preferred(types[i], types[best])))
				best = i;
		tried[best] = true;
		if (all_convert(types, n, types[best], unsafe))
			return type_ref(types[best]);
	}
	return NULL;
}

static bool all_equal(struct type *const *types, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (!type_equal(types[0], types[i]))
			return false;
	return true;
}

struct type *type_unify(struct type *const *types, size_t n, bool unsafe)
{
	if (!n)
		return NULL;
	if (all_equal(types, n))
		return type_ref(types[0]);

	struct census c = count_kinds(types, n);
	struct type *mixed = NULL;

	if (c.map && c.map + c.dynamic == n)
		return unify_collections(TYPE_MAP, types, n, unsafe);
	if (c.map && c.map + c.object + c.dynamic == n)
		mixed = unify_mixed(TYPE_OBJECT, TYPE_MAP, types, n, unsafe);
	if (c.list && c.list + c.dynamic == n)
		return unify_collections(TYPE_LIST, types, n, unsafe);
	if (c.list && c.list + c.tuple + c.dynamic == n)
		mixed = unify_mixed(TYPE_TUPLE, TYPE_LIST, types, n, unsafe);
	if (mixed)
		return mixed;
	if (c.set && c.set + c.dynamic == n)
		return unify_collections(TYPE_SET, types, n, unsafe);
	if (c.object && c.object + c.dynamic == n)
		return unify_structural(TYPE_OBJECT, types, n, unsafe);
	if (c.tuple && c.tuple + c.dynamic == n)
		return unify_structural(TYPE_TUPLE, types, n, unsafe);
	if (c.object && c.tuple)
		return NULL;
	return first_candidate(types, n, unsafe);
}

struct type *type_unify_elements(struct type *const *types, size_t n, bool unsafe)
{
	struct type *t = type_unify(types, n, unsafe);

	if (!t || t != type_dynamic || all_equal(types, n))
		return t;
	return NULL;
}
