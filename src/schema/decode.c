/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Body or value -> object with one field per row. From a body the arguments
 * are converted to the types of the language here, as their place is known
 * best; from a value everything stays as it is until schema_fill().
 */
#include "base/alloc.h"
#include "base/suggest.h"
#include "eval/eval.h"
#include "schema/rows.h"
#include "schema/schema.h"
#include "value/convert.h"
#include "value/gotext.h"

struct decoder {
	const struct scope *scope;
	struct arena *arena;
	struct decoded *ret;
	struct diags *diags;
};

/* The part of the struct a nested block needs: its table and where it is. */
struct place {
	const struct schema *schema;
	const char *prefix; /* "" at the top */
};

static void release_map(void *p)
{
	map_release(p);
}

static void decoded_init(struct decoded *d, const struct schema *s, struct range header,
			 struct arena *arena)
{
	*d = (struct decoded){ .schema = s, .range = header };
	d->ranges = ARENA_NEW(arena, struct map);
	map_init(d->ranges, NULL);
	arena_on_free(arena, release_map, d->ranges);
}

static struct value *null_of(const struct attr *a)
{
	if (a->kind == ATTR_KIND_BLOCKS)
		return value_tuple_take(NULL, 0);
	AUTO(type) struct type *t = attr_type(a);
	return value_null(t ? t : type_dynamic);
}

/* ---- from a body ------------------------------------------------------------ */

static const struct body_schema *body_schema_of(const struct row_list *rows, struct arena *arena)
{
	struct attr_schema *attrs = ARENA_ARRAY(arena, struct attr_schema, rows->len + 1);
	struct block_schema *blocks = ARENA_ARRAY(arena, struct block_schema, rows->len + 1);
	size_t n_attrs = 0, n_blocks = 0;
	for (size_t i = 0; i < rows->len; i++) {
		const struct attr *a = rows->items[i].attr;
		if (!attr_is_block(a)) {
			attrs[n_attrs++].name = a->name;
			continue;
		}
		struct block_schema *b = &blocks[n_blocks++];
		b->type = a->name;
		if (a->sub->label_name) {
			const char **labels = ARENA_ARRAY(arena, const char *, 2);
			labels[0] = a->sub->label_name;
			b->labels = labels;
		}
	}
	struct body_schema *s = ARENA_NEW(arena, struct body_schema);
	*s = (struct body_schema){ .attrs = attrs, .blocks = blocks };
	return s;
}

/* A long value would fill the screen: then its name is what is shown. */
static struct range subject_of(const struct attribute *at)
{
	const struct range *r = &at->expr->range;
	return r->start.line == r->end.line ? *r : at->name_range;
}

static struct value *decode_attribute(struct decoder *dc, const struct attr *a,
				      const struct attribute *at)
{
	AUTO(value) struct value *v = eval_expr(at->expr, dc->scope, dc->diags);
	AUTO(type) struct type *want = attr_type(a);
	AUTO(error) struct error *e = NULL;
	struct value *converted = value_convert(v, want, &e);
	if (converted)
		return converted;
	diags_error(dc->diags, &at->expr->range, "Incorrect attribute value type",
		    "Inappropriate value for attribute \"%s\": %s.", a->name, e->message);
	return value_unknown(want);
}

static struct value *decode_body(struct decoder *dc, const struct place *at,
				 const struct body *body, const struct block *block);

static struct value *decode_single(struct decoder *dc, const struct attr *a, const char *path,
				   const struct content *content)
{
	struct block *first = NULL;
	for (size_t i = 0; i < content->block_count; i++) {
		struct block *b = content->blocks[i];
		if (!str_is(b->type, a->name))
			continue;
		if (!first) {
			first = b;
			continue;
		}
		AUTO(strbuf) struct strbuf previous = STRBUF_INIT;
		range_format(&previous, first->header);
		AUTO_FREE char *summary = xasprintf("Duplicate %s block", a->name);
		diags_error(dc->diags, &b->header, summary,
			    "Only one block of type \"%s\" is allowed. Previous definition was at "
			    "%s.",
			    a->name, previous.buf);
	}
	if (!first)
		return null_of(a);
	decoded_note_range(dc->ret, dc->arena, path, first->header);
	struct place inner = { a->sub, path };
	return decode_body(dc, &inner, first->body, first);
}

static struct value *decode_list(struct decoder *dc, const struct attr *a, const char *path,
				 const struct content *content)
{
	AUTO_FREE struct value **items = xcalloc(content->block_count + 1, sizeof(struct value *));
	size_t n = 0;
	for (size_t i = 0; i < content->block_count; i++) {
		struct block *b = content->blocks[i];
		if (!str_is(b->type, a->name))
			continue;
		struct place inner = { a->sub, path_of_item(dc->arena, path, n) };
		if (n == 0)
			decoded_note_range(dc->ret, dc->arena, path, b->header);
		decoded_note_range(dc->ret, dc->arena, inner.prefix, b->header);
		items[n++] = decode_body(dc, &inner, b->body, b);
	}
	return value_tuple_take(items, n);
}

static struct value *decode_row(struct decoder *dc, const struct place *at, const struct attr *a,
				const struct content *content)
{
	const char *path = path_of(dc->arena, at->prefix, a->name);
	if (a->kind == ATTR_KIND_BLOCK)
		return decode_single(dc, a, path, content);
	if (a->kind == ATTR_KIND_BLOCKS)
		return decode_list(dc, a, path, content);
	const struct attribute *given = content_attr(content, a->name);
	if (!given)
		return null_of(a);
	decoded_note_range(dc->ret, dc->arena, path, subject_of(given));
	return decode_attribute(dc, a, given);
}

static struct value *decode_body(struct decoder *dc, const struct place *at,
				 const struct body *body, const struct block *block)
{
	struct row_list rows = rows_of(at->schema, dc->arena);
	struct content content = { 0 };
	body_content(body, body_schema_of(&rows, dc->arena), dc->arena, &content, dc->diags);

	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < rows.len; i++)
		map_set(&fields, rows.items[i].attr->name,
			decode_row(dc, at, rows.items[i].attr, &content));
	if (at->schema->label_name && block && block->label_count > 0)
		map_set(&fields, at->schema->label_name,
			value_string_len(block->labels[0].p, block->labels[0].len));
	return value_object_take(&fields);
}

void schema_decode(const struct schema *s, const struct body *b, const struct scope *scope,
		   struct range header, struct arena *arena, struct decoded *ret,
		   struct diags *diags)
{
	decoded_init(ret, s, header, arena);
	struct decoder dc = { scope, arena, ret, diags };
	struct place top = { s, "" };
	ret->object = value_keep(arena, decode_body(&dc, &top, b, NULL));
}

/* ---- from a value ------------------------------------------------------------ */

static bool is_object(const struct value *v)
{
	if (!v || value_is_null(v) || !value_is_known(v))
		return false;
	enum type_kind k = type_kind(value_type(v));
	return k == TYPE_OBJECT || k == TYPE_MAP;
}

static bool is_sequence(const struct value *v)
{
	if (!v || value_is_null(v) || !value_is_known(v))
		return false;
	enum type_kind k = type_kind(value_type(v));
	return k == TYPE_LIST || k == TYPE_TUPLE || k == TYPE_SET;
}

static struct value *read_object(struct decoder *dc, const struct place *at, struct value *object);

static void wrong_block(struct decoder *dc, const char *path, const struct value *v)
{
	static const char want[] = "object";
	struct range subject = decoded_range(dc->ret, path);
	if (dc->ret->is_loose) {
		diags_error(dc->diags, &subject, "", "'%s' expected a map, got '%s'", path,
			    value_go_kind(v));
		return;
	}
	diags_error(dc->diags, &subject, "Incorrect attribute value type",
		    "Inappropriate value for attribute \"%s\": %s required.", path, want);
}

/* Nested blocks as they look in a value: an object, or a list of them. */
static struct value *read_blocks(struct decoder *dc, const struct attr *a, const char *path,
				 struct value *v)
{
	size_t n = is_sequence(v) ? value_len(v) : 1;
	if (value_is_null(v))
		return null_of(a);
	if (a->kind == ATTR_KIND_BLOCK && n != 1) {
		wrong_block(dc, path, v);
		return null_of(a);
	}
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		struct value *item = is_sequence(v) ? value_at(v, i) : v;
		if (!is_object(item)) {
			wrong_block(dc, path, item);
			continue;
		}
		struct place inner = { a->sub, a->kind == ATTR_KIND_BLOCK
						       ? path
						       : path_of_item(dc->arena, path, i) };
		items[kept++] = read_object(dc, &inner, item);
	}
	if (a->kind == ATTR_KIND_BLOCKS)
		return value_tuple_take(items, kept);
	return kept ? items[0] : null_of(a);
}

static void unknown_key(struct decoder *dc, const struct row_list *rows, const char *key)
{
	const char **names = ARENA_ARRAY(dc->arena, const char *, rows->len + 1);
	for (size_t i = 0; i < rows->len; i++)
		names[i] = rows->items[i].attr->name;
	const char *near = suggest(key, names);
	AUTO_FREE char *summary = xasprintf("unknown configuration key: '\"%s\"'", key);
	if (near)
		diags_error(dc->diags, &dc->ret->range, summary, "Did you mean \"%s\"?", near);
	else
		diags_error(dc->diags, &dc->ret->range, summary, "%s", "");
}

static struct value *read_object(struct decoder *dc, const struct place *at, struct value *object)
{
	struct row_list rows = rows_of(at->schema, dc->arena);
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < rows.len; i++)
		map_set(&fields, rows.items[i].attr->name, null_of(rows.items[i].attr));
	for (size_t i = 0; i < value_len(object); i++) {
		const char *key = value_key_at(object, i);
		struct value *v = value_at(object, i);
		if (at->schema->label_name && text_eq(key, at->schema->label_name)) {
			map_set(&fields, key, value_ref(v));
			continue;
		}
		const struct row *row = rows_find(&rows, key);
		if (!row) {
			unknown_key(dc, &rows, key);
			continue;
		}
		if (value_is_null(v))
			continue;
		const struct attr *a = row->attr;
		const char *path = path_of(dc->arena, at->prefix, a->name);
		decoded_note_range(dc->ret, dc->arena, path, dc->ret->range);
		map_set(&fields, a->name,
			attr_is_block(a) ? read_blocks(dc, a, path, v) : value_ref(v));
	}
	return value_object_take(&fields);
}

void schema_decode_value(const struct schema *s, struct value *object, struct range header,
			 struct arena *arena, struct decoded *ret, struct diags *diags)
{
	decoded_init(ret, s, header, arena);
	struct decoder dc = { NULL, arena, ret, diags };
	struct place top = { s, "" };
	AUTO(value) struct value *empty = NULL;
	if (!is_object(object)) {
		struct map none;
		value_map_init(&none);
		object = empty = value_object_take(&none);
	}
	ret->object = value_keep(arena, read_object(&dc, &top, object));
}

void schema_decode_options(const struct schema *s, const struct raw_option *options, size_t n,
			   struct range header, struct arena *arena, struct decoded *ret,
			   struct diags *diags)
{
	struct map known;
	value_map_init(&known);
	for (size_t i = 0; i < n; i++) {
		const struct attr *a = schema_attr_any_case(s, options[i].name);
		if (a)
			map_set(&known, a->name, value_ref(options[i].value));
	}
	AUTO(value) struct value *object = value_object_take(&known);
	decoded_init(ret, s, header, arena);
	ret->is_loose = true;
	struct decoder dc = { NULL, arena, ret, diags };
	struct place top = { s, "" };
	ret->object = value_keep(arena, read_object(&dc, &top, object));
	for (size_t i = 0; i < n; i++) {
		const struct attr *a = schema_attr_any_case(s, options[i].name);
		if (a && !value_is_null(options[i].value))
			decoded_note_range(ret, arena, a->name, options[i].range);
	}
}

/* ---- merge -------------------------------------------------------------------- */

static struct value *join_maps(const struct value *first, const struct value *second)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < value_len(first); i++)
		map_set(&fields, value_key_at(first, i), value_ref(value_at(first, i)));
	for (size_t i = 0; i < value_len(second); i++)
		map_set(&fields, value_key_at(second, i), value_ref(value_at(second, i)));
	return value_object_take(&fields);
}

static struct value *merge_row(const struct attr *a, struct value *first, struct value *second)
{
	if (attr_is_absent(a, second))
		return value_ref(first);
	if (a->kind == ATTR_KIND_MAP && is_object(first) && is_object(second))
		return join_maps(first, second);
	return value_ref(second);
}

void schema_merge(struct decoded *d, const struct decoded *over, struct arena *arena)
{
	struct row_list rows = rows_of(d->schema, arena);
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < rows.len; i++) {
		const struct attr *a = rows.items[i].attr;
		map_set(&fields, a->name,
			merge_row(a, value_get(d->object, a->name),
				  value_get(over->object, a->name)));
	}
	d->object = value_keep(arena, value_object_take(&fields));
	for (size_t i = 0; i < over->ranges->len; i++)
		map_set(d->ranges, over->ranges->entries[i].key, over->ranges->entries[i].value);
}
