/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the language (language.md 5). Immutable and reference-counted
 * (atomic).
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum type_kind {
	TYPE_DYNAMIC, /* "any"; the type is not known */
	TYPE_STRING,
	TYPE_NUMBER,
	TYPE_BOOL,
	TYPE_LIST,
	TYPE_SET,
	TYPE_MAP,
	TYPE_TUPLE,
	TYPE_OBJECT,
};

struct type;
struct value;

/* Static: never freed. */
extern struct type *const type_dynamic, *const type_string, *const type_number, *const type_bool;
extern struct type *const type_list_any,
	*const type_list_string, *const type_list_number, *const type_list_bool,
								  *const type_set_any,
									  *const type_set_string;

/* Elements are borrowed (referenced inside). */
struct type *type_list(struct type *element);
struct type *type_set(struct type *element);
struct type *type_map(struct type *element);
struct type *type_tuple(struct type *const *elements, size_t n);

struct type_field {
	const char *name;
	struct type *type;
	bool optional;          /* only in constraints */
	struct value *fallback; /* default of an optional one, or NULL */
};
struct type *type_object(const struct type_field *fields, size_t n); /* sorted inside */

struct type *type_ref(struct type *t);
void type_unref(struct type *t);
DEFINE_AUTO(type, struct type *, type_unref);

enum type_kind type_kind(const struct type *t);
bool type_is_primitive(const struct type *t);
bool type_is_collection(const struct type *t);   /* list, set, map */
struct type *type_element(const struct type *t); /* of a collection; borrowed */
size_t type_len(const struct type *t);           /* tuple elements, object fields */
struct type *type_at(const struct type *t, size_t i);
const struct type_field *type_field_at(const struct type *t, size_t i); /* sorted by name */
const struct type_field *type_field(const struct type *t, const char *name);

bool type_equal(const struct type *a, const struct type *b);
bool type_has_dynamic(const struct type *t); /* anywhere inside */
bool type_has_optional(const struct type *t);
struct type *type_without_optional(struct type *t);                 /* the type of values; owned */
void type_name(struct strbuf *sb, const struct type *t);            /* `list of string` */
void type_constraint_name(struct strbuf *sb, const struct type *t); /* `list of any single type` */
void type_json(struct strbuf *sb, const struct type *t);            /* cty's JSON encoding */
