/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies written in native syntax: items against a schema (language.md 8). */
#include "base/alloc.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "lang/parser.h"

VEC_DECLARE(name_list, const char *);

static const struct attr_schema *find_attr(const struct body_schema *schema, struct str name)
{
	for (const struct attr_schema *a = schema->attrs; a && a->name; a++)
		if (str_is(name, a->name))
			return a;
	return NULL;
}

static const struct block_schema *find_block(const struct body_schema *schema, struct str type)
{
	for (const struct block_schema *b = schema->blocks; b && b->type; b++)
		if (str_is(type, b->type))
			return b;
	return NULL;
}

/* --- labels ------------------------------------------------------------- */

static size_t count_labels(const struct block_schema *schema)
{
	size_t n = 0;

	while (schema->labels && schema->labels[n])
		n++;
	return n;
}

static void join_labels(struct strbuf *sb, const struct block_schema *schema)
{
	for (size_t i = 0; i < count_labels(schema); i++)
		strbuf_addf(sb, "%s%s", i ? ", " : "", schema->labels[i]);
}

static bool check_labels(const struct block *b, const struct block_schema *schema,
			 struct diags *diags)
{
	AUTO(strbuf) struct strbuf summary = STRBUF_INIT;
	AUTO(strbuf) struct strbuf names = STRBUF_INIT;
	size_t want = count_labels(schema);
	const char *type = schema->type;
	struct diag *d;

	if (b->label_count == want)
		return true;
	join_labels(&names, schema);
	if (b->label_count < want) {
		strbuf_addf(&summary, "Missing %s for %s", schema->labels[b->label_count], type);
		d = diags_error(diags, &b->open_brace, summary.buf,
				"All %s blocks must have %zu labels (%s).", type, want, names.buf);
		d->context = range_between(b->type_range, b->open_brace);
		return false;
	}
	strbuf_addf(&summary, "Extraneous label for %s", type);
	if (want == 0)
		d = diags_error(diags, &b->label_ranges[0], summary.buf,
				"No labels are expected for %s blocks.", type);
	else
		d = diags_error(diags, &b->label_ranges[want], summary.buf,
				"Only %zu labels (%s) are expected for %s blocks.", want, names.buf,
				type);
	d->context = range_between(b->type_range, b->open_brace);
	return false;
}

/* --- what the schema does not name -------------------------------------- */

static bool is_set(const struct content *c, const char *name)
{
	return content_attr(c, name) != NULL;
}

static void report_attribute(const struct attribute *a, const struct body_schema *schema,
			     const struct content *c, struct diags *diags)
{
	struct name_list names = { 0 };

	for (const struct attr_schema *s = schema->attrs; s && s->name; s++)
		if (!is_set(c, s->name))
			*vec_push(&names) = s->name;
	*vec_push(&names) = NULL;

	const char *near = suggest(a->name.p, names.items);
	const char *before = "", *after = "";

	if (near) {
		before = " Did you mean \"";
		after = "\"?";
	} else if (find_block(schema, a->name)) {
		near = a->name.p;
		before = " Did you mean to define a block of type \"";
		after = "\"?";
	}
	diags_error(diags, &a->name_range, "Unsupported argument",
		    "An argument named \"%s\" is not expected here.%s%s%s", a->name.p, before,
		    near ? near : "", after);
	vec_release(&names);
}

static void report_block(const struct block *b, const struct body_schema *schema,
			 struct diags *diags)
{
	struct name_list types = { 0 };

	for (const struct block_schema *s = schema->blocks; s && s->type; s++)
		*vec_push(&types) = s->type;
	*vec_push(&types) = NULL;

	const char *near = suggest(b->type.p, types.items);
	const char *before = "", *after = "";

	if (near) {
		before = " Did you mean \"";
		after = "\"?";
	} else if (find_attr(schema, b->type)) {
		near = b->type.p;
		before = " Did you mean to define argument \"";
		after = "\"? If so, use the equals sign to assign it a value.";
	}
	diags_error(diags, &b->type_range, "Unsupported block type",
		    "Blocks of type \"%s\" are not expected here.%s%s%s", b->type.p, before,
		    near ? near : "", after);
	vec_release(&types);
}

/* --- content ------------------------------------------------------------ */

static void collect(const struct body *b, const struct body_schema *schema, struct arena *arena,
		    struct content *ret, struct diags *diags)
{
	*ret = (struct content){
		.attrs = ARENA_ARRAY(arena, struct attribute *, b->len + 1),
		.blocks = ARENA_ARRAY(arena, struct block *, b->len + 1),
		.missing_range = b->missing,
	};
	for (size_t i = 0; i < b->len; i++) {
		const struct body_item *item = &b->items[i];

		if (!item->is_block && find_attr(schema, item->attribute->name))
			ret->attrs[ret->attr_count++] = item->attribute;
	}
	for (const struct attr_schema *a = schema->attrs; a && a->name; a++)
		if (a->required && !content_attr(ret, a->name))
			diags_error(diags, &b->missing, "Missing required argument",
				    "The argument \"%s\" is required, but no definition was found.",
				    a->name);
	for (size_t i = 0; i < b->len; i++) {
		const struct block_schema *s;

		if (!b->items[i].is_block)
			continue;
		s = find_block(schema, b->items[i].block->type);
		if (s && check_labels(b->items[i].block, s, diags))
			ret->blocks[ret->block_count++] = b->items[i].block;
	}
}

static void native_content(const struct body *b, const struct body_schema *schema, bool partial,
			   struct arena *arena, struct content *ret, struct diags *diags)
{
	collect(b, schema, arena, ret, diags);
	if (partial)
		return;
	for (size_t i = 0; i < b->len; i++)
		if (!b->items[i].is_block && !find_attr(schema, b->items[i].attribute->name))
			report_attribute(b->items[i].attribute, schema, ret, diags);
	for (size_t i = 0; i < b->len; i++)
		if (b->items[i].is_block && !find_block(schema, b->items[i].block->type))
			report_block(b->items[i].block, schema, diags);
}

static void native_attributes(const struct body *b, struct arena *arena, struct content *ret,
			      struct diags *diags)
{
	bool reported = false;

	*ret = (struct content){
		.attrs = ARENA_ARRAY(arena, struct attribute *, b->len + 1),
		.missing_range = b->missing,
	};
	for (size_t i = 0; i < b->len; i++) {
		const struct body_item *item = &b->items[i];
		AUTO(strbuf) struct strbuf summary = STRBUF_INIT;

		if (!item->is_block) {
			ret->attrs[ret->attr_count++] = item->attribute;
			continue;
		}
		if (reported)
			continue;
		reported = true;
		strbuf_addf(&summary, "Unexpected \"%s\" block", item->block->type.p);
		diags_error(diags, &item->block->type_range, summary.buf,
			    "Blocks are not allowed here.");
	}
}

static void native_references(const struct body *b, expr_reference_fn fn, void *data)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->items[i].is_block)
			native_references(b->items[i].block->body, fn, data);
		else
			expr_walk_references(b->items[i].attribute->expr, fn, data);
	}
}

const struct body_ops native_body_ops = {
	.content = native_content,
	.attributes = native_attributes,
	.references = native_references,
};
