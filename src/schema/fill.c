/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object -> C struct. Every member is written through the offset of its row;
 * what cannot be converted is reported and leaves the member zero.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "schema/rows.h"
#include "schema/schema.h"
#include "schema/weak.h"

/* What stands for a text nobody knows yet (language.md 5.5). */
static const char unknown_text[] = "<unknown>";

struct filler {
	const struct decoded *decoded;
	struct arena *arena;
	struct diags *diags;
};

/* One member on its way from `v` to `member`. */
struct cell {
	struct filler *f;
	const struct attr *attr;
	const char *path;
	char *member;
	const struct value *value;
};

static void fill_struct(struct filler *f, const struct schema *s, const struct value *object,
			const char *prefix, char *base);

PRINTF(2, 3) static void cell_error(const struct cell *c, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&why, fmt, ap);
	va_end(ap);
	struct range subject = decoded_range(c->f->decoded, c->path);
	diags_error(c->f->diags, &subject, "Incorrect attribute value type",
		    "Inappropriate value for attribute \"%s\": %s.", c->attr->name, why.buf);
}

/* The value has no form that the row could take. */
static void cell_mismatch(const struct cell *c, const char *want)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	struct range subject = decoded_range(c->f->decoded, c->path);
	if (!c->f->decoded->is_loose) {
		cell_error(c, "%s", want);
		return;
	}
	explain_mismatch(&why, c->attr, c->path, c->value);
	diags_error(c->f->diags, &subject, "", "%s", why.buf);
}

static bool is_known_text(const struct value *v)
{
	return value_is_known(v) && !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING;
}

static bool is_sequence(const struct value *v)
{
	enum type_kind k = type_kind(value_type(v));
	return k == TYPE_LIST || k == TYPE_SET || k == TYPE_TUPLE;
}

static bool is_mapping(const struct value *v)
{
	enum type_kind k = type_kind(value_type(v));
	return k == TYPE_MAP || k == TYPE_OBJECT;
}

/* ---- rules of a row ------------------------------------------------------------ */

static void check_choice(const struct cell *c, const char *text)
{
	const char *const *choices = c->attr->choices;
	if (!choices || text_eq(text, unknown_text))
		return;
	AUTO(strbuf) struct strbuf all = STRBUF_INIT;
	for (size_t i = 0; choices[i]; i++) {
		if (text_eq(choices[i], text))
			return;
		strbuf_addf(&all, "%s\"%s\"", i ? ", " : "", choices[i]);
	}
	const char *near = suggest(text, choices);
	if (near)
		cell_error(c, "must be one of %s; did you mean \"%s\"", all.buf, near);
	else
		cell_error(c, "must be one of %s", all.buf);
}

static void format_number(struct strbuf *sb, const struct attr *a, int64_t n)
{
	if (a->kind == ATTR_KIND_DURATION)
		duration_format(sb, n);
	else
		strbuf_addf(sb, "%lld", (long long)n);
}

static void check_limits(const struct cell *c, int64_t n)
{
	const struct attr *a = c->attr;
	if (a->min == a->max || (n >= a->min && (a->max < a->min || n <= a->max)))
		return;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, a->max < a->min ? "must be at least " : "must be between ");
	format_number(&text, a, a->min);
	if (a->max > a->min) {
		strbuf_addstr(&text, " and ");
		format_number(&text, a, a->max);
	}
	cell_error(c, "%s", text.buf);
}

/* ---- one value --------------------------------------------------------------------- */

/* A text for lists and maps: unknown and null parts have a form of their own. */
static bool text_of(const struct cell *c, const struct value *v, const char **ret)
{
	*ret = "";
	if (!value_is_known(v)) {
		*ret = unknown_text;
		return true;
	}
	if (value_is_null(v))
		return true;
	const char *why = weak_string(v, c->f->arena, ret);
	if (why)
		cell_mismatch(c, why);
	return !why;
}

static void fill_string(const struct cell *c, const struct value *v)
{
	const char *text;
	if (!text_of(c, v, &text))
		return;
	*(const char **)c->member = text;
	check_choice(c, text);
}

static bool int_of(const struct cell *c, const struct value *v, int64_t *ret)
{
	bool truncated = false;
	const char *why = weak_int(v, ret, &truncated);
	if (why)
		cell_mismatch(c, why);
	if (!truncated)
		return !why;
	struct range subject = decoded_range(c->f->decoded, c->path);
	diags_warning(c->f->diags, &subject, "Fraction dropped",
		      "The argument \"%s\" takes a whole number; %lld is used.", c->attr->name,
		      (long long)*ret);
	return true;
}

static void fill_int(const struct cell *c, const struct value *v)
{
	int64_t n = 0;
	if (!value_is_known(v) || !int_of(c, v, &n))
		return;
	*(int64_t *)c->member = n;
	check_limits(c, n);
}

static void fill_duration(const struct cell *c, const struct value *v)
{
	int64_t n = 0;
	if (!value_is_known(v))
		return;
	const char *why = weak_duration(v, c->f->arena, &n);
	if (why) {
		cell_mismatch(c, why);
		return;
	}
	*(int64_t *)c->member = n;
	check_limits(c, n);
}

static void fill_bool(const struct cell *c, const struct value *v)
{
	bool on = false;
	if (!value_is_known(v))
		return;
	bool is_tri = c->attr->kind == ATTR_KIND_TRIBOOL;
	if (is_tri && is_known_text(v) && !*value_as_string(v))
		return;
	const char *why = weak_bool(v, &on);
	if (why) {
		cell_mismatch(c, why);
		return;
	}
	if (is_tri)
		*(enum tribool *)c->member = on ? TRIBOOL_TRUE : TRIBOOL_FALSE;
	else
		*(bool *)c->member = on;
}

/* ---- lists ------------------------------------------------------------------------- */

/* "a,b" in place of a list is split, "" is an empty one; other single values are one element. */
static struct value *as_sequence(const struct value *v)
{
	if (is_sequence(v))
		return value_ref((struct value *)v);
	if (!is_known_text(v)) {
		struct value *one[] = { value_ref((struct value *)v) };
		return value_tuple_take(one, 1);
	}
	VEC_DECLARE(value_items, struct value *);
	struct value_items parts = { 0 };
	struct str rest = str_of(value_as_string(v));
	while (rest.len > 0) {
		struct str part = str_split(rest, ',', &rest);
		*vec_push(&parts) = value_string_len(part.p, part.len);
	}
	struct value *list = value_tuple_take(parts.items, parts.len);
	vec_release(&parts);
	return list;
}

static bool list_of(const struct cell *c, const struct value *v, struct text_list *ret)
{
	*ret = (struct text_list){ 0 };
	if (!value_is_known(v))
		return true;
	if (is_mapping(v)) {
		cell_mismatch(c, "list of string required");
		return false;
	}
	AUTO(value) struct value *list = as_sequence(v);
	size_t n = value_len(list);
	const char **texts = ARENA_ARRAY(c->f->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (!text_of(c, value_at(list, i), &texts[i]))
			return false;
	*ret = (struct text_list){ .v = texts, .len = n };
	return true;
}

static void fill_strings(const struct cell *c, const struct value *v)
{
	struct text_list list;
	if (!list_of(c, v, &list))
		return;
	*(struct text_list *)c->member = list;
	for (size_t i = 0; i < list.len; i++)
		check_choice(c, list.v[i]);
}

static void fill_ints(const struct cell *c, const struct value *v)
{
	if (!value_is_known(v))
		return;
	if (is_mapping(v)) {
		cell_mismatch(c, "list of number required");
		return;
	}
	AUTO(value) struct value *list = as_sequence(v);
	size_t n = value_len(list);
	int64_t *numbers = ARENA_ARRAY(c->f->arena, int64_t, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct value *item = value_at(list, i);
		if (!value_is_known(item) || value_is_null(item))
			continue;
		if (!int_of(c, item, &numbers[i]))
			return;
		check_limits(c, numbers[i]);
	}
	*(struct int_list *)c->member = (struct int_list){ .v = numbers, .len = n };
}

static void fill_table(const struct cell *c, const struct value *v)
{
	if (!value_is_known(v))
		return;
	if (!is_sequence(v)) {
		cell_mismatch(c, "list of list of string required");
		return;
	}
	size_t n = value_len(v);
	struct text_list *rows = ARENA_ARRAY(c->f->arena, struct text_list, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct value *row = value_at(v, i);
		if (value_is_null(row))
			continue;
		if (!list_of(c, row, &rows[i]))
			return;
	}
	*(struct text_table *)c->member = (struct text_table){ .v = rows, .len = n };
}

/* ---- maps, any values, blocks ---------------------------------------------------- */

static bool add_pairs(const struct cell *c, const struct value *v, struct map *pairs)
{
	for (size_t i = 0; i < value_len(v); i++) {
		const char *text;
		const struct value *item = value_at(v, i);
		if (value_is_null(item))
			continue;
		if (!text_of(c, item, &text))
			return false;
		map_set(pairs, value_key_at(v, i), (void *)text);
	}
	return true;
}

/* A list of objects is one map made of all of them. */
static bool collect_pairs(const struct cell *c, const struct value *v, struct map *pairs)
{
	if (is_mapping(v))
		return add_pairs(c, v, pairs);
	for (size_t i = 0; is_sequence(v) && i < value_len(v); i++) {
		const struct value *item = value_at(v, i);
		if (!value_is_known(item) || value_is_null(item))
			continue;
		if (!is_mapping(item)) {
			cell_mismatch(c, "map of string required");
			return false;
		}
		if (!add_pairs(c, item, pairs))
			return false;
	}
	if (!is_sequence(v))
		cell_mismatch(c, "map of string required");
	return is_sequence(v);
}

static void fill_map(const struct cell *c, const struct value *v)
{
	if (!value_is_known(v))
		return;
	AUTO(map) struct map pairs = MAP_INIT(NULL);
	if (!collect_pairs(c, v, &pairs))
		return;
	map_sort(&pairs);
	struct text_pair *items = ARENA_ARRAY(c->f->arena, struct text_pair, pairs.len + 1);
	for (size_t i = 0; i < pairs.len; i++)
		items[i] = (struct text_pair){ arena_strdup(c->f->arena, pairs.entries[i].key),
					       pairs.entries[i].value };
	*(struct text_map *)c->member = (struct text_map){ .v = items, .len = pairs.len };
}

/* Every unknown part becomes the empty form of its type. */
static struct value *without_unknown(struct value *v);

static struct value *placeholder(const struct type *t)
{
	switch (type_kind(t)) {
	case TYPE_NUMBER:
		return value_int(0);
	case TYPE_BOOL:
		return value_bool(false);
	case TYPE_LIST:
		return value_list_take(type_element(t), NULL, 0);
	case TYPE_SET:
		return value_set_take(type_element(t), NULL, 0);
	case TYPE_MAP:
	case TYPE_OBJECT: {
		struct map none;
		value_map_init(&none);
		return type_kind(t) == TYPE_MAP ? value_map_take(type_element(t), &none)
						: value_object_take(&none);
	}
	case TYPE_TUPLE:
		return value_tuple_take(NULL, 0);
	case TYPE_DYNAMIC:
	case TYPE_STRING:
		break;
	}
	return value_string(unknown_text);
}

static struct value *without_unknown_items(struct value *v)
{
	size_t n = value_len(v);
	if (is_mapping(v)) {
		struct map fields;
		value_map_init(&fields);
		for (size_t i = 0; i < n; i++)
			map_set(&fields, value_key_at(v, i), without_unknown(value_at(v, i)));
		return value_object_take(&fields);
	}
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));
	for (size_t i = 0; i < n; i++)
		items[i] = without_unknown(value_at(v, i));
	return value_tuple_take(items, n);
}

static struct value *without_unknown(struct value *v)
{
	if (value_is_wholly_known(v))
		return value_ref(v);
	if (!value_is_known(v))
		return placeholder(value_type(v));
	return without_unknown_items(v);
}

static void fill_value(const struct cell *c, struct value *v)
{
	*(struct value **)c->member = value_keep(c->f->arena, without_unknown(v));
}

static void fill_block(const struct cell *c, const struct value *v)
{
	if (!value_is_known(v))
		return;
	char *block = arena_alloc(c->f->arena, c->attr->sub->size);
	fill_struct(c->f, c->attr->sub, v, c->path, block);
	*(const void **)c->member = block;
}

static void fill_blocks(const struct cell *c, const struct value *v)
{
	if (!value_is_known(v))
		return;
	const struct schema *sub = c->attr->sub;
	size_t n = value_len(v);
	char *blocks = arena_alloc(c->f->arena, sub->size * (n + 1));
	for (size_t i = 0; i < n; i++)
		fill_struct(c->f, sub, value_at(v, i), path_of_item(c->f->arena, c->path, i),
			    blocks + i * sub->size);
	*(struct block_list *)c->member = (struct block_list){ .v = blocks, .len = n };
}

static void fill_cell(const struct cell *c, struct value *v)
{
	switch (c->attr->kind) {
	case ATTR_KIND_STRING:
		fill_string(c, v);
		return;
	case ATTR_KIND_INT:
		fill_int(c, v);
		return;
	case ATTR_KIND_BOOL:
	case ATTR_KIND_TRIBOOL:
		fill_bool(c, v);
		return;
	case ATTR_KIND_DURATION:
		fill_duration(c, v);
		return;
	case ATTR_KIND_STRINGS:
		fill_strings(c, v);
		return;
	case ATTR_KIND_INTS:
		fill_ints(c, v);
		return;
	case ATTR_KIND_MAP:
		fill_map(c, v);
		return;
	case ATTR_KIND_TABLE:
		fill_table(c, v);
		return;
	case ATTR_KIND_VALUE:
		fill_value(c, v);
		return;
	case ATTR_KIND_BLOCK:
		fill_block(c, v);
		return;
	case ATTR_KIND_BLOCKS:
		fill_blocks(c, v);
		return;
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		return;
	}
}

/* ---- the struct -------------------------------------------------------------------- */

static bool is_set(const struct schema *s, const struct value *object, const char *name)
{
	const struct attr *a = schema_attr(s, name);
	return a && !attr_is_absent(a, value_get(object, name));
}

static void note_flags(const struct cell *c)
{
	const struct attr *a = c->attr;
	struct range subject = decoded_range(c->f->decoded, c->path);
	if (a->flags & ATTR_DEPRECATED) {
		if (a->replacement)
			diags_warning(c->f->diags, &subject, "Deprecated argument",
				      "The argument \"%s\" is deprecated; use \"%s\" instead.",
				      a->name, a->replacement);
		else
			diags_warning(c->f->diags, &subject, "Deprecated argument",
				      "The argument \"%s\" is deprecated. %s", a->name, a->doc);
	}
	if (a->flags & ATTR_IGNORED)
		diags_warning(c->f->diags, &subject, "Argument without effect",
			      "The argument \"%s\" is accepted for compatibility only. %s", a->name,
			      a->doc);
}

/* A pair that names each other is reported once, at the second one. */
static void check_company(const struct cell *c, const struct schema *s, const struct value *object)
{
	const struct attr *a = c->attr;
	struct range subject = decoded_range(c->f->decoded, c->path);
	if (a->conflicts && is_set(s, object, a->conflicts)) {
		const struct attr *other = schema_attr(s, a->conflicts);
		bool is_mutual = other && other->conflicts && text_eq(other->conflicts, a->name);
		if (!is_mutual || other < a)
			diags_error(c->f->diags, &subject, "Conflicting arguments",
				    "Only one of \"%s\" and \"%s\" can be set.", a->conflicts,
				    a->name);
	}
	if (a->requires_ && !is_set(s, object, a->requires_))
		diags_error(c->f->diags, &subject, "Missing required argument",
			    "The argument \"%s\" is required when \"%s\" is set.", a->requires_,
			    a->name);
}

static void report_missing(const struct cell *c, const char *prefix)
{
	struct range subject =
		*prefix ? decoded_range(c->f->decoded, prefix) : c->f->decoded->range;
	if (attr_is_block(c->attr)) {
		AUTO_FREE char *summary = xasprintf("Missing %s block", c->attr->name);
		diags_error(c->f->diags, &subject, summary,
			    "A block of type \"%s\" is required here.", c->attr->name);
		return;
	}
	diags_error(c->f->diags, &subject, "Missing required argument",
		    "The argument \"%s\" is required, but no definition was found.", c->attr->name);
}

static void fill_row(struct filler *f, const struct schema *s, const struct row *row,
		     const struct value *object, const char *prefix, char *base)
{
	const struct attr *a = row->attr;
	struct value *v = value_get(object, a->name);
	struct cell c = { f, a, path_of(f->arena, prefix, a->name), base + row->offset, v };
	if (!attr_is_absent(a, v)) {
		note_flags(&c);
		check_company(&c, s, object);
		fill_cell(&c, v);
		return;
	}
	if (a->flags & ATTR_REQUIRED) {
		report_missing(&c, prefix);
		return;
	}
	if (!a->def)
		return;
	AUTO(value) struct value *fallback = value_string(a->def);
	fill_cell(&c, fallback);
}

static void fill_struct(struct filler *f, const struct schema *s, const struct value *object,
			const char *prefix, char *base)
{
	struct row_list rows = rows_of(s, f->arena);
	if (s->label_name) {
		const struct value *label = value_get(object, s->label_name);
		if (label && is_known_text(label))
			*(const char **)(base + s->label_offset) =
				arena_strdup(f->arena, value_as_string(label));
	}
	for (size_t i = 0; i < rows.len; i++)
		fill_row(f, s, &rows.items[i], object, prefix, base);
}

void schema_fill(const struct decoded *d, void *config, struct arena *arena, struct diags *diags)
{
	struct filler f = { d, arena, diags };
	fill_struct(&f, d->schema, d->object, "", config);
}
