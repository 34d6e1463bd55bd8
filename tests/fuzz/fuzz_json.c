/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all to the JSON reader: text -> tree -> body -> values. Besides
 * not crashing: places lie in the text, strings are UTF-8, a tree is not
 * deeper than the limit, what is static can be read, and references are found
 * in both readings.
 */
#include "base/alloc.h"
#include "base/utf8.h"
#include "eval/eval.h"
#include "lang/json.h"
#include "lang/parser.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	const struct source *src;
	struct arena *arena;
	struct scope *scope;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_range(const struct source *src, struct range r)
{
	if (!r.source)
		return;
	require(r.source == src);
	require(r.start.byte <= src->len + 1 && r.end.byte <= src->len + 1);
	require(r.start.line >= 1 && r.start.column >= 1);
}

static void check_diags(const struct source *src, const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style people = { .width = 80, .caret = true };

	for (size_t i = 0; i < diags->len && i < 10; i++) {
		check_range(src, diags->items[i].subject);
		check_range(src, diags->items[i].context);
		diag_format(&sb, &diags->items[i], &people);
	}
}

static void see_reference(void *data, const struct expr *e)
{
	check_range(data, e->range);
}

static void check_node(struct check *c, const struct json_node *n, int depth)
{
	require(depth <= DEPTH_MAX);
	check_range(c->src, n->range);
	check_range(c->src, json_open(n));
	check_range(c->src, json_close(n));
	if (n->kind == JSON_STRING) {
		require(utf8_is_valid(n->text.p, n->text.len));
		check_range(c->src, expr_static(json_expr(n, c->arena), c->arena)->range);
	}
	for (size_t i = 0; n->kind == JSON_ARRAY && i < n->array.len; i++)
		check_node(c, n->array.items[i], depth + 1);
	for (size_t i = 0; n->kind == JSON_OBJECT && i < n->object.len; i++) {
		check_range(c->src, n->object.members[i].name_range);
		check_range(c->src, n->object.members[i].colon);
		check_node(c, n->object.members[i].value, depth + 1);
	}
}

static void check_bodies(struct check *c, const struct json_node *n)
{
	static const char *const labels[] = { "type", "name", NULL };
	static const struct attr_schema attrs[] = { { "a", true },
						    { "b", false },
						    { NULL, false } };
	static const struct block_schema blocks[] = { { "c", NULL },
						      { "d", labels },
						      { NULL, NULL } };
	static const struct body_schema schema = { attrs, blocks };
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct body *b = body_expand_dynamic(c->arena, json_body(n, c->arena), c->scope);
	struct content content = { 0 };

	body_content(b, &schema, c->arena, &content, &diags);
	for (size_t i = 0; i < content.block_count; i++) {
		struct content inner = { 0 };

		check_range(c->src, content.blocks[i]->header);
		body_attributes(content.blocks[i]->body, c->arena, &inner, &diags);
	}
	body_walk_references(b, see_reference, (void *)c->src);
	check_diags(c->src, &diags);
}

static void check_value(struct check *c, const struct json_node *n)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct expr *e = json_expr(n, c->arena);
	AUTO(value) struct value *v = eval_expr(e, c->scope, &diags);
	AUTO(value) struct value *literal = eval_expr(e, NULL, &diags);
	AUTO(type) struct type *t = eval_type_constraint(e, true, NULL, &diags);

	require(v && literal);
	check_diags(c->src, &diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(scope) struct scope *scope = scope_new(NULL);
	AUTO(value) struct value *text = value_string("text");
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct check c = { .arena = arena, .scope = scope };

	if (size == 0)
		return 0;
	scope_set(scope, "t", text);
	c.src = sources_add(sources, "x.json", (const char *)data + 1, size - 1);

	enum json_reading reading = data[0] % 2 ? JSON_LITERALS : JSON_TEMPLATES;
	const struct json_node *n = json_parse(c.src, reading, arena, &diags);

	check_diags(c.src, &diags);
	check_node(&c, n, 0);
	check_bodies(&c, n);
	check_value(&c, n);
	return 0;
}
