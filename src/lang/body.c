/* SPDX-License-Identifier: Apache-2.0 */
/* Asking any kind of body, and two bodies read as one (language.md 18.2). */
#include "lang/body.h"

#include "base/strbuf.h"

void body_content(const struct body *b, const struct body_schema *schema, struct arena *arena,
		  struct content *ret, struct diags *diags)
{
	b->ops->content(b, schema, false, arena, ret, diags);
}

void body_partial_content(const struct body *b, const struct body_schema *schema,
			  struct arena *arena, struct content *ret, struct diags *diags)
{
	b->ops->content(b, schema, true, arena, ret, diags);
}

void body_attributes(const struct body *b, struct arena *arena, struct content *ret,
		     struct diags *diags)
{
	b->ops->attributes(b, arena, ret, diags);
}

void body_walk_references(const struct body *b, expr_reference_fn fn, void *data)
{
	b->ops->references(b, fn, data);
}

struct attribute *content_attr(const struct content *c, const char *name)
{
	for (size_t i = 0; i < c->attr_count; i++)
		if (str_is(c->attrs[i]->name, name))
			return c->attrs[i];
	return NULL;
}

/* --- merged ------------------------------------------------------------- */

struct merged_body {
	struct body body; /* first: what callers hold */
	const struct body *parts[2];
};

static void merge_attrs(struct content *ret, const struct content *part, struct diags *diags)
{
	for (size_t i = 0; i < part->attr_count; i++) {
		struct attribute *a = part->attrs[i];
		const struct attribute *before = content_attr(ret, a->name.p);
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;

		if (!before) {
			ret->attrs[ret->attr_count++] = a;
			continue;
		}
		range_format(&at, before->name_range);
		diags_error(diags, &a->name_range, "Duplicate argument",
			    "Argument \"%s\" was already set at %s", a->name.p, at.buf);
	}
}

static void merge_contents(const struct content parts[2], struct arena *arena, struct content *ret,
			   struct diags *diags)
{
	*ret = (struct content){
		.attrs = ARENA_ARRAY(arena, struct attribute *,
				     parts[0].attr_count + parts[1].attr_count + 1),
		.blocks = ARENA_ARRAY(arena, struct block *,
				      parts[0].block_count + parts[1].block_count + 1),
		.missing_range = parts[1].missing_range,
	};
	for (int i = 0; i < 2; i++) {
		merge_attrs(ret, &parts[i], diags);
		for (size_t k = 0; k < parts[i].block_count; k++)
			ret->blocks[ret->block_count++] = parts[i].blocks[k];
	}
}

/* The schema with nothing required: either part alone need not be complete. */
static struct body_schema without_required(const struct body_schema *schema, struct arena *arena)
{
	struct body_schema copy = *schema;
	size_t n = 0;

	while (schema->attrs && schema->attrs[n].name)
		n++;

	struct attr_schema *attrs = ARENA_ARRAY(arena, struct attr_schema, n + 1);

	for (size_t i = 0; i < n; i++)
		attrs[i].name = schema->attrs[i].name;
	copy.attrs = attrs;
	return copy;
}

static void merged_content(const struct body *b, const struct body_schema *schema, bool partial,
			   struct arena *arena, struct content *ret, struct diags *diags)
{
	const struct merged_body *m = (const struct merged_body *)b;
	struct body_schema loose = without_required(schema, arena);
	struct content parts[2];

	for (int i = 0; i < 2; i++)
		m->parts[i]->ops->content(m->parts[i], &loose, partial, arena, &parts[i], diags);
	merge_contents(parts, arena, ret, diags);
	for (const struct attr_schema *a = schema->attrs; a && a->name; a++)
		if (a->required && !content_attr(ret, a->name))
			diags_error(diags, &b->missing, "Missing required argument",
				    "The argument \"%s\" is required, but was not set.", a->name);
}

static void merged_attributes(const struct body *b, struct arena *arena, struct content *ret,
			      struct diags *diags)
{
	const struct merged_body *m = (const struct merged_body *)b;
	struct content parts[2];

	for (int i = 0; i < 2; i++)
		m->parts[i]->ops->attributes(m->parts[i], arena, &parts[i], diags);
	merge_contents(parts, arena, ret, diags);
}

static void merged_references(const struct body *b, expr_reference_fn fn, void *data)
{
	const struct merged_body *m = (const struct merged_body *)b;

	for (int i = 0; i < 2; i++)
		body_walk_references(m->parts[i], fn, data);
}

static const struct body_ops merged_body_ops = {
	.content = merged_content,
	.attributes = merged_attributes,
	.references = merged_references,
};

struct body *body_merge(struct arena *arena, const struct body *first, const struct body *second)
{
	struct merged_body *m = ARENA_NEW(arena, struct merged_body);

	m->body.ops = &merged_body_ops;
	m->body.range = second->range;
	m->body.missing = second->missing;
	m->parts[0] = first;
	m->parts[1] = second;
	return &m->body;
}
