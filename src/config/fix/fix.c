/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the three lists of a template, lets every rule walk over them, and puts them back. */
#include "config/fix/fix.h"

#include "base/alloc.h"
#include "config/fix/rows.h"
#include "value/jsontext.h"
#include "value/valuevec.h"

#include <stdlib.h>
#include <strings.h>

enum { OUTPUT_MAX = 1 << 28 };

/* A component, a sequence of them, or anything else (which is kept). */
struct item {
	struct value *other;
	struct map options;
	struct list *chain;
	bool is_component;
};
VEC_DECLARE(list, struct item);

struct doc {
	struct map root;
	struct list lists[FIX_LIST_COUNT];
	bool has[FIX_LIST_COUNT];
};

static const char *const list_names[] = { "builders", "provisioners", "post-processors" };
static_assert(ARRAY_LEN(list_names) == FIX_LIST_COUNT, "one name per list");

static void list_release(struct list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		struct item *it = &l->items[i];

		value_unref(it->other);
		map_release(&it->options);
		if (it->chain)
			list_release(it->chain);
		free(it->chain);
	}
	vec_release(l);
}

static void auto_doc(struct doc *d)
{
	map_release(&d->root);
	for (int i = 0; i < FIX_LIST_COUNT; i++)
		list_release(&d->lists[i]);
}

static bool is_kind(const struct value *v, enum type_kind kind)
{
	return !value_is_null(v) && type_kind(value_type(v)) == kind;
}

static void list_add(struct list *l, struct value *v, bool chains)
{
	struct item *it = vec_push(l);

	if (is_kind(v, TYPE_OBJECT)) {
		it->is_component = true;
		object_open(&it->options, v);
	} else if (chains && is_kind(v, TYPE_TUPLE)) {
		it->chain = NEW(struct list);
		for (size_t i = 0; i < value_len(v); i++)
			list_add(it->chain, value_at(v, i), false);
	} else {
		it->other = value_ref(v);
	}
}

static struct value *list_value(struct list *l)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	for (size_t i = 0; i < l->len; i++) {
		struct item *it = &l->items[i];

		if (it->is_component)
			*vec_push(&items) = value_object_take(&it->options);
		else if (it->chain)
			*vec_push(&items) = list_value(it->chain);
		else
			*vec_push(&items) = value_ref(it->other);
	}
	return value_vec_tuple(&items);
}

/* ---- opening ------------------------------------------------------------------- */

/* Names are compared without case when there is no exact one. NULL: absent or null. */
static struct value *find_list(const struct doc *d, enum fix_list which)
{
	struct value *v = map_get(&d->root, list_names[which]);

	for (size_t i = 0; !v && which != FIX_POST_PROCESSORS && i < d->root.len; i++)
		if (!strcasecmp(d->root.entries[i].key, list_names[which]))
			v = d->root.entries[i].value;
	return v && !value_is_null(v) ? v : NULL;
}

static int not_a_list(const char *name, const struct value *v, struct error **err)
{
	return error_set(err, ERROR_INVALID,
			 "1 error(s) decoding:\n\n* '%s': source data must be an array or slice, "
			 "got %s",
			 name, fix_kind_name(v));
}

static int open_builders(struct doc *d, struct error **err)
{
	AUTO(strbuf) struct strbuf wrong = STRBUF_INIT;
	struct value *v = find_list(d, FIX_BUILDERS);
	int count = 0;

	if (!v)
		return 0;
	if (!is_kind(v, TYPE_TUPLE))
		return not_a_list("Builders", v, err);
	d->has[FIX_BUILDERS] = true;
	for (size_t i = 0; i < value_len(v); i++) {
		const struct value *one = value_at(v, i);

		list_add(&d->lists[FIX_BUILDERS], value_at(v, i), false);
		if (value_is_null(one) || is_kind(one, TYPE_OBJECT))
			continue;
		count++;
		strbuf_addf(&wrong, "\n* 'Builders[%zu]' expected a map, got '%s'", i,
			    fix_kind_name(one));
	}
	if (count)
		return error_set(err, ERROR_INVALID, "%d error(s) decoding:\n%s", count, wrong.buf);
	return 0;
}

static int open_post_processors(struct doc *d, struct error **err)
{
	struct value *v = find_list(d, FIX_POST_PROCESSORS);

	if (!v)
		return 0;
	if (!is_kind(v, TYPE_TUPLE))
		return not_a_list("post-processors", v, err);
	d->has[FIX_POST_PROCESSORS] = true;
	for (size_t i = 0; i < value_len(v); i++)
		list_add(&d->lists[FIX_POST_PROCESSORS], value_at(v, i), true);
	return 0;
}

/* A single one is a list of one. */
static void open_provisioners(struct doc *d)
{
	struct value *v = find_list(d, FIX_PROVISIONERS);

	if (!v || (type_kind(value_type(v)) >= TYPE_LIST && !value_len(v)))
		return;
	d->has[FIX_PROVISIONERS] = true;
	if (!is_kind(v, TYPE_TUPLE)) {
		list_add(&d->lists[FIX_PROVISIONERS], v, false);
		return;
	}
	for (size_t i = 0; i < value_len(v); i++)
		list_add(&d->lists[FIX_PROVISIONERS], value_at(v, i), false);
}

/* ---- rules --------------------------------------------------------------------- */

static bool has_kind(const struct map *o, const struct fixer_change *c)
{
	switch (c->only) {
	case FIX_TEXT:
		return option_text(o, c->from) != NULL;
	case FIX_FLAG:
		return option_flag(o, c->from) != NULL;
	case FIX_ANY:
		break;
	}
	return map_has(o, c->from);
}

static int change(const struct fixer_change *c, struct map *o, struct error **err)
{
	if (!fix_matches(c->types, option_text(o, "type")))
		return 0;
	if (c->fix)
		return c->fix(o, err);
	if (!c->to || (c->clash == FIX_DROP && map_has(o, c->to)))
		map_remove(o, c->from);
	else if (has_kind(o, c) && !(c->clash == FIX_KEEP && map_has(o, c->to)))
		option_rename(o, c->from, c->to);
	else if (has_kind(o, c))
		map_remove(o, c->from);
	return 0;
}

static int change_list(const struct fixer_change *c, struct list *l, struct error **err)
{
	for (size_t i = 0; i < l->len; i++) {
		struct item *it = &l->items[i];

		if (it->is_component && change(c, &it->options, err) < 0)
			return -1;
		if (it->chain && change_list(c, it->chain, err) < 0)
			return -1;
	}
	return 0;
}

static int apply_all(struct doc *d, struct error **err)
{
	for (const struct fixer *f = fixers; f->name; f++) {
		if (f->needs_post_processors && !d->has[FIX_POST_PROCESSORS])
			continue;
		for (const struct fixer_change *c = f->changes; c->types; c++)
			if (change_list(c, &d->lists[c->list], err) < 0)
				return -1;
	}
	return 0;
}

static void put_back(struct doc *d)
{
	for (int i = 0; i < FIX_LIST_COUNT; i++)
		if (d->has[i])
			value_map_put(&d->root, list_names[i], list_value(&d->lists[i]));
	if (!d->has[FIX_BUILDERS])
		value_map_put(&d->root, list_names[FIX_BUILDERS], value_null(type_dynamic));
}

static const char *json_kind_name(const struct value *v)
{
	return is_kind(v, TYPE_NUMBER)  ? "number"
	       : is_kind(v, TYPE_TUPLE) ? "array"
					: fix_kind_name(v);
}

static int open_root(struct doc *d, const char *text, size_t len, struct error **err)
{
	AUTO(value) struct value *v = jsontext_decode_data(text, len, err);

	if (!v)
		return error_prefix(err, "Error parsing template");
	if (value_is_null(v))
		return error_set(err, ERROR_INVALID, "Error parsing template: it is null");
	if (!is_kind(v, TYPE_OBJECT))
		return error_set(err, ERROR_INVALID,
				 "Error parsing template: json: cannot unmarshal %s into Go value "
				 "of type map[string]interface {}",
				 json_kind_name(v));
	object_open(&d->root, v);
	return 0;
}

char *fix_template(const char *text, size_t len, struct error **err)
{
	AUTO(doc) struct doc d = { 0 };
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);

	if (open_root(&d, text, len, err) < 0)
		return NULL;
	if (open_builders(&d, err) < 0 || open_post_processors(&d, err) < 0) {
		error_prefix(err, "Error fixing");
		return NULL;
	}
	open_provisioners(&d);
	if (apply_all(&d, err) < 0) {
		error_prefix(err, "Error fixing");
		return NULL;
	}
	put_back(&d);

	AUTO(value) struct value *root = value_object_take(&d.root);

	jsontext_print(&out, root);
	if (!out.overflow)
		return strbuf_detach(&out);
	error_set(err, ERROR_INVALID, "Error fixing: the result is larger than 256 MiB");
	return NULL;
}
