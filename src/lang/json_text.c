/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native syntax inside JSON strings: templates where a value is wanted,
 * expressions where something static is (language.md 10.3). A string without
 * escapes is read where it stands. Of any other a copy without the escapes is
 * read, which knows where each part of it came from.
 */
#include "lang/json.h"
#include "lang/json_scan.h"
#include "lang/parser.h"

#include <string.h>

/* The text inside the quotes as a range of some source. */
static struct range inside(const struct json_node *string, struct arena *arena)
{
	struct range r = string->range;
	struct str raw;

	r.start.byte++;
	r.start.column++;
	r.end.byte--;
	r.end.column--;
	raw = range_text(r);
	if (str_eq(raw, string->text))
		return r;

	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct source_turns turns = { 0 };
	struct source_origin *origin = ARENA_NEW(arena, struct source_origin);
	struct source_turn *copy;
	struct source *src = ARENA_NEW(arena, struct source);

	json_string_map(string->range, &text, &turns);
	copy = ARENA_ARRAY(arena, struct source_turn, turns.len);
	memcpy(copy, turns.items, turns.len * sizeof(*copy));
	*origin = (struct source_origin){ r.source, copy, turns.len };
	*src = (struct source){ r.source->name, string->text.p, string->text.len, origin };
	vec_release(&turns);
	return (struct range){ src, { 1, 1, 0 }, { 1, 1, src->len } };
}

bool json_has_sequences(const struct json_node *string)
{
	const char *p = string->text.p, *end = p + string->text.len;

	if (string->reading == JSON_LITERALS)
		return false;
	while ((p = memchr(p, '{', (size_t)(end - p)))) {
		if (p > string->text.p && (p[-1] == '$' || p[-1] == '%'))
			return true;
		p++;
	}
	return false;
}

struct expr *json_template(const struct json_node *string, struct arena *arena, struct diags *diags)
{
	struct range r = inside(string, arena);

	return parse_template_at(r.source, r, arena, diags);
}

/* NULL when the string is no expression. */
static struct expr *spelled(const struct json_node *string, struct arena *arena)
{
	AUTO(diags) struct diags dropped = DIAGS_INIT;
	struct range r = inside(string, arena);
	struct expr *e = parse_expression_at(r.source, r, arena, &dropped);

	return diags_has_errors(&dropped) ? NULL : e;
}

static struct expr *as_tuple(const struct json_node *array, struct arena *arena)
{
	struct expr *e = ARENA_NEW(arena, struct expr);

	e->kind = EXPR_TUPLE;
	e->range = array->range;
	e->tuple.len = array->array.len;
	e->tuple.items = ARENA_ARRAY(arena, struct expr *, e->tuple.len + 1);
	for (size_t i = 0; i < e->tuple.len; i++)
		e->tuple.items[i] = json_expr(array->array.items[i], arena);
	return e;
}

const struct expr *expr_static(const struct expr *e, struct arena *arena)
{
	const struct expr *found = NULL;

	if (e->kind != EXPR_JSON)
		return e;
	if (e->json->kind == JSON_ARRAY)
		return as_tuple(e->json, arena);
	if (e->json->kind == JSON_STRING && e->json->reading == JSON_TEMPLATES)
		found = spelled(e->json, arena);
	return found ? found : e;
}

static void walk_text(const struct json_node *string, expr_reference_fn fn, void *data)
{
	AUTO(diags) struct diags dropped = DIAGS_INIT;

	if (!json_has_sequences(string))
		return;

	AUTO(arena) struct arena *arena = arena_new();
	const struct expr *e = json_template(string, arena, &dropped);

	if (!diags_has_errors(&dropped))
		expr_walk_references(e, fn, data);
}

struct json_node json_name(const struct json_node *object, const struct json_member *m)
{
	return (struct json_node){ .kind = JSON_STRING,
				   .reading = object->reading,
				   .range = m->name_range,
				   .text = m->name };
}

void json_walk_references(const struct json_node *node, expr_reference_fn fn, void *data)
{
	switch (node->kind) {
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_INVALID:
		break;
	case JSON_STRING:
		walk_text(node, fn, data);
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < node->array.len; i++)
			json_walk_references(node->array.items[i], fn, data);
		break;
	case JSON_OBJECT:
		for (size_t i = 0; i < node->object.len; i++) {
			const struct json_member *m = &node->object.members[i];
			struct json_node name = json_name(node, m);

			walk_text(&name, fn, data);
			json_walk_references(m->value, fn, data);
		}
		break;
	}
}
