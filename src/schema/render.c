/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendering of `{{ }}` inside a decoded object: done on values, before they
 * become C types, so that a number or a list written as a template works too.
 */
#include "base/alloc.h"
#include "schema/rows.h"
#include "schema/schema.h"

struct renderer {
	const struct schema_templates *with;
	const struct decoded *decoded;
	struct arena *arena;
	struct diags *diags;
	const char *path; /* of the attribute in work */
};

static struct value *render_value(struct renderer *r, struct value *v);

static void complain(struct renderer *r, const struct error *e)
{
	struct range subject = decoded_range(r->decoded, r->path);

	diags_error(r->diags, &subject, "Invalid template", "%s: %s%s%s", r->path, e->message,
		    e->hint ? "\n\n" : "", e->hint ? e->hint : "");
}

static void check_text(void *data, const char *text)
{
	struct renderer *r = data;
	AUTO(error) struct error *e = NULL;

	if (strstr(text, "{{") && r->with->check(r->with->data, text, &e) < 0)
		complain(r, e);
}

static struct value *render_text(struct renderer *r, struct value *v)
{
	if (!strstr(value_as_string(v), "{{"))
		return value_ref(v);
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *text = r->with->render(r->with->data, value_as_string(v), &e);
	if (!text) {
		complain(r, e);
		return value_unknown(type_string);
	}
	AUTO(value) struct value *plain = value_string(text);
	return value_mark_sensitive(plain, value_is_sensitive(v));
}

static struct value *render_items(struct renderer *r, struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));
	size_t n = value_len(v);
	if (kind == TYPE_MAP || kind == TYPE_OBJECT) {
		struct map fields;
		value_map_init(&fields);
		for (size_t i = 0; i < n; i++)
			map_set(&fields, value_key_at(v, i), render_value(r, value_at(v, i)));
		return kind == TYPE_MAP ? value_map_take(type_element(value_type(v)), &fields)
					: value_object_take(&fields);
	}
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));
	for (size_t i = 0; i < n; i++)
		items[i] = render_value(r, value_at(v, i));
	if (kind == TYPE_LIST)
		return value_list_take(type_element(value_type(v)), items, n);
	if (kind == TYPE_SET)
		return value_set_take(type_element(value_type(v)), items, n);
	return value_tuple_take(items, n);
}

static void look_for_braces(void *data, const char *s)
{
	bool *found = data;
	*found = *found || strstr(s, "{{");
}

static struct value *render_value(struct renderer *r, struct value *v)
{
	if (!value_is_known(v) || value_is_null(v))
		return value_ref(v);
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		return render_text(r, v);
	case TYPE_DYNAMIC:
	case TYPE_NUMBER:
	case TYPE_BOOL:
		return value_ref(v);
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	bool found = false;
	value_each_string(v, look_for_braces, &found);
	return found ? render_items(r, v) : value_ref(v);
}

static struct value *render_object(struct renderer *r, const struct schema *s,
				   const struct value *object, const char *prefix);

static struct value *render_blocks(struct renderer *r, const struct attr *a, struct value *v,
				   const char *path)
{
	if (a->kind == ATTR_KIND_BLOCK)
		return render_object(r, a->sub, v, path);
	size_t n = value_len(v);
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));
	for (size_t i = 0; i < n; i++)
		items[i] =
			render_object(r, a->sub, value_at(v, i), path_of_item(r->arena, path, i));
	return value_tuple_take(items, n);
}

static struct value *render_object(struct renderer *r, const struct schema *s,
				   const struct value *object, const char *prefix)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < value_len(object); i++) {
		const char *name = value_key_at(object, i);
		struct value *v = value_at(object, i);
		const struct attr *a = schema_attr(s, name);
		if (!a || attr_is_absent(a, v) || !value_is_known(v)) {
			map_set(&fields, name, value_ref(v));
			continue;
		}
		r->path = path_of(r->arena, prefix, name);
		if (a->flags & ATTR_LATE) {
			value_each_string(v, check_text, r);
			map_set(&fields, name, value_ref(v));
			continue;
		}
		map_set(&fields, name,
			attr_is_block(a) ? render_blocks(r, a, v, r->path) : render_value(r, v));
	}
	return value_object_take(&fields);
}

void schema_render(struct decoded *d, const struct schema_templates *with, struct arena *arena,
		   struct diags *diags)
{
	bool found = false;
	value_each_string(d->object, look_for_braces, &found);
	if (!found)
		return;
	struct renderer r = { with, d, arena, diags, "" };
	d->object = value_keep(arena, render_object(&r, d->schema, d->object, ""));
}
