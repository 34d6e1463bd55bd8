/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a body for a component after the arguments that are ours.
 * The inner body is asked for them too and they are dropped from the answer,
 * so it never reports them as unknown, and "did you mean" knows them.
 */
#include "config/loader.h"

struct hidden_body {
	struct body base;
	const struct body *inner;
	const char *const *names;
};

static bool is_hidden(const struct hidden_body *h, struct str name)
{
	for (size_t i = 0; h->names[i]; i++)
		if (str_is(name, h->names[i]))
			return true;
	return false;
}

static void drop_hidden(const struct hidden_body *h, struct content *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->attr_count; i++)
		if (!is_hidden(h, c->attrs[i]->name))
			c->attrs[kept++] = c->attrs[i];
	c->attr_count = kept;
}

static size_t count_attrs(const struct attr_schema *attrs)
{
	size_t n = 0;
	while (attrs && attrs[n].name)
		n++;
	return n;
}

static void hidden_content(const struct body *b, const struct body_schema *schema, bool partial,
			   struct arena *arena, struct content *ret, struct diags *diags)
{
	const struct hidden_body *h = (const struct hidden_body *)b;
	size_t given = count_attrs(schema->attrs), ours = 0;
	while (h->names[ours])
		ours++;
	struct attr_schema *attrs = ARENA_ARRAY(arena, struct attr_schema, given + ours + 1);
	size_t n = 0;
	for (size_t i = 0; i < given; i++)
		if (!is_hidden(h, str_of(schema->attrs[i].name)))
			attrs[n++] = schema->attrs[i];
	for (size_t i = 0; i < ours; i++)
		attrs[n++].name = h->names[i];
	struct body_schema wider = { .attrs = attrs, .blocks = schema->blocks };
	if (partial)
		body_partial_content(h->inner, &wider, arena, ret, diags);
	else
		body_content(h->inner, &wider, arena, ret, diags);
	drop_hidden(h, ret);
}

static void hidden_attributes(const struct body *b, struct arena *arena, struct content *ret,
			      struct diags *diags)
{
	const struct hidden_body *h = (const struct hidden_body *)b;
	body_attributes(h->inner, arena, ret, diags);
	drop_hidden(h, ret);
}

static void hidden_references(const struct body *b, expr_reference_fn fn, void *data)
{
	body_walk_references(((const struct hidden_body *)b)->inner, fn, data);
}

static const struct body_ops hidden_ops = {
	.content = hidden_content,
	.attributes = hidden_attributes,
	.references = hidden_references,
};

struct body *body_hide(struct arena *arena, const struct body *inner, const char *const *names)
{
	struct hidden_body *h = ARENA_NEW(arena, struct hidden_body);
	h->base = (struct body){
		.ops = &hidden_ops,
		.range = inner->range,
		.missing = inner->missing,
	};
	h->inner = inner;
	h->names = names;
	return &h->base;
}
