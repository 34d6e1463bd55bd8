/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies written in JSON (language.md 10): the properties of an object, or of
 * all the objects in an array one after another. What a property is, argument
 * or blocks, the schema says; an argument is an EXPR_JSON, blocks lie below as
 * many levels of objects as they have labels.
 */
#include "base/map.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "lang/json.h"
#include "lang/parser_state.h"

#include <string.h>

struct json_body {
	struct body body; /* first: what callers hold */
	const struct json_node *node;
};

VEC_DECLARE(member_list, const struct json_member *);
VEC_DECLARE(block_list, struct block *);
VEC_DECLARE(name_list, const char *);

static const char wrong_type[] = "Incorrect JSON value type";

/* One question to a body. Big files may have as many mistakes as properties: after some of them
 * the rest is not looked at. */
struct reading {
	const struct json_node *node;
	struct arena *arena;
	struct diags *diags;
	size_t errors_max; /* in diags */
	bool stopped;
};

static struct reading reading_of(const struct json_node *node, struct arena *arena,
				 struct diags *diags)
{
	return (struct reading){ node, arena, diags, diags->errors + PARSER_ERRORS_MAX, false };
}

static bool goes_on(struct reading *r)
{
	if (r->stopped || r->diags->errors < r->errors_max)
		return !r->stopped;
	r->stopped = true;
	diags_error(r->diags, NULL, "Too many errors",
		    "The rest of %s was not examined after %d errors.", r->node->range.source->name,
		    PARSER_ERRORS_MAX);
	return false;
}

static const struct json_node *node_of(const struct body *b)
{
	return ((const struct json_body *)b)->node;
}

/* --- properties ---------------------------------------------------------- */

static void push_members(struct member_list *list, const struct json_node *object)
{
	for (size_t i = 0; i < object->object.len; i++)
		*vec_push(list) = &object->object.members[i];
}

static void report_level(struct diags *diags, const struct json_node *node, const char *what,
			 const char *label)
{
	struct range at = json_open(node);

	if (label)
		diags_error(diags, &at, wrong_type,
			    "%s is required here, to specify %s labels for this block.", what,
			    label);
	else
		diags_error(diags, &at, wrong_type,
			    "%s is required here, to define arguments and child blocks.", what);
}

/* The properties of a body, or of one level of labels: then `label` is its name in messages. */
static void collect_members(struct reading *r, const struct json_node *node, const char *label,
			    struct member_list *list)
{
	switch (node->kind) {
	case JSON_NULL:
	case JSON_INVALID: /* was reported */
		break;
	case JSON_OBJECT:
		push_members(list, node);
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < node->array.len && goes_on(r); i++) {
			const struct json_node *item = node->array.items[i];

			if (item->kind == JSON_OBJECT)
				push_members(list, item);
			else if (item->kind != JSON_INVALID)
				report_level(r->diags, item, "A JSON object", label);
		}
		break;
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_STRING:
		report_level(r->diags, node, "Either a JSON object or JSON array of objects",
			     label);
		break;
	}
}

static bool is_comment(const struct json_node *body, const struct json_member *m)
{
	return body->reading == JSON_TEMPLATES && str_is(m->name, "//");
}

static struct attribute *make_attribute(const struct json_member *m, struct arena *arena)
{
	struct attribute *a = ARENA_NEW(arena, struct attribute);

	a->name = m->name;
	a->name_range = m->name_range;
	a->equals_range = m->colon;
	a->range = range_between(m->name_range, m->value->range);
	a->expr = json_expr(m->value, arena);
	return a;
}

static void report_repeated(struct diags *diags, const struct json_member *m,
			    const struct attribute *first, const char *summary)
{
	AUTO(strbuf) struct strbuf at = STRBUF_INIT;

	range_format(&at, first->range);

	struct diag *d =
		diags_error(diags, &m->name_range, summary,
			    "The argument \"%s\" was already set at %s.", m->name.p, at.buf);

	d->context = range_between(m->name_range, m->value->range);
}

/* --- blocks -------------------------------------------------------------- */

/* One property that is read as blocks. */
struct unpacking {
	struct reading *reading;
	const struct block_schema *schema;
	const struct json_member *member;
	struct block_list *out;
	struct member_list labels; /* above the current level */
};

static void add_block(const struct unpacking *u, const struct json_node *node, struct range header)
{
	size_t n = u->labels.len;
	struct arena *arena = u->reading->arena;
	struct block *b = ARENA_NEW(arena, struct block);

	b->type = u->member->name;
	b->type_range = u->member->name_range;
	b->labels = ARENA_ARRAY(arena, struct str, n + 1);
	b->label_ranges = ARENA_ARRAY(arena, struct range, n + 1);
	b->label_count = n;
	for (size_t i = 0; i < n; i++) {
		b->labels[i] = u->labels.items[i]->name;
		b->label_ranges[i] = u->labels.items[i]->name_range;
	}
	b->open_brace = json_open(node);
	b->close_brace = json_close(node);
	b->header = header;
	b->range = range_between(u->member->name_range, node->range);
	b->body = json_body(node, arena);
	*vec_push(u->out) = b;
}

static void unpack_contents(const struct unpacking *u, const struct json_node *node)
{
	struct range open = json_open(node);

	switch (node->kind) {
	case JSON_NULL:
	case JSON_INVALID:
		break;
	case JSON_OBJECT:
		add_block(u, node, open);
		break;
	case JSON_ARRAY:
		/* What is in it shows when somebody asks the body for its content. */
		for (size_t i = 0; i < node->array.len; i++)
			add_block(u, node->array.items[i], open);
		break;
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_STRING:
		diags_error(u->reading->diags, &open, wrong_type,
			    "Either a JSON object or a JSON array is required, representing the "
			    "contents of one or more \"%s\" blocks.",
			    u->schema->type);
		break;
	}
}

static void unpack(struct unpacking *u, const struct json_node *node)
{
	const char *label = u->schema->labels ? u->schema->labels[u->labels.len] : NULL;
	struct member_list members = { 0 };

	if (!label) {
		unpack_contents(u, node);
		return;
	}
	collect_members(u->reading, node, label, &members);
	for (size_t i = 0; i < members.len && goes_on(u->reading); i++) {
		*vec_push(&u->labels) = members.items[i];
		unpack(u, members.items[i]->value);
		u->labels.len--;
	}
	if (members.len == 0 && node->kind != JSON_INVALID) {
		struct range open = json_open(node);

		diags_error(u->reading->diags, &open, "Missing block label",
			    "At least one object property is required, whose name represents the "
			    "%s block's %s.",
			    u->schema->type, label);
	}
	vec_release(&members);
}

/* --- content ------------------------------------------------------------- */

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

static size_t count_attrs(const struct body_schema *schema)
{
	size_t n = 0;

	while (schema->attrs && schema->attrs[n].name)
		n++;
	return n;
}

/* What the schema names, in the order of the text. */
static void take_known(struct reading *r, const struct member_list *members,
		       const struct body_schema *schema, struct content *ret)
{
	struct block_list blocks = { 0 };

	for (size_t i = 0; i < members->len && goes_on(r); i++) {
		const struct json_member *m = members->items[i];

		if (find_attr(schema, m->name)) {
			const struct attribute *first = content_attr(ret, m->name.p);

			if (first)
				report_repeated(r->diags, m, first, "Duplicate argument");
			else
				ret->attrs[ret->attr_count++] = make_attribute(m, r->arena);
			continue;
		}

		struct unpacking u = { .reading = r,
				       .schema = find_block(schema, m->name),
				       .member = m,
				       .out = &blocks };

		if (u.schema)
			unpack(&u, m->value);
		vec_release(&u.labels);
	}
	ret->block_count = blocks.len;
	ret->blocks = ARENA_ARRAY(r->arena, struct block *, blocks.len + 1);
	if (blocks.len)
		memcpy(ret->blocks, blocks.items, blocks.len * sizeof(*blocks.items));
	vec_release(&blocks);
}

static void report_unknown(struct reading *r, const struct member_list *members,
			   const struct body_schema *schema, const struct content *c)
{
	struct name_list names = { 0 };

	for (const struct attr_schema *a = schema->attrs; a && a->name; a++)
		if (!content_attr(c, a->name))
			*vec_push(&names) = a->name;
	for (const struct block_schema *b = schema->blocks; b && b->type; b++)
		*vec_push(&names) = b->type;
	*vec_push(&names) = NULL;
	for (size_t i = 0; i < members->len && goes_on(r); i++) {
		const struct json_member *m = members->items[i];

		if (is_comment(r->node, m) || find_attr(schema, m->name) ||
		    find_block(schema, m->name))
			continue;

		const char *near = suggest(m->name.p, names.items);
		struct diag *d = diags_error(
			r->diags, &m->name_range, "Extraneous JSON object property",
			"No argument or block type is named \"%s\".%s%s%s", m->name.p,
			near ? " Did you mean \"" : "", near ? near : "", near ? "\"?" : "");

		d->context = range_between(m->name_range, m->value->range);
	}
	vec_release(&names);
}

static void json_content(const struct body *b, const struct body_schema *schema, bool partial,
			 struct arena *arena, struct content *ret, struct diags *diags)
{
	struct reading r = reading_of(node_of(b), arena, diags);
	struct member_list members = { 0 };

	collect_members(&r, r.node, NULL, &members);
	*ret = (struct content){
		.attrs = ARENA_ARRAY(arena, struct attribute *, count_attrs(schema) + 1),
		.missing_range = b->missing,
	};
	take_known(&r, &members, schema, ret);
	for (const struct attr_schema *a = schema->attrs; a && a->name; a++)
		if (a->required && !content_attr(ret, a->name))
			diags_error(diags, &b->missing, "Missing required argument",
				    "The argument \"%s\" is required, but no definition was found.",
				    a->name);
	if (!partial)
		report_unknown(&r, &members, schema, ret);
	vec_release(&members);
}

static void json_attributes(const struct body *b, struct arena *arena, struct content *ret,
			    struct diags *diags)
{
	const struct json_node *node = node_of(b);
	struct reading r = reading_of(node, arena, diags);
	AUTO(map) struct map seen = MAP_INIT(NULL);

	*ret = (struct content){ .missing_range = b->missing };
	if (node->kind != JSON_OBJECT) {
		struct range open = json_open(node);

		if (node->kind != JSON_INVALID)
			diags_error(diags, &open, wrong_type,
				    "A JSON object is required here, setting the arguments for "
				    "this block.");
		return;
	}
	ret->attrs = ARENA_ARRAY(arena, struct attribute *, node->object.len + 1);
	for (size_t i = 0; i < node->object.len && goes_on(&r); i++) {
		const struct json_member *m = &node->object.members[i];
		struct attribute *first = map_get(&seen, m->name.p);

		if (is_comment(node, m))
			continue;
		if (first) {
			report_repeated(diags, m, first, "Duplicate attribute definition");
			continue;
		}
		ret->attrs[ret->attr_count++] = make_attribute(m, arena);
		map_set(&seen, m->name.p, ret->attrs[ret->attr_count - 1]);
	}
}

static void json_references(const struct body *b, expr_reference_fn fn, void *data)
{
	json_walk_references(node_of(b), fn, data);
}

static const struct body_ops json_body_ops = {
	.content = json_content,
	.attributes = json_attributes,
	.references = json_references,
};

struct body *json_body(const struct json_node *node, struct arena *arena)
{
	struct json_body *b = ARENA_NEW(arena, struct json_body);

	b->body.ops = &json_body_ops;
	b->body.range = node->range;
	b->body.missing = node->kind == JSON_ARRAY ? json_open(node) : json_close(node);
	b->node = node;
	return &b->body;
}

struct expr *json_expr(const struct json_node *node, struct arena *arena)
{
	struct expr *e = ARENA_NEW(arena, struct expr);

	e->kind = EXPR_JSON;
	e->range = node->range;
	e->json = node;
	return e;
}

struct body *parse_json_file(const struct source *src, struct arena *arena, struct diags *diags)
{
	const struct json_node *node = json_parse(src, JSON_TEMPLATES, arena, diags);
	struct json_node *nothing;

	if (node->kind == JSON_OBJECT || node->kind == JSON_ARRAY)
		return json_body(node, arena);
	if (node->kind != JSON_INVALID)
		diags_error(diags, &node->range, "Root value must be object",
			    "The root value in a JSON-based configuration must be either a JSON "
			    "object or a JSON array of objects.");
	nothing = ARENA_NEW(arena, struct json_node);
	*nothing = (struct json_node){ .kind = JSON_INVALID, .range = node->range };
	return json_body(nothing, arena);
}
