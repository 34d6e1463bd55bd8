/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies by schemas made at run time. One function per kind of node; blocks
 * are the recursion. Trees come from outside, but their depth is limited by
 * who reads them.
 */
#include "schema/spec.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "eval/eval.h"
#include "lang/parser.h"
#include "value/convert.h"
#include "value/valuevec.h"

#include <string.h>

VEC_DECLARE(attr_list, struct attr_schema);
VEC_DECLARE(block_schemas, struct block_schema);
VEC_DECLARE(name_list, const char *);
VEC_DECLARE(block_list, struct block *);

/* --- the body it wants --------------------------------------------------- */

static void add_label(struct name_list *names, const struct spec *s)
{
	while (names->len <= s->index)
		*vec_push(names) = "label";
	names->items[s->index] = s->name;
}

/* The labels that the contents of a block ask for. */
static void collect_labels(const struct spec *s, struct name_list *names)
{
	switch (s->kind) {
	case SPEC_LABEL:
		add_label(names, s);
		break;
	case SPEC_OBJECT:
	case SPEC_TUPLE:
		for (size_t i = 0; i < s->len; i++)
			collect_labels(s->fields[i].spec, names);
		break;
	case SPEC_DEFAULT:
		collect_labels(s->nested, names);
		collect_labels(s->fallback, names);
		break;
	case SPEC_ATTR:
	case SPEC_LITERAL:
	case SPEC_BLOCK:
	case SPEC_BLOCK_LIST:
	case SPEC_BLOCK_TUPLE:
	case SPEC_BLOCK_SET:
	case SPEC_BLOCK_MAP:
	case SPEC_BLOCK_OBJECT:
	case SPEC_BLOCK_ATTRS:
		break;
	}
}

static size_t count_keys(const struct spec *s)
{
	size_t n = 0;

	while (s->labels && s->labels[n])
		n++;
	return n;
}

static const char *const *label_names(const struct spec *s, struct arena *arena)
{
	struct name_list inner = { 0 };
	size_t keys = count_keys(s);
	const char **names;

	if (s->nested)
		collect_labels(s->nested, &inner);
	names = ARENA_ARRAY(arena, const char *, keys + inner.len + 1);
	for (size_t i = 0; i < keys; i++)
		names[i] = s->labels[i];
	for (size_t i = 0; i < inner.len; i++)
		names[keys + i] = inner.items[i];
	vec_release(&inner);
	return names;
}

struct shape {
	struct arena *arena;
	struct attr_list attrs;
	struct block_schemas blocks;
};

static void add_attr(struct shape *sh, const struct spec *s)
{
	for (size_t i = 0; i < sh->attrs.len; i++) {
		if (strcmp(sh->attrs.items[i].name, s->name) != 0)
			continue;
		sh->attrs.items[i].required |= s->required;
		return;
	}
	*vec_push(&sh->attrs) = (struct attr_schema){ s->name, s->required };
}

static void add_block(struct shape *sh, const struct spec *s)
{
	for (size_t i = 0; i < sh->blocks.len; i++)
		if (strcmp(sh->blocks.items[i].type, s->name) == 0)
			return;
	*vec_push(&sh->blocks) = (struct block_schema){ s->name, label_names(s, sh->arena) };
}

static void add_shape(struct shape *sh, const struct spec *s)
{
	switch (s->kind) {
	case SPEC_OBJECT:
	case SPEC_TUPLE:
		for (size_t i = 0; i < s->len; i++)
			add_shape(sh, s->fields[i].spec);
		break;
	case SPEC_DEFAULT:
		add_shape(sh, s->nested);
		add_shape(sh, s->fallback);
		break;
	case SPEC_ATTR:
		add_attr(sh, s);
		break;
	case SPEC_BLOCK:
	case SPEC_BLOCK_LIST:
	case SPEC_BLOCK_TUPLE:
	case SPEC_BLOCK_SET:
	case SPEC_BLOCK_MAP:
	case SPEC_BLOCK_OBJECT:
	case SPEC_BLOCK_ATTRS:
		add_block(sh, s);
		break;
	case SPEC_LITERAL:
	case SPEC_LABEL:
		break;
	}
}

const struct body_schema *spec_body_schema(const struct spec *s, struct arena *arena)
{
	struct shape sh = { .arena = arena };
	struct body_schema *ret = ARENA_NEW(arena, struct body_schema);
	struct attr_schema *attrs;
	struct block_schema *blocks;

	add_shape(&sh, s);
	attrs = ARENA_ARRAY(arena, struct attr_schema, sh.attrs.len + 1);
	blocks = ARENA_ARRAY(arena, struct block_schema, sh.blocks.len + 1);
	for (size_t i = 0; i < sh.attrs.len; i++)
		attrs[i] = sh.attrs.items[i];
	for (size_t i = 0; i < sh.blocks.len; i++)
		blocks[i] = sh.blocks.items[i];
	vec_release(&sh.attrs);
	vec_release(&sh.blocks);
	*ret = (struct body_schema){ attrs, blocks };
	return ret;
}

/* --- the type it gives --------------------------------------------------- */

static struct type *fields_type(const struct spec *s)
{
	AUTO_FREE struct type_field *fields = xcalloc(s->len + 1, sizeof(*fields));
	AUTO_FREE struct type **types = xcalloc(s->len + 1, sizeof(struct type *));
	struct type *ret;

	for (size_t i = 0; i < s->len; i++) {
		types[i] = spec_type(s->fields[i].spec);
		fields[i] = (struct type_field){ .name = s->fields[i].name, .type = types[i] };
	}
	ret = s->kind == SPEC_OBJECT ? type_object(fields, s->len) : type_tuple(types, s->len);
	for (size_t i = 0; i < s->len; i++)
		type_unref(types[i]);
	return ret;
}

/* A map for each level of labels. */
static struct type *map_type(const struct spec *s)
{
	struct type *t = spec_type(s->nested);

	for (size_t n = count_keys(s); n > 0; n--) {
		struct type *outer = type_map(t);

		type_unref(t);
		t = outer;
	}
	return t;
}

struct type *spec_type(const struct spec *s)
{
	AUTO(type) struct type *element = NULL;

	switch (s->kind) {
	case SPEC_OBJECT:
	case SPEC_TUPLE:
		return fields_type(s);
	case SPEC_ATTR:
		return type_without_optional(s->type);
	case SPEC_LITERAL:
		return type_ref(value_type(s->value));
	case SPEC_DEFAULT:
	case SPEC_BLOCK:
		return spec_type(s->nested);
	case SPEC_BLOCK_LIST:
		element = spec_type(s->nested);
		return type_list(element);
	case SPEC_BLOCK_SET:
		element = spec_type(s->nested);
		return type_set(element);
	case SPEC_BLOCK_MAP:
		return map_type(s);
	case SPEC_BLOCK_ATTRS:
		return type_map(s->type);
	case SPEC_LABEL:
		return type_ref(type_string);
	case SPEC_BLOCK_TUPLE:
	case SPEC_BLOCK_OBJECT:
		break;
	}
	return type_ref(type_dynamic);
}

/* --- decoding ------------------------------------------------------------ */

struct spec_decoder {
	const struct scope *scope;
	struct arena *arena;
	struct diags *diags;
};

/* One body being read. */
struct place {
	const struct spec_decoder *dc;
	const struct content *content;
	const struct block *block; /* NULL: at the top */
	size_t keys;               /* labels of the block that are keys already */
};

static struct value *decode(const struct place *at, const struct spec *s);

static struct value *decode_body(const struct spec_decoder *dc, const struct spec *s,
				 const struct body *b, const struct block *block, size_t keys)
{
	struct content content = { 0 };
	struct place at = { dc, &content, block, keys };

	body_content(b, spec_body_schema(s, dc->arena), dc->arena, &content, dc->diags);
	return decode(&at, s);
}

static struct value *null_of(const struct spec *s)
{
	AUTO(type) struct type *t = spec_type(s);

	return value_null(t);
}

static struct value *decode_fields(const struct place *at, const struct spec *s)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct map fields;
	struct value *ret;

	if (s->kind == SPEC_TUPLE) {
		for (size_t i = 0; i < s->len; i++)
			*vec_push(&items) = decode(at, s->fields[i].spec);
		return value_vec_tuple(&items);
	}
	value_map_init(&fields);
	for (size_t i = 0; i < s->len; i++)
		map_set(&fields, s->fields[i].name, decode(at, s->fields[i].spec));
	ret = value_object_take(&fields);
	map_release(&fields);
	return ret;
}

static struct value *convert(const struct place *at, const struct attribute *a, struct type *want,
			     const char *summary, const char *what)
{
	AUTO(value) struct value *raw = eval_expr(a->expr, at->dc->scope, at->dc->diags);
	AUTO(value) struct value *whole = value_apply_defaults(raw, want);
	AUTO(error) struct error *e = NULL;
	struct value *v = value_convert(whole, want, &e);
	struct diag *d;

	if (v)
		return v;
	d = diags_error(at->dc->diags, &a->expr->range, summary,
			"%s value for attribute \"%s\": %s.", what, a->name.p, e->message);
	d->context = range_between(a->name_range, a->expr->range);
	return value_unknown(want);
}

static struct value *decode_attr(const struct place *at, const struct spec *s)
{
	const struct attribute *a = content_attr(at->content, s->name);

	if (!a)
		return null_of(s);
	return convert(at, a, s->type, "Incorrect attribute value type", "Inappropriate");
}

static struct value *decode_default(const struct place *at, const struct spec *s)
{
	struct value *v = decode(at, s->nested);

	if (!value_is_known(v) || !value_is_null(v))
		return v;
	value_unref(v);
	return decode(at, s->fallback);
}

static struct value *decode_label(const struct place *at, const struct spec *s)
{
	size_t i = at->keys + s->index;

	if (!at->block || i >= at->block->label_count)
		return value_unknown(type_string);
	return value_string_len(at->block->labels[i].p, at->block->labels[i].len);
}

/* --- one block --- */

/* The one block of the type, or NULL; reports a second one, and a missing one. */
static const struct block *single_block(const struct place *at, const struct spec *s)
{
	const struct content *c = at->content;
	const struct block *found = NULL;
	AUTO_FREE char *summary = NULL;

	for (size_t i = 0; i < c->block_count; i++) {
		const struct block *b = c->blocks[i];
		AUTO(strbuf) struct strbuf previous = STRBUF_INIT;

		if (!str_is(b->type, s->name))
			continue;
		if (!found) {
			found = b;
			continue;
		}
		range_format(&previous, found->header);
		summary = xasprintf("Duplicate %s block", s->name);
		diags_error(at->dc->diags, &b->header, summary,
			    "Only one block of type \"%s\" is allowed. Previous definition was at "
			    "%s.",
			    s->name, previous.buf);
		return found;
	}
	if (!found && s->required) {
		summary = xasprintf("Missing %s block", s->name);
		diags_error(at->dc->diags, &c->missing_range, summary,
			    "A block of type \"%s\" is required here.", s->name);
	}
	return found;
}

static struct value *decode_block(const struct place *at, const struct spec *s)
{
	const struct block *b = single_block(at, s);

	return b ? decode_body(at->dc, s->nested, b->body, b, 0) : null_of(s);
}

static struct value *decode_block_attrs(const struct place *at, const struct spec *s)
{
	const struct block *b = single_block(at, s);
	struct content content = { 0 };
	struct map items;

	if (!b)
		return null_of(s);
	body_attributes(b->body, at->dc->arena, &content, at->dc->diags);
	value_map_init(&items);
	for (size_t i = 0; i < content.attr_count; i++)
		map_set(&items, content.attrs[i]->name.p,
			convert(at, content.attrs[i], s->type, "Invalid attribute value",
				"Invalid"));

	AUTO(value) struct value *object = value_object_take(&items);
	AUTO(type) struct type *want = type_map(s->type);
	AUTO(error) struct error *e = NULL;
	struct value *ret = value_convert(object, want, &e);

	map_release(&items);
	if (ret)
		return ret;
	diags_error(at->dc->diags, &b->header, "Invalid attribute value",
		    "The arguments of this block have no type in common: %s.", e->message);
	return value_unknown(want);
}

/* --- many blocks --- */

static struct block_list blocks_of(const struct place *at, const struct spec *s)
{
	struct block_list list = { 0 };

	for (size_t i = 0; i < at->content->block_count; i++)
		if (str_is(at->content->blocks[i]->type, s->name))
			*vec_push(&list) = at->content->blocks[i];
	return list;
}

static void check_count(const struct place *at, const struct spec *s,
			const struct block_list *blocks)
{
	AUTO_FREE char *summary = NULL;

	if (blocks->len < s->items_min) {
		summary = xasprintf("Insufficient %s blocks", s->name);
		diags_error(at->dc->diags, &at->content->missing_range, summary,
			    "At least %zu \"%s\" blocks are required.", s->items_min, s->name);
	} else if (s->items_max > 0 && blocks->len > s->items_max) {
		summary = xasprintf("Too many %s blocks", s->name);
		diags_error(at->dc->diags, &blocks->items[s->items_max]->header, summary,
			    "No more than %zu \"%s\" blocks are allowed", s->items_max, s->name);
	}
}

/* A tuple as a list or set whose elements have one type. Only bodies with arguments of any type
 * differ; unknown after reporting. */
static struct value *unify(const struct place *at, const struct spec *s, struct value *tuple,
			   const struct block *first)
{
	AUTO(error) struct error *e = NULL;
	struct value *v =
		value_convert(tuple, s->kind == SPEC_BLOCK_SET ? type_set_any : type_list_any, &e);

	if (v)
		return v;

	AUTO_FREE char *summary = xasprintf("Unconsistent argument types in %s blocks", s->name);

	diags_error(at->dc->diags, &first->header, summary,
		    "Corresponding attributes in all blocks of this type must be the same.");
	return value_unknown(type_dynamic);
}

static struct value *empty_sequence(const struct spec *s)
{
	AUTO(type) struct type *element = spec_type(s->nested);

	return s->kind == SPEC_BLOCK_SET ? value_set_take(element, NULL, 0)
					 : value_list_take(element, NULL, 0);
}

static struct value *decode_sequence(const struct place *at, const struct spec *s)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct block_list blocks = blocks_of(at, s);
	struct value *ret;

	check_count(at, s, &blocks);
	for (size_t i = 0; i < blocks.len; i++)
		*vec_push(&items) =
			decode_body(at->dc, s->nested, blocks.items[i]->body, blocks.items[i], 0);

	AUTO(value) struct value *tuple = value_vec_tuple(&items);

	if (s->kind == SPEC_BLOCK_TUPLE)
		ret = value_ref(tuple);
	else
		ret = blocks.len > 0 ? unify(at, s, tuple, blocks.items[0]) : empty_sequence(s);
	vec_release(&blocks);
	return ret;
}

/* --- blocks by their labels --- */

static void report_repeated(const struct place *at, const struct spec *s, const struct block *b,
			    size_t keys)
{
	AUTO(strbuf) struct strbuf labels = STRBUF_INIT;
	AUTO_FREE char *summary = xasprintf("Duplicate %s block", s->name);

	for (size_t i = 0; i < keys; i++)
		strbuf_addf(&labels, " \"%s\"", b->labels[i].p);
	diags_error(at->dc->diags, &b->header, summary,
		    "A block for %s%s was already defined. The %s labels must be unique.", s->name,
		    labels.buf, s->name);
}

/* Blocks that differ in their first labels, and what is in them. */
struct labelled {
	const struct spec *spec;
	struct block_list blocks;
	struct value_vec values;
	struct type *element; /* map: of the innermost level */
	size_t keys;
};

VEC_DECLARE(index_list, size_t);

static void index_list_free(void *p)
{
	struct index_list *list = p;

	vec_release(list);
	free(list);
}

static struct value *finish_level(const struct labelled *l, struct map *items, size_t level)
{
	AUTO(type) struct type *t = NULL;
	struct value *ret;

	if (l->spec->kind == SPEC_BLOCK_OBJECT) {
		ret = value_object_take(items);
	} else {
		t = type_ref(l->element);
		for (size_t k = level + 1; k < l->keys; k++) {
			struct type *inner = t;

			t = type_map(inner);
			type_unref(inner);
		}
		ret = value_map_take(t, items);
	}
	map_release(items);
	return ret;
}

/* What is below `level` labels that the members share; for each next label its own level. */
static struct value *build_level(const struct labelled *l, const struct index_list *members,
				 size_t level)
{
	AUTO(map) struct map groups = MAP_INIT(index_list_free);
	struct map items;

	value_map_init(&items);
	for (size_t i = 0; i < members->len; i++) {
		size_t m = members->items[i];
		const char *key = l->blocks.items[m]->labels[level].p;
		struct index_list *group = map_get(&groups, key);

		if (level + 1 == l->keys) {
			map_set(&items, key, value_ref(l->values.items[m]));
			continue;
		}
		if (!group) {
			group = NEW(struct index_list);
			map_set(&groups, key, group);
		}
		*vec_push(group) = m;
	}
	for (size_t i = 0; i < groups.len; i++)
		map_set(&items, groups.entries[i].key,
			build_level(l, groups.entries[i].value, level + 1));
	return finish_level(l, &items, level);
}

/* Without those whose labels were there before. */
static void collect_labelled(const struct place *at, struct labelled *l)
{
	AUTO(map) struct map seen = MAP_INIT(NULL);
	struct block_list all = blocks_of(at, l->spec);

	for (size_t i = 0; i < all.len; i++) {
		AUTO(strbuf) struct strbuf key = STRBUF_INIT;
		struct block *b = all.items[i];

		for (size_t k = 0; k < l->keys; k++)
			strbuf_addf(&key, "%zu:%s", b->labels[k].len, b->labels[k].p);

		struct value *v = decode_body(at->dc, l->spec->nested, b->body, b, l->keys);

		if (map_has(&seen, key.buf)) {
			report_repeated(at, l->spec, b, l->keys);
			value_unref(v);
			continue;
		}
		map_set(&seen, key.buf, b);
		*vec_push(&l->blocks) = b;
		*vec_push(&l->values) = v;
	}
	vec_release(&all);
}

/* Gives all values the type they have in common; false after reporting. */
static bool unify_labelled(const struct place *at, struct labelled *l)
{
	size_t n = l->values.len;

	if (n == 0) {
		l->element = spec_type(l->spec->nested);
		return true;
	}

	AUTO(value) struct value *tuple = value_vec_tuple(&l->values);
	AUTO(value) struct value *list = unify(at, l->spec, tuple, l->blocks.items[0]);

	if (!value_is_known(list))
		return false;
	for (size_t i = 0; i < n; i++)
		*vec_push(&l->values) = value_ref(value_at(list, i));
	l->element = type_ref(type_element(value_type(list)));
	return true;
}

static struct value *decode_labelled(const struct place *at, const struct spec *s)
{
	struct labelled l = { .spec = s, .keys = count_keys(s) };
	struct index_list members = { 0 };
	struct value *ret;

	collect_labelled(at, &l);
	for (size_t i = 0; i < l.blocks.len; i++)
		*vec_push(&members) = i;
	if (s->kind == SPEC_BLOCK_OBJECT || unify_labelled(at, &l))
		ret = build_level(&l, &members, 0);
	else
		ret = value_unknown(type_dynamic);
	type_unref(l.element);
	vec_release(&members);
	vec_release(&l.blocks);
	auto_value_vec(&l.values);
	return ret;
}

static struct value *decode(const struct place *at, const struct spec *s)
{
	switch (s->kind) {
	case SPEC_OBJECT:
	case SPEC_TUPLE:
		return decode_fields(at, s);
	case SPEC_ATTR:
		return decode_attr(at, s);
	case SPEC_LITERAL:
		return value_ref(s->value);
	case SPEC_DEFAULT:
		return decode_default(at, s);
	case SPEC_BLOCK:
		return decode_block(at, s);
	case SPEC_BLOCK_LIST:
	case SPEC_BLOCK_TUPLE:
	case SPEC_BLOCK_SET:
		return decode_sequence(at, s);
	case SPEC_BLOCK_MAP:
	case SPEC_BLOCK_OBJECT:
		return decode_labelled(at, s);
	case SPEC_BLOCK_ATTRS:
		return decode_block_attrs(at, s);
	case SPEC_LABEL:
		return decode_label(at, s);
	}
	return value_unknown(type_dynamic);
}

struct value *spec_decode(const struct spec *s, const struct body *b, const struct scope *scope,
			  struct arena *arena, struct diags *diags)
{
	struct spec_decoder dc = { scope, arena, diags };

	return decode_body(&dc, s, b, NULL, 0);
}

/* --- references ---------------------------------------------------------- */

static const struct spec *block_spec(const struct spec *s, struct str type)
{
	const struct spec *found = NULL;

	switch (s->kind) {
	case SPEC_OBJECT:
	case SPEC_TUPLE:
		for (size_t i = 0; i < s->len && !found; i++)
			found = block_spec(s->fields[i].spec, type);
		return found;
	case SPEC_DEFAULT:
		found = block_spec(s->nested, type);
		return found ? found : block_spec(s->fallback, type);
	case SPEC_BLOCK:
	case SPEC_BLOCK_LIST:
	case SPEC_BLOCK_TUPLE:
	case SPEC_BLOCK_SET:
	case SPEC_BLOCK_MAP:
	case SPEC_BLOCK_OBJECT:
	case SPEC_BLOCK_ATTRS:
		return str_is(type, s->name) ? s : NULL;
	case SPEC_ATTR:
	case SPEC_LITERAL:
	case SPEC_LABEL:
		break;
	}
	return NULL;
}

static void walk_attrs(const struct content *c, expr_reference_fn fn, void *data)
{
	for (size_t i = 0; i < c->attr_count; i++)
		expr_walk_references(c->attrs[i]->expr, fn, data);
}

void spec_walk_references(const struct spec *s, const struct body *b, struct arena *arena,
			  expr_reference_fn fn, void *data)
{
	AUTO(diags) struct diags dropped = DIAGS_INIT;
	struct content c = { 0 };

	body_partial_content(b, spec_body_schema(s, arena), arena, &c, &dropped);
	walk_attrs(&c, fn, data);
	for (size_t i = 0; i < c.block_count; i++) {
		const struct spec *inner = block_spec(s, c.blocks[i]->type);
		struct content all = { 0 };

		if (inner->kind != SPEC_BLOCK_ATTRS) {
			spec_walk_references(inner->nested, c.blocks[i]->body, arena, fn, data);
			continue;
		}
		body_attributes(c.blocks[i]->body, arena, &all, &dropped);
		walk_attrs(&all, fn, data);
	}
}
