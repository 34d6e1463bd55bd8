/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and the places of what was read through them. */
#include "schema/schema.h"

#include <strings.h>

#include "base/alloc.h"

#include "schema/rows.h"

static size_t count_rows(const struct schema *s)
{
	size_t n = 0;
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++)
		n += a->kind == ATTR_KIND_INCLUDE ? count_rows(a->sub) : 1;
	return n;
}

static void add_rows(struct row_list *rows, const struct schema *s, size_t base)
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		if (a->kind == ATTR_KIND_INCLUDE)
			add_rows(rows, a->sub, base + a->offset);
		else
			rows->items[rows->len++] =
				(struct row){ .attr = a, .offset = base + a->offset };
	}
}

struct row_list rows_of(const struct schema *s, struct arena *arena)
{
	struct row_list rows = { .items = ARENA_ARRAY(arena, struct row, count_rows(s)) };
	add_rows(&rows, s, 0);
	return rows;
}

const struct row *rows_find(const struct row_list *rows, const char *name)
{
	for (size_t i = 0; i < rows->len; i++)
		if (strcasecmp(rows->items[i].attr->name, name) == 0)
			return &rows->items[i];
	return NULL;
}

static const struct attr *find_attr(const struct schema *s, const char *name,
				    int (*compare)(const char *a, const char *b))
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		if (a->kind == ATTR_KIND_INCLUDE) {
			const struct attr *found = find_attr(a->sub, name, compare);
			if (found)
				return found;
		} else if (compare(a->name, name) == 0) {
			return a;
		}
	}
	return NULL;
}

const struct attr *schema_attr(const struct schema *s, const char *name)
{
	return find_attr(s, name, strcmp);
}

const struct attr *schema_attr_any_case(const struct schema *s, const char *name)
{
	return find_attr(s, name, strcasecmp);
}

static void drop_type(void *p)
{
	type_unref(p);
}

struct type *arena_keep_type(struct arena *arena, struct type *t)
{
	if (t)
		arena_on_free(arena, drop_type, t);
	return t;
}

bool attr_is_block(const struct attr *a)
{
	return a->kind == ATTR_KIND_BLOCK || a->kind == ATTR_KIND_BLOCKS;
}

struct type *attr_type(const struct attr *a)
{
	switch (a->kind) {
	case ATTR_KIND_STRING:
	case ATTR_KIND_DURATION:
		return type_ref(type_string);
	case ATTR_KIND_INT:
		return type_ref(type_number);
	case ATTR_KIND_BOOL:
	case ATTR_KIND_TRIBOOL:
		return type_ref(type_bool);
	case ATTR_KIND_STRINGS:
		return type_list(type_string);
	case ATTR_KIND_INTS:
		return type_list(type_number);
	case ATTR_KIND_MAP:
		return type_map(type_string);
	case ATTR_KIND_TABLE: {
		AUTO(type) struct type *row = type_list(type_string);
		return type_list(row);
	}
	case ATTR_KIND_VALUE:
		return type_ref(type_dynamic);
	case ATTR_KIND_BLOCK:
	case ATTR_KIND_BLOCKS:
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		break;
	}
	return NULL;
}

const char *path_of(struct arena *arena, const char *prefix, const char *name)
{
	return *prefix ? arena_printf(arena, "%s.%s", prefix, name) : name;
}

const char *path_of_item(struct arena *arena, const char *path, size_t index)
{
	return arena_printf(arena, "%s[%zu]", path, index);
}

struct range *decoded_note_range(struct decoded *d, struct arena *arena, const char *path,
				 struct range r)
{
	struct range *copy = ARENA_NEW(arena, struct range);
	*copy = r;
	map_set(d->ranges, path, copy);
	return copy;
}

bool attr_is_absent(const struct attr *a, const struct value *v)
{
	if (!v || value_is_null(v))
		return true;
	return a->kind == ATTR_KIND_BLOCKS && value_is_known(v) && value_len(v) == 0;
}

struct range decoded_range(const struct decoded *d, const char *attr)
{
	const struct range *r = map_get(d->ranges, attr);
	if (r)
		return *r;
	const char *dot = strrchr(attr, '.');
	if (!dot)
		return d->range;
	AUTO_FREE char *outer = xstrndup(attr, (size_t)(dot - attr));
	return decoded_range(d, outer);
}

bool decoded_is_set(const struct decoded *d, const char *attr)
{
	const struct attr *a = schema_attr(d->schema, attr);
	return a && !attr_is_absent(a, value_get(d->object, attr));
}

/* ---- secrets --------------------------------------------------------------- */

struct secret_sink {
	void (*fn)(void *data, const char *text);
	void *data;
};

static void secrets_of_value(const struct value *v, const struct secret_sink *sink)
{
	if (!v || value_is_null(v) || !value_is_known(v))
		return;
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		sink->fn(sink->data, value_as_string(v));
		return;
	case TYPE_DYNAMIC:
	case TYPE_NUMBER:
	case TYPE_BOOL:
		return;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	for (size_t i = 0; i < value_len(v); i++)
		secrets_of_value(value_at(v, i), sink);
}

static void secrets_of_list(const struct text_list *l, const struct secret_sink *sink)
{
	for (size_t i = 0; i < l->len; i++)
		sink->fn(sink->data, l->v[i]);
}

static void secrets_of_member(const struct attr *a, const char *member,
			      const struct secret_sink *sink)
{
	switch (a->kind) {
	case ATTR_KIND_STRING: {
		const char *text = *(const char *const *)member;
		if (text)
			sink->fn(sink->data, text);
		return;
	}
	case ATTR_KIND_STRINGS:
		secrets_of_list((const struct text_list *)member, sink);
		return;
	case ATTR_KIND_MAP: {
		const struct text_map *m = (const struct text_map *)member;
		for (size_t i = 0; i < m->len; i++)
			sink->fn(sink->data, m->v[i].value);
		return;
	}
	case ATTR_KIND_TABLE: {
		const struct text_table *t = (const struct text_table *)member;
		for (size_t i = 0; i < t->len; i++)
			secrets_of_list(&t->v[i], sink);
		return;
	}
	case ATTR_KIND_VALUE:
		secrets_of_value(*(struct value *const *)member, sink);
		return;
	case ATTR_KIND_INT:
	case ATTR_KIND_BOOL:
	case ATTR_KIND_TRIBOOL:
	case ATTR_KIND_DURATION:
	case ATTR_KIND_INTS:
	case ATTR_KIND_BLOCK:
	case ATTR_KIND_BLOCKS:
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		return;
	}
}

void schema_each_secret(const struct schema *s, const void *config,
			void (*fn)(void *data, const char *text), void *data)
{
	const struct secret_sink sink = { fn, data };
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		const char *member = (const char *)config + a->offset;
		if (a->kind == ATTR_KIND_INCLUDE) {
			schema_each_secret(a->sub, member, fn, data);
		} else if (a->kind == ATTR_KIND_BLOCK) {
			const void *block = *(const void *const *)member;
			if (block)
				schema_each_secret(a->sub, block, fn, data);
		} else if (a->kind == ATTR_KIND_BLOCKS) {
			const struct block_list *l = (const struct block_list *)member;
			for (size_t i = 0; i < l->len; i++)
				schema_each_secret(a->sub, (const char *)l->v + i * a->sub->size,
						   fn, data);
		} else if (a->flags & ATTR_SENSITIVE) {
			secrets_of_member(a, member, &sink);
		}
	}
}
