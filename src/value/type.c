/* SPDX-License-Identifier: Apache-2.0 */
#include "value/type.h"

#include "base/alloc.h"
#include "value/jsontext.h"
#include "value/value.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct type {
	atomic_int refs;
	bool is_static; /* never freed, not counted */
	enum type_kind kind;
	struct type *element; /* collections */
	size_t len;
	struct type **elements;    /* tuples */
	struct type_field *fields; /* objects; sorted by name */
};

#define STATIC_TYPE(noun, ...) static struct type noun##_type = { .is_static = true, __VA_ARGS__ }

STATIC_TYPE(dynamic, .kind = TYPE_DYNAMIC);
STATIC_TYPE(string, .kind = TYPE_STRING);
STATIC_TYPE(number, .kind = TYPE_NUMBER);
STATIC_TYPE(bool, .kind = TYPE_BOOL);
STATIC_TYPE(list_any, .kind = TYPE_LIST, .element = &dynamic_type);
STATIC_TYPE(list_string, .kind = TYPE_LIST, .element = &string_type);
STATIC_TYPE(list_number, .kind = TYPE_LIST, .element = &number_type);
STATIC_TYPE(list_bool, .kind = TYPE_LIST, .element = &bool_type);
STATIC_TYPE(set_any, .kind = TYPE_SET, .element = &dynamic_type);
STATIC_TYPE(set_string, .kind = TYPE_SET, .element = &string_type);

struct type *const type_dynamic = &dynamic_type;
struct type *const type_string = &string_type;
struct type *const type_number = &number_type;
struct type *const type_bool = &bool_type;
struct type *const type_list_any = &list_any_type;
struct type *const type_list_string = &list_string_type;
struct type *const type_list_number = &list_number_type;
struct type *const type_list_bool = &list_bool_type;
struct type *const type_set_any = &set_any_type;
struct type *const type_set_string = &set_string_type;

static struct type *new_type(enum type_kind kind)
{
	struct type *t = NEW(struct type);

	atomic_init(&t->refs, 1);
	t->kind = kind;
	return t;
}

static struct type *new_collection(enum type_kind kind, struct type *element)
{
	struct type *t = new_type(kind);

	t->element = type_ref(element);
	return t;
}

struct type *type_list(struct type *element)
{
	return new_collection(TYPE_LIST, element);
}

struct type *type_set(struct type *element)
{
	return new_collection(TYPE_SET, element);
}

struct type *type_map(struct type *element)
{
	return new_collection(TYPE_MAP, element);
}

struct type *type_tuple(struct type *const *elements, size_t n)
{
	struct type *t = new_type(TYPE_TUPLE);

	t->len = n;
	t->elements = xcalloc(n, sizeof(*t->elements));
	for (size_t i = 0; i < n; i++)
		t->elements[i] = type_ref(elements[i]);
	return t;
}

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct type_field *)a)->name, ((const struct type_field *)b)->name);
}

struct type *type_object(const struct type_field *fields, size_t n)
{
	struct type *t = new_type(TYPE_OBJECT);

	t->len = n;
	t->fields = xcalloc(n, sizeof(*t->fields));
	for (size_t i = 0; i < n; i++) {
		t->fields[i] = fields[i];
		t->fields[i].name = xstrdup(fields[i].name);
		type_ref(fields[i].type);
		if (fields[i].fallback)
			value_ref(fields[i].fallback);
	}
	qsort(t->fields, n, sizeof(*t->fields), compare_fields);
	return t;
}

struct type *type_ref(struct type *t)
{
	if (!t->is_static)
		atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void type_unref(struct type *t)
{
	if (!t || t->is_static)
		return;
	if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	type_unref(t->element);
	for (size_t i = 0; i < t->len; i++) {
		if (t->elements)
			type_unref(t->elements[i]);
		if (!t->fields)
			continue;
		free((char *)t->fields[i].name);
		type_unref(t->fields[i].type);
		value_unref(t->fields[i].fallback);
	}
	free(t->elements);
	free(t->fields);
	free(t);
}

enum type_kind type_kind(const struct type *t)
{
	return t->kind;
}

bool type_is_primitive(const struct type *t)
{
	return t->kind == TYPE_STRING || t->kind == TYPE_NUMBER || t->kind == TYPE_BOOL;
}

bool type_is_collection(const struct type *t)
{
	return t->kind == TYPE_LIST || t->kind == TYPE_SET || t->kind == TYPE_MAP;
}

struct type *type_element(const struct type *t)
{
	assert(type_is_collection(t));
	return t->element;
}

size_t type_len(const struct type *t)
{
	return t->len;
}

struct type *type_at(const struct type *t, size_t i)
{
	assert(i < t->len);
	return t->elements ? t->elements[i] : t->fields[i].type;
}

const struct type_field *type_field_at(const struct type *t, size_t i)
{
	assert(t->kind == TYPE_OBJECT && i < t->len);
	return &t->fields[i];
}

const struct type_field *type_field(const struct type *t, const char *name)
{
	struct type_field key = { .name = name };

	if (t->kind != TYPE_OBJECT || !t->len)
		return NULL;
	return bsearch(&key, t->fields, t->len, sizeof(key), compare_fields);
}

static bool fields_equal(const struct type_field *a, const struct type_field *b)
{
	return a->optional == b->optional && !strcmp(a->name, b->name) &&
	       type_equal(a->type, b->type);
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->len != b->len)
		return false;
	if (type_is_collection(a))
		return type_equal(a->element, b->element);
	for (size_t i = 0; i < a->len; i++) {
		if (a->elements && !type_equal(a->elements[i], b->elements[i]))
			return false;
		if (a->fields && !fields_equal(&a->fields[i], &b->fields[i]))
			return false;
	}
	return true;
}

bool type_has_dynamic(const struct type *t)
{
	if (t->kind == TYPE_DYNAMIC)
		return true;
	if (type_is_collection(t))
		return type_has_dynamic(t->element);
	for (size_t i = 0; i < t->len; i++)
		if (type_has_dynamic(type_at(t, i)))
			return true;
	return false;
}

bool type_has_optional(const struct type *t)
{
	if (type_is_collection(t))
		return type_has_optional(t->element);
	for (size_t i = 0; i < t->len; i++) {
		if (t->fields && t->fields[i].optional)
			return true;
		if (type_has_optional(type_at(t, i)))
			return true;
	}
	return false;
}

struct type *type_without_optional(struct type *t)
{
	if (!type_has_optional(t))
		return type_ref(t);
	if (type_is_collection(t)) {
		struct type *c = new_type(t->kind);

		c->element = type_without_optional(t->element);
		return c;
	}

	struct type *c = new_type(t->kind);

	c->len = t->len;
	if (t->elements)
		c->elements = xcalloc(t->len, sizeof(*c->elements));
	else
		c->fields = xcalloc(t->len, sizeof(*c->fields));
	for (size_t i = 0; i < t->len; i++) {
		if (t->elements)
			c->elements[i] = type_without_optional(t->elements[i]);
		else
			c->fields[i] = (struct type_field){
				.name = xstrdup(t->fields[i].name),
				.type = type_without_optional(t->fields[i].type),
			};
	}
	return c;
}

static const char *const kind_words[] = { "dynamic", "string",  "number", "bool",  "list of ",
					  "set of ", "map of ", "tuple",  "object" };
static_assert(ARRAY_LEN(kind_words) == TYPE_OBJECT + 1, "one word per kind");

void type_name(struct strbuf *sb, const struct type *t)
{
	strbuf_addstr(sb, kind_words[t->kind]);
	if (type_is_collection(t))
		type_name(sb, t->element);
}

void type_constraint_name(struct strbuf *sb, const struct type *t)
{
	strbuf_addstr(sb, t->kind == TYPE_DYNAMIC ? "any type" : kind_words[t->kind]);
	if (!type_is_collection(t))
		return;
	if (t->element->kind == TYPE_DYNAMIC)
		strbuf_addstr(sb, "any single type");
	else
		type_constraint_name(sb, t->element);
}

static void object_json(struct strbuf *sb, const struct type *t)
{
	bool optional = false;

	strbuf_addstr(sb, "[\"object\",{");
	for (size_t i = 0; i < t->len; i++) {
		if (i)
			strbuf_addch(sb, ',');
		jsontext_quote(sb, t->fields[i].name, strlen(t->fields[i].name));
		strbuf_addch(sb, ':');
		type_json(sb, t->fields[i].type);
	}
	strbuf_addch(sb, '}');
	for (size_t i = 0; i < t->len; i++) {
		if (!t->fields[i].optional)
			continue;
		strbuf_addstr(sb, optional ? "," : ",[");
		jsontext_quote(sb, t->fields[i].name, strlen(t->fields[i].name));
		optional = true;
	}
	strbuf_addstr(sb, optional ? "]]" : "]");
}

void type_json(struct strbuf *sb, const struct type *t)
{
	switch (t->kind) {
	case TYPE_DYNAMIC:
	case TYPE_STRING:
	case TYPE_NUMBER:
	case TYPE_BOOL:
		strbuf_addf(sb, "\"%s\"", kind_words[t->kind]);
		return;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
		strbuf_addf(sb, "[\"%.*s\",", t->kind == TYPE_LIST ? 4 : 3, kind_words[t->kind]);
		type_json(sb, t->element);
		strbuf_addch(sb, ']');
		return;
	case TYPE_TUPLE:
		strbuf_addstr(sb, "[\"tuple\",[");
		for (size_t i = 0; i < t->len; i++) {
			if (i)
				strbuf_addch(sb, ',');
			type_json(sb, t->elements[i]);
		}
		strbuf_addstr(sb, "]]");
		return;
	case TYPE_OBJECT:
		object_json(sb, t);
		return;
	}
}
