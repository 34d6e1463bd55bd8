/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dynamic` blocks (language.md 12). A reader that asks an expanding body for
 * its blocks gets the generated ones in place of each `dynamic`, as if they
 * had been written out; their bodies expand in turn. What a generated body
 * says about its iterator is carried by the expressions themselves
 * (EXPR_BOUND), so the reader evaluates them in its own scope as always.
 */
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "lang/parser.h"
#include "value/convert.h"

#include <string.h>

/* The iterators around a body, outermost first; arrays in the arena. */
struct iteration {
	const char **names; /* NULL-terminated */
	struct value **values;
	size_t len;
	bool is_unknown;
};

struct expanding {
	struct body body; /* first: readers see this */
	const struct body *original;
	const struct scope *scope; /* for for_each and labels */
	struct iteration iteration;
};

/* One `dynamic` block, read. */
struct generator {
	const struct block_schema *schema;
	const struct block *source;
	const char *name; /* of the iterator */
	struct value *each;
	const struct expr **labels;
	size_t label_count;
	const struct block *content;
};

/* One request for content. */
struct request {
	const struct expanding *from;
	const struct body_schema *schema;
	bool partial;
	struct arena *arena;
	struct diags *diags;
};

VEC_DECLARE(block_list, struct block *);

static const struct body_ops expanding_ops;

static struct body *expand(struct arena *arena, const struct body *original,
			   const struct scope *scope, struct iteration it)
{
	struct expanding *x = ARENA_NEW(arena, struct expanding);

	x->body = (struct body){ .ops = &expanding_ops,
				 .range = original->range,
				 .missing = original->missing };
	x->original = original;
	x->scope = scope;
	x->iteration = it;
	return &x->body;
}

struct body *body_expand_dynamic(struct arena *arena, const struct body *b,
				 const struct scope *scope)
{
	return expand(arena, b, scope, (struct iteration){ 0 });
}

/* --- iterations --- */

static struct value *iterator_object(const struct value *collection, size_t i)
{
	struct map fields;

	value_map_init(&fields);
	map_set(&fields, "key",
		collection ? iteration_key(collection, i) : value_unknown(type_dynamic));
	map_set(&fields, "value",
		collection ? iteration_value(collection, i) : value_unknown(type_dynamic));
	struct value *v = value_object_take(&fields);
	map_release(&fields);
	return v;
}

/* `collection` NULL: nothing is known about the elements. */
static struct iteration iteration_below(struct arena *arena, const struct iteration *outer,
					const char *name, const struct value *collection, size_t i)
{
	struct iteration it = { .len = outer->len + 1,
				.is_unknown = outer->is_unknown || !collection };

	it.names = ARENA_ARRAY(arena, const char *, it.len + 1);
	it.values = ARENA_ARRAY(arena, struct value *, it.len);
	for (size_t k = 0; k < outer->len; k++) {
		it.names[k] = outer->names[k];
		it.values[k] = outer->values[k];
	}
	it.names[outer->len] = name;
	it.values[outer->len] = value_keep(arena, iterator_object(collection, i));
	return it;
}

static const struct expr *bind_expr(struct arena *arena, const struct iteration *it,
				    const struct expr *e)
{
	if (it->len == 0)
		return e;

	struct expr *bound = ARENA_NEW(arena, struct expr);
	bound->kind = EXPR_BOUND;
	bound->range = e->range;
	bound->bound.inner = (struct expr *)e;
	bound->bound.names = it->names;
	bound->bound.values = it->values;
	bound->bound.is_unknown = it->is_unknown;
	return bound;
}

static void bind_attributes(const struct request *rq, struct content *c)
{
	if (rq->from->iteration.len == 0)
		return;
	for (size_t i = 0; i < c->attr_count; i++) {
		struct attribute *copy = ARENA_NEW(rq->arena, struct attribute);

		*copy = *c->attrs[i];
		copy->expr = (struct expr *)bind_expr(rq->arena, &rq->from->iteration, copy->expr);
		c->attrs[i] = copy;
	}
}

/* --- reading a dynamic block --- */

static bool read_collection(const struct request *rq, const struct expr *e, struct generator *g)
{
	struct evaluator ev = { .scope = rq->from->scope, .diags = rq->diags };
	struct complaint c = { "Invalid dynamic for_each value", &e->range, NULL, e };
	size_t before = rq->diags->errors;

	g->each = evaluate(&ev, bind_expr(rq->arena, &rq->from->iteration, e));
	if (rq->diags->errors > before)
		return false;

	const struct type *t = value_type(g->each);
	if (!type_can_iterate(t) && type_kind(t) != TYPE_DYNAMIC) {
		AUTO(strbuf) struct strbuf name = STRBUF_INIT;

		type_name(&name, t);
		complain(&ev, &c,
			 "Cannot use a %s value in for_each. An iterable collection is required.",
			 name.buf);
		return false;
	}
	if (value_is_null(g->each)) {
		complain(&ev, &c, "Cannot use a null value in for_each.");
		return false;
	}
	return true;
}

static bool read_iterator(const struct request *rq, const struct attribute *a, struct generator *g)
{
	struct str name = STR("");

	if (!a) {
		g->name = g->schema->type;
		return true;
	}
	name = expr_keyword(a->expr);
	if (name.len == 0) {
		diags_error(rq->diags, &a->expr->range, "Invalid dynamic iterator name",
			    "Dynamic iterator must be a single variable name.");
		return false;
	}
	g->name = arena_strndup(rq->arena, name.p, name.len);
	return true;
}

static size_t label_names(const struct block_schema *s)
{
	size_t n = 0;

	while (s->labels && s->labels[n])
		n++;
	return n;
}

static bool read_labels(const struct request *rq, const struct attribute *a, struct generator *g)
{
	size_t want = label_names(g->schema);
	const struct expr *list = a ? expr_static(a->expr, rq->arena) : NULL;

	if (!a)
		return true;
	if (list->kind != EXPR_TUPLE) {
		diags_error(rq->diags, &list->range, "Invalid expression",
			    "A static list expression is required.");
		return false;
	}
	if (list->tuple.len != want) {
		bool extra = list->tuple.len > want;

		diags_error(rq->diags, extra ? &list->tuple.items[want]->range : &list->range,
			    extra ? "Extraneous dynamic block label"
				  : "Insufficient dynamic block labels",
			    "Blocks of type \"%s\" require %zu label(s).", g->schema->type, want);
		return false;
	}
	g->labels = (const struct expr **)list->tuple.items;
	g->label_count = want;
	return true;
}

static bool read_content(const struct request *rq, const struct content *c, struct generator *g)
{
	if (c->block_count == 0) {
		diags_error(rq->diags, &c->missing_range, "Missing dynamic content block",
			    "A dynamic block must have a nested block of type \"content\" to "
			    "describe the body of each generated block.");
		return false;
	}
	if (c->block_count > 1) {
		diags_error(rq->diags, &c->blocks[1]->header, "Extraneous dynamic content block",
			    "Only one nested content block is allowed for each dynamic block.");
		return false;
	}
	g->content = c->blocks[0];
	return true;
}

static bool read_generator(const struct request *rq, struct generator *g)
{
	static const struct attr_schema plain[] = { { "for_each", true },
						    { "iterator", false },
						    { NULL, false } };
	static const struct attr_schema labelled[] = {
		{ "for_each", true }, { "iterator", false }, { "labels", true }, { NULL, false }
	};
	static const struct block_schema blocks[] = { { "content", NULL }, { NULL, NULL } };
	struct body_schema schema = { label_names(g->schema) > 0 ? labelled : plain, blocks };
	size_t before = rq->diags->errors;
	struct content c = { 0 };

	body_content(g->source->body, &schema, rq->arena, &c, rq->diags);
	if (rq->diags->errors > before)
		return false;
	return read_collection(rq, content_attr(&c, "for_each")->expr, g) &&
	       read_iterator(rq, content_attr(&c, "iterator"), g) &&
	       read_labels(rq, content_attr(&c, "labels"), g) && read_content(rq, &c, g);
}

/* --- making blocks --- */

static bool make_label(const struct request *rq, const struct expr *e, const struct iteration *it,
		       struct str *ret)
{
	struct evaluator ev = { .scope = rq->from->scope, .diags = rq->diags };
	struct iteration seen = *it;
	struct complaint c = { "Invalid dynamic block label", &e->range, NULL, e };
	AUTO(error) struct error *err = NULL;
	size_t before = rq->diags->errors;

	seen.is_unknown = false; /* the label itself may still be a plain text */
	AUTO(value) struct value *v = evaluate(&ev, bind_expr(rq->arena, &seen, e));
	if (rq->diags->errors > before)
		return false;

	AUTO(value) struct value *text = value_convert(v, type_string, &err);
	if (!text) {
		complain(&ev, &c, "Cannot use this value as a dynamic block label: %s.",
			 err->message);
		return false;
	}
	if (value_is_null(text)) {
		complain(&ev, &c, "Cannot use a null value as a dynamic block label.");
		return false;
	}
	if (!value_is_known(text)) {
		complain(&ev, &c,
			 "This value is not yet known. Dynamic block labels must be "
			 "immediately-known values.");
		return false;
	}
	ret->len = value_string_size(text);
	ret->p = arena_strndup(rq->arena, value_as_string(text), ret->len);
	return true;
}

/* NULL after reporting. */
static struct block *make_block(const struct request *rq, const struct generator *g,
				struct iteration it)
{
	struct block *b = ARENA_NEW(rq->arena, struct block);

	*b = *g->content;
	b->type = str_of(g->schema->type);
	b->type_range = g->source->label_ranges[0];
	b->header = g->source->header;
	b->range = g->source->range;
	b->label_count = g->label_count;
	b->labels = ARENA_ARRAY(rq->arena, struct str, g->label_count + 1);
	b->label_ranges = ARENA_ARRAY(rq->arena, struct range, g->label_count + 1);
	for (size_t i = 0; i < g->label_count; i++) {
		b->label_ranges[i] = g->labels[i]->range;
		if (!make_label(rq, g->labels[i], &it, &b->labels[i]))
			return NULL;
	}
	b->body = expand(rq->arena, g->content->body, rq->from->scope, it);
	return b;
}

static void add_generated(const struct request *rq, const struct generator *g,
			  struct block_list *out)
{
	const struct value *each = value_is_known(g->each) ? g->each : NULL;
	size_t n = each ? value_len(each) : 1;

	for (size_t i = 0; i < n; i++) {
		struct block *b = make_block(
			rq, g, iteration_below(rq->arena, &rq->from->iteration, g->name, each, i));

		if (b)
			*vec_push(out) = b;
	}
}

static const struct block_schema *find_schema(const struct body_schema *s, struct str type)
{
	for (const struct block_schema *b = s->blocks; b && b->type; b++) {
		if (str_is(type, b->type))
			return b;
	}
	return NULL;
}

static void expand_block(const struct request *rq, const struct block *dynamic,
			 struct block_list *out)
{
	struct generator g = { .source = dynamic };

	g.schema = find_schema(rq->schema, dynamic->labels[0]);
	if (!g.schema) {
		AUTO_FREE char *quoted = go_quoted(dynamic->labels[0].p, dynamic->labels[0].len);

		if (!rq->partial)
			diags_error(rq->diags, &dynamic->label_ranges[0], "Unsupported block type",
				    "Blocks of type %s are not expected here.", quoted);
		return;
	}
	if (read_generator(rq, &g))
		add_generated(rq, &g, out);
	value_unref(g.each);
}

/* A block written out sees the iterators around it, and may hold dynamic blocks. */
static struct block *inherit(const struct request *rq, const struct block *b)
{
	struct block *copy = ARENA_NEW(rq->arena, struct block);

	*copy = *b;
	copy->body = expand(rq->arena, b->body, rq->from->scope, rq->from->iteration);
	return copy;
}

static void expand_blocks(const struct request *rq, struct content *c)
{
	struct block_list out = { 0 };

	for (size_t i = 0; i < c->block_count; i++) {
		if (str_is(c->blocks[i]->type, "dynamic"))
			expand_block(rq, c->blocks[i], &out);
		else
			*vec_push(&out) = inherit(rq, c->blocks[i]);
	}
	c->blocks = ARENA_ARRAY(rq->arena, struct block *, out.len + 1);
	if (out.len > 0)
		memcpy(c->blocks, out.items, out.len * sizeof(*out.items));
	c->block_count = out.len;
	vec_release(&out);
}

/* The reader's schema and `dynamic "TYPE"`. */
static struct body_schema extended_schema(struct arena *arena, const struct body_schema *s)
{
	static const char *const labels[] = { "type", NULL };
	size_t n = 0;

	while (s->blocks && s->blocks[n].type)
		n++;
	struct block_schema *blocks = ARENA_ARRAY(arena, struct block_schema, n + 2);
	for (size_t i = 0; i < n; i++)
		blocks[i] = s->blocks[i];
	blocks[n] = (struct block_schema){ "dynamic", labels };
	return (struct body_schema){ s->attrs, blocks };
}

static void expanding_content(const struct body *b, const struct body_schema *schema, bool partial,
			      struct arena *arena, struct content *ret, struct diags *diags)
{
	const struct expanding *x = (const struct expanding *)b;
	struct request rq = { x, schema, partial, arena, diags };
	struct body_schema extended = extended_schema(arena, schema);

	x->original->ops->content(x->original, &extended, partial, arena, ret, diags);
	bind_attributes(&rq, ret);
	expand_blocks(&rq, ret);
}

static void expanding_attributes(const struct body *b, struct arena *arena, struct content *ret,
				 struct diags *diags)
{
	const struct expanding *x = (const struct expanding *)b;
	struct request rq = { x, NULL, false, arena, diags };

	x->original->ops->attributes(x->original, arena, ret, diags);
	bind_attributes(&rq, ret);
}

static void expanding_references(const struct body *b, expr_reference_fn fn, void *data)
{
	body_walk_references(((const struct expanding *)b)->original, fn, data);
}

static const struct body_ops expanding_ops = { .content = expanding_content,
					       .attributes = expanding_attributes,
					       .references = expanding_references };
