/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation per value: what a string or a collection holds lies behind
 * the header. Objects share their keys with their type, maps own theirs.
 */
#include "value/value.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum state { STATE_KNOWN, STATE_NULL, STATE_UNKNOWN };

struct value {
	atomic_int refs;
	enum state state;
	bool sensitive;
	struct type *type;
	union {
		bool boolean;
		struct number *number;
		struct {
			size_t size;
			char *text;
		} string;
		struct {
			size_t len;
			struct value **items;
			char **keys; /* maps; owned, sorted */
		} many;
	} u;
};

/* Takes the reference to `t`. */
static struct value *new_value(struct type *t, enum state state, size_t extra)
{
	struct value *v = xmalloc(sizeof(*v) + extra);

	memset(v, 0, sizeof(*v));
	atomic_init(&v->refs, 1);
	v->state = state;
	v->type = t;
	return v;
}

struct value *value_null(struct type *t)
{
	return new_value(type_ref(t), STATE_NULL, 0);
}

struct value *value_unknown(struct type *t)
{
	return new_value(type_ref(t), STATE_UNKNOWN, 0);
}

struct value *value_bool(bool b)
{
	struct value *v = new_value(type_bool, STATE_KNOWN, 0);

	v->u.boolean = b;
	return v;
}

struct value *value_number(struct number *n)
{
	struct value *v = new_value(type_number, STATE_KNOWN, 0);

	v->u.number = number_ref(n);
	return v;
}

struct value *value_number_take(struct number *n)
{
	struct value *v = new_value(type_number, STATE_KNOWN, 0);

	v->u.number = n;
	return v;
}

struct value *value_int(int64_t n)
{
	return value_number_take(number_from_int(n));
}

static struct value *new_string(const char *s, size_t len)
{
	struct value *v = new_value(type_string, STATE_KNOWN, len + 1);

	v->u.string.text = (char *)(v + 1);
	v->u.string.size = len;
	if (len)
		memcpy(v->u.string.text, s, len);
	v->u.string.text[len] = '\0';
	return v;
}

struct value *value_string(const char *s)
{
	return value_string_len(s, strlen(s));
}

struct value *value_string_len(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!((unsigned char)s[i] & 0x80))
			continue;

		AUTO(strbuf) struct strbuf nfc = STRBUF_INIT;

		utf8_nfc(&nfc, s, len);
		return new_string(nfc.buf, nfc.len);
	}
	return new_string(s, len);
}

struct value *value_string_as_is(const char *s, size_t len)
{
	return new_string(s, len);
}

static struct value *new_many(struct type *t, size_t n, bool keys)
{
	size_t extra = n * sizeof(struct value *) + (keys ? n * sizeof(char *) : 0);
	struct value *v = new_value(t, STATE_KNOWN, extra);

	v->u.many.len = n;
	v->u.many.items = (struct value **)(v + 1);
	if (keys)
		v->u.many.keys = (char **)(v->u.many.items + n);
	return v;
}

static struct value *new_sequence(struct type *t, struct value **items, size_t n)
{
	struct value *v = new_many(t, n, false);

	if (n)
		memcpy(v->u.many.items, items, n * sizeof(*items));
	return v;
}

struct value *value_list_take(struct type *element, struct value **items, size_t n)
{
	return new_sequence(type_list(element), items, n);
}

struct value *value_tuple_take(struct value **items, size_t n)
{
	AUTO_FREE struct type **types = xcalloc(n, sizeof(*types));

	for (size_t i = 0; i < n; i++)
		types[i] = items[i]->type;
	return new_sequence(type_tuple(types, n), items, n);
}

struct value *value_map_take(struct type *element, struct map *items)
{
	map_sort(items);

	struct value *v = new_many(type_map(element), items->len, true);

	for (size_t i = 0; i < items->len; i++) {
		v->u.many.keys[i] = TAKE(items->entries[i].key);
		v->u.many.items[i] = TAKE(items->entries[i].value);
	}
	map_release(items);
	return v;
}

struct value *value_object_take(struct map *items)
{
	AUTO_FREE struct type_field *fields = xcalloc(items->len, sizeof(*fields));

	map_sort(items);
	for (size_t i = 0; i < items->len; i++) {
		struct value *item = items->entries[i].value;

		fields[i] = (struct type_field){ items->entries[i].key, item->type, false, NULL };
	}

	struct value *v = new_many(type_object(fields, items->len), items->len, false);

	for (size_t i = 0; i < items->len; i++)
		v->u.many.items[i] = TAKE(items->entries[i].value);
	map_release(items);
	return v;
}

static void destroy_value(void *v)
{
	value_unref(v);
}

void value_map_init(struct map *m)
{
	map_init(m, destroy_value);
}

void value_map_put(struct map *m, const char *key, struct value *v)
{
	if (map_get(m, key) == v)
		value_unref(v);
	else
		map_set(m, key, v);
}

/* An element of a set with what it is sorted by. */
struct member {
	struct value *v;
	char *text; /* canonical JSON, for what is not primitive */
};

static int rank_of(const struct value *v)
{
	return v->state == STATE_UNKNOWN ? 2 : v->state == STATE_NULL ? 1 : 0;
}

static int compare_strings(const struct value *a, const struct value *b)
{
	size_t la = a->u.string.size, lb = b->u.string.size;
	int d = memcmp(a->u.string.text, b->u.string.text, MIN(la, lb));

	return d ? d : (la > lb) - (la < lb);
}

static int compare_members(const struct member *a, const struct member *b)
{
	int ra = rank_of(a->v), rb = rank_of(b->v);

	if (ra || rb)
		return ra - rb;
	if (a->v->type == type_string && b->v->type == type_string)
		return compare_strings(a->v, b->v);
	if (a->v->type == type_number && b->v->type == type_number)
		return number_compare(a->v->u.number, b->v->u.number);
	if (a->v->type == type_bool && b->v->type == type_bool)
		return (int)a->v->u.boolean - (int)b->v->u.boolean;
	/* Mixed kinds occur only in sets of an element type that is not known. */
	return strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

static char *member_text(const struct value *v)
{
	struct strbuf sb = STRBUF_INIT;

	if (rank_of(v) || type_is_primitive(v->type))
		return NULL;
	value_format_json(&sb, v);
	return strbuf_detach(&sb);
}

static int compare_members_qsort(const void *a, const void *b)
{
	return compare_members(a, b);
}

int value_compare_set_order(const struct value *a, const struct value *b)
{
	struct member ma = { (struct value *)a, member_text(a) };
	struct member mb = { (struct value *)b, member_text(b) };
	int d = compare_members(&ma, &mb);

	free(ma.text);
	free(mb.text);
	return d;
}

struct value *value_set_take(struct type *element, struct value **items, size_t n)
{
	AUTO_FREE struct member *members = xcalloc(n, sizeof(*members));
	bool sensitive = false;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool secret = value_is_sensitive_deep(items[i]);
		struct value *v = secret ? value_unmark_deep(items[i]) : value_ref(items[i]);

		value_unref(items[i]);
		sensitive |= secret;
		members[i] = (struct member){ v, member_text(v) };
	}
	qsort(members, n, sizeof(*members), compare_members_qsort);

	struct value *set = new_many(type_set(element), n, false);

	for (size_t i = 0; i < n; i++) {
		struct value *last = kept ? set->u.many.items[kept - 1] : NULL;

		free(members[i].text);
		if (last && value_is_wholly_known(last) && value_is_wholly_known(members[i].v) &&
		    value_equal(last, members[i].v))
			value_unref(members[i].v);
		else
			set->u.many.items[kept++] = members[i].v;
	}
	set->u.many.len = kept;
	set->sensitive = sensitive;
	return set;
}

struct value *value_ref(struct value *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

static bool is_many(const struct value *v)
{
	return v->state == STATE_KNOWN && type_kind(v->type) >= TYPE_LIST;
}

void value_unref(struct value *v)
{
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (is_many(v)) {
		for (size_t i = 0; i < v->u.many.len; i++) {
			value_unref(v->u.many.items[i]);
			if (v->u.many.keys)
				free(v->u.many.keys[i]);
		}
	} else if (v->state == STATE_KNOWN && v->type == type_number) {
		number_unref(v->u.number);
	}
	type_unref(v->type);
	free(v);
}

static void drop(void *v)
{
	value_unref(v);
}

struct value *value_keep(struct arena *arena, struct value *v)
{
	if (v)
		arena_on_free(arena, drop, v);
	return v;
}

struct type *value_type(const struct value *v)
{
	return v->type;
}

bool value_is_null(const struct value *v)
{
	return v->state == STATE_NULL;
}

bool value_is_known(const struct value *v)
{
	return v->state != STATE_UNKNOWN;
}

bool value_is_wholly_known(const struct value *v)
{
	if (v->state == STATE_UNKNOWN)
		return false;
	if (!is_many(v))
		return true;
	for (size_t i = 0; i < v->u.many.len; i++)
		if (!value_is_wholly_known(v->u.many.items[i]))
			return false;
	return true;
}

bool value_is_sensitive(const struct value *v)
{
	return v->sensitive;
}

bool value_is_sensitive_deep(const struct value *v)
{
	if (v->sensitive)
		return true;
	if (!is_many(v))
		return false;
	for (size_t i = 0; i < v->u.many.len; i++)
		if (value_is_sensitive_deep(v->u.many.items[i]))
			return true;
	return false;
}

/* The same content, its items passed through `each`; the mark is not copied. */
static struct value *copy_with(const struct value *v, struct value *(*each)(struct value *v))
{
	if (!is_many(v)) {
		struct value *c;

		if (v->state == STATE_KNOWN && v->type == type_string)
			return new_string(v->u.string.text, v->u.string.size);
		c = new_value(type_ref(v->type), v->state, 0);
		c->u = v->u;
		if (v->state == STATE_KNOWN && v->type == type_number)
			number_ref(c->u.number);
		return c;
	}

	struct value *c = new_many(type_ref(v->type), v->u.many.len, v->u.many.keys != NULL);

	for (size_t i = 0; i < v->u.many.len; i++) {
		c->u.many.items[i] = each(v->u.many.items[i]);
		if (v->u.many.keys)
			c->u.many.keys[i] = xstrdup(v->u.many.keys[i]);
	}
	return c;
}

struct value *value_mark_sensitive(struct value *v, bool on)
{
	if (v->sensitive == on)
		return value_ref(v);

	struct value *c = copy_with(v, value_ref);

	c->sensitive = on;
	return c;
}

struct value *value_unmark_deep(struct value *v)
{
	return value_is_sensitive_deep(v) ? copy_with(v, value_unmark_deep) : value_ref(v);
}

static bool is(const struct value *v, enum type_kind kind)
{
	return v->state == STATE_KNOWN && type_kind(v->type) == kind;
}

bool value_as_bool(const struct value *v)
{
	assert(is(v, TYPE_BOOL));
	return v->u.boolean;
}

const struct number *value_as_number(const struct value *v)
{
	assert(is(v, TYPE_NUMBER));
	return v->u.number;
}

const char *value_as_string(const struct value *v)
{
	assert(is(v, TYPE_STRING));
	return v->u.string.text;
}

size_t value_string_size(const struct value *v)
{
	assert(is(v, TYPE_STRING));
	return v->u.string.size;
}

size_t value_len(const struct value *v)
{
	assert(is_many(v));
	return v->u.many.len;
}

struct value *value_at(const struct value *v, size_t i)
{
	assert(is_many(v) && i < v->u.many.len);
	return v->u.many.items[i];
}

const char *value_key_at(const struct value *v, size_t i)
{
	assert(is_many(v) && i < v->u.many.len);
	return v->u.many.keys ? v->u.many.keys[i] : type_field_at(v->type, i)->name;
}

struct value *value_get(const struct value *v, const char *key)
{
	if (!is(v, TYPE_MAP) && !is(v, TYPE_OBJECT))
		return NULL;

	size_t low = 0, high = v->u.many.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcmp(key, value_key_at(v, mid));

		if (!d)
			return v->u.many.items[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static bool many_equal(const struct value *a, const struct value *b)
{
	if (a->u.many.len != b->u.many.len)
		return false;
	for (size_t i = 0; i < a->u.many.len; i++) {
		if (a->u.many.keys && strcmp(a->u.many.keys[i], b->u.many.keys[i]) != 0)
			return false;
		if (!value_equal(a->u.many.items[i], b->u.many.items[i]))
			return false;
	}
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (a->state != STATE_KNOWN || b->state != STATE_KNOWN)
		return a->state == b->state && a->state == STATE_NULL;
	if (!type_equal(a->type, b->type))
		return false;
	switch (type_kind(a->type)) {
	case TYPE_BOOL:
		return a->u.boolean == b->u.boolean;
	case TYPE_NUMBER:
		return number_equal(a->u.number, b->u.number);
	case TYPE_STRING:
		return !compare_strings(a, b);
	case TYPE_DYNAMIC:
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	return many_equal(a, b);
}

void value_each_string(const struct value *v, void (*fn)(void *data, const char *s), void *data)
{
	if (is(v, TYPE_STRING))
		fn(data, v->u.string.text);
	if (!is_many(v))
		return;
	for (size_t i = 0; i < v->u.many.len; i++) {
		if (is(v, TYPE_MAP) || is(v, TYPE_OBJECT))
			fn(data, value_key_at(v, i));
		value_each_string(v->u.many.items[i], fn, data);
	}
}
