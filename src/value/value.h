/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the language: immutable, reference-counted (atomic; builds share
 * them across threads). Arguments are borrowed, results are owned. A value is
 * known, null, or unknown, and may carry the `sensitive` mark, which every
 * operation passes on to its result.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "value/number.h"
#include "value/type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct value;

struct value *value_null(struct type *t);
struct value *value_unknown(struct type *t);
struct value *value_bool(bool b);
struct value *value_int(int64_t n);
struct value *value_number(struct number *n);      /* referenced */
struct value *value_number_take(struct number *n); /* takes the reference */
struct value *value_string(const char *s);         /* NFC-normalised */
struct value *value_string_len(const char *s, size_t len);
struct value *value_string_as_is(const char *s, size_t len); /* for texts that are no expressions */

/* Collections take ownership of the items (not of the array). Element types
 * must agree; n may be 0. Sets sort and de-duplicate (language.md 5.4). */
struct value *value_list_take(struct type *element, struct value **items, size_t n);
struct value *value_set_take(struct type *element, struct value **items, size_t n);
struct value *value_tuple_take(struct value **items, size_t n);
/* Moves the map's values out; leaves it empty. Maps and objects iterate sorted by key. */
struct value *value_map_take(struct type *element, struct map *items);
struct value *value_object_take(struct map *items);
void value_map_init(struct map *m); /* map_init() with the right destroy */
/* map_set() that takes `v`, also when it is the value that is there already. */
void value_map_put(struct map *m, const char *key, struct value *v);

struct value *value_ref(struct value *v);
void value_unref(struct value *v);
DEFINE_AUTO(value, struct value *, value_unref);
/* Ends with the arena: takes the reference, gives it back. NULL stays NULL. */
struct value *value_keep(struct arena *arena, struct value *v);

struct type *value_type(const struct value *v); /* borrowed */
bool value_is_null(const struct value *v);
bool value_is_known(const struct value *v); /* itself, not inside */
bool value_is_wholly_known(const struct value *v);
bool value_is_sensitive(const struct value *v);               /* itself */
bool value_is_sensitive_deep(const struct value *v);          /* anywhere inside */
struct value *value_mark_sensitive(struct value *v, bool on); /* same content, marked */
struct value *value_unmark_deep(struct value *v); /* no marks on it or inside; what functions get */

/* Content; the value must be known, non-null and of that type (asserted). */
bool value_as_bool(const struct value *v);
const struct number *value_as_number(const struct value *v);
const char *value_as_string(const struct value *v);              /* NUL-terminated */
size_t value_string_size(const struct value *v);                 /* bytes */
size_t value_len(const struct value *v);                         /* elements */
struct value *value_at(const struct value *v, size_t i);         /* borrowed; maps: sorted */
const char *value_key_at(const struct value *v, size_t i);       /* maps, objects */
struct value *value_get(const struct value *v, const char *key); /* borrowed or NULL */

bool value_equal(const struct value *a, const struct value *b); /* both wholly known */
int value_compare_set_order(const struct value *a, const struct value *b);

/* Calls back for every string inside, keys too: to register secrets. */
void value_each_string(const struct value *v, void (*fn)(void *data, const char *s), void *data);

/* Text forms. */
void value_format_console(struct strbuf *sb, const struct value *v); /* cli.md 6.4 */
void value_format_json(struct strbuf *sb,
		       const struct value *v); /* jsonencode(); unmarked, known */
/* `"abc"`, `list of string with 2 elements`, … (language.md 9.1) */
void value_format_summary(struct strbuf *sb, const struct value *v);
