/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON syntax against the public conformance data, where the folder with
 * it is at hand (INGOT_CONFORMANCE): values, bodies by schema, and every
 * diagnostic with its texts and places.
 */
#include "typed.h"

#include "base/alloc.h"
#include "eval/eval.h"
#include "lang/json.h"
#include "os/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP_EXIT = 77 };

struct test_case {
	const struct value *line;
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
	struct diags diags;
	struct strbuf *why;
};

static bool check_value(struct test_case *c, const struct value *got, const struct value *want)
{
	AUTO(value) struct value *wanted = want ? typed_value(want) : NULL;

	if (!wanted || typed_same(got, wanted))
		return true;
	strbuf_addstr(c->why, "got ");
	typed_describe(c->why, got);
	strbuf_addstr(c->why, "\n     want ");
	typed_describe(c->why, wanted);
	return false;
}

/* Where the data has a note, what comes after the first one is another matter. */
static bool check_diags(struct test_case *c)
{
	const struct value *want = typed_get(c->line, "diag_list");
	bool first_only = typed_get(c->line, "note") != NULL;
	bool ok = first_only ? c->diags.len > 0 : c->diags.len == value_len(want);

	for (size_t i = 0; ok && i < value_len(want) && (i == 0 || !first_only); i++)
		ok = typed_same_diag(&c->diags.items[i], value_at(want, i), false);
	for (size_t i = 0; !ok && i < c->diags.len; i++)
		typed_describe_diag(c->why, &c->diags.items[i]);
	return ok;
}

static const struct source *text_of(struct test_case *c)
{
	const char *text = typed_text(c->line, "text");

	return sources_add(c->sources, "test.json", text, strlen(text));
}

static void fill_scope(struct test_case *c)
{
	struct value *vars = typed_get(c->line, "vars");

	c->scope = scope_new(NULL);
	for (size_t i = 0; vars && i < value_len(vars); i++) {
		AUTO(value) struct value *v = typed_value(value_at(vars, i));

		scope_set(c->scope, value_key_at(vars, i), v);
	}
}

static bool run_value(struct test_case *c, const struct scope *scope)
{
	const struct json_node *n = json_parse(text_of(c), JSON_TEMPLATES, c->arena, &c->diags);
	const struct value *want = typed_get(c->line, "want");

	if (!want)
		return check_diags(c);

	AUTO(value) struct value *v = eval_expr(json_expr(n, c->arena), scope, &c->diags);
	bool ok = check_diags(c);

	return check_value(c, v, want) && ok;
}

static bool run_attr(struct test_case *c)
{
	struct body *b = parse_json_file(text_of(c), c->arena, &c->diags);
	struct content content = { 0 };

	body_attributes(b, c->arena, &content, &c->diags);

	const struct attribute *a = content_attr(&content, typed_text(c->line, "attr"));
	AUTO(value) struct value *v = eval_expr(a->expr, c->scope, &c->diags);
	bool ok = check_diags(c);

	return check_value(c, v, typed_get(c->line, "want")) && ok;
}

/* --- bodies --- */

static const struct attr_schema *read_attrs(struct test_case *c, const struct value *list)
{
	struct attr_schema *s = ARENA_ARRAY(c->arena, struct attr_schema, value_len(list) + 1);

	for (size_t i = 0; i < value_len(list); i++) {
		s[i].name = typed_text(value_at(list, i), "name");
		s[i].required = typed_is_true(value_at(list, i), "required");
	}
	return s;
}

static const struct block_schema *read_blocks(struct test_case *c, const struct value *list)
{
	struct block_schema *s = ARENA_ARRAY(c->arena, struct block_schema, value_len(list) + 1);

	for (size_t i = 0; i < value_len(list); i++) {
		const struct value *names = typed_get(value_at(list, i), "labels");
		const char **labels = ARENA_ARRAY(c->arena, const char *, value_len(names) + 1);

		for (size_t k = 0; k < value_len(names); k++)
			labels[k] = value_as_string(value_at(names, k));
		s[i].type = typed_text(value_at(list, i), "type");
		s[i].labels = labels;
	}
	return s;
}

static bool same_attrs(struct test_case *c, const struct content *got, const struct value *want)
{
	bool ok = got->attr_count == value_len(want);

	for (size_t i = 0; ok && i < got->attr_count; i++) {
		const struct attribute *a = got->attrs[i];
		const struct value *wanted = typed_get(want, a->name.p);
		AUTO(value) struct value *v = eval_expr(a->expr, c->scope, &c->diags);

		ok = wanted && check_value(c, v, wanted);
	}
	return ok;
}

static bool same_blocks(const struct content *got, const struct value *want)
{
	bool ok = got->block_count == value_len(want);

	for (size_t i = 0; ok && i < got->block_count; i++) {
		const struct block *b = got->blocks[i];
		const struct value *labels = typed_get(value_at(want, i), "labels");

		ok = str_is(b->type, typed_text(value_at(want, i), "type")) &&
		     b->label_count == value_len(labels);
		for (size_t k = 0; ok && k < b->label_count; k++)
			ok = str_is(b->labels[k], value_as_string(value_at(labels, k)));
	}
	return ok;
}

static bool run_body(struct test_case *c)
{
	const struct value *schema = typed_get(c->line, "schema");
	const struct value *want = typed_get(c->line, "content");
	struct body *b = parse_json_file(text_of(c), c->arena, &c->diags);
	struct content content = { 0 };

	if (!schema) {
		body_attributes(b, c->arena, &content, &c->diags);
	} else {
		struct body_schema s = { read_attrs(c, typed_get(schema, "attributes")),
					 read_blocks(c, typed_get(schema, "blocks")) };

		if (typed_is_true(c->line, "partial"))
			body_partial_content(b, &s, c->arena, &content, &c->diags);
		else
			body_content(b, &s, c->arena, &content, &c->diags);
	}
	return check_diags(c) && same_attrs(c, &content, typed_get(want, "attributes")) &&
	       same_blocks(&content, typed_get(want, "blocks"));
}

static bool run_kind(struct test_case *c)
{
	const char *kind = typed_text(c->line, "kind");

	if (strcmp(kind, "syntax") == 0)
		return run_value(c, NULL);
	if (strcmp(kind, "expr") == 0)
		return run_value(c, c->scope);
	if (strcmp(kind, "attr") == 0)
		return run_attr(c);
	if (strcmp(kind, "attributes") == 0 || strcmp(kind, "body") == 0)
		return run_body(c);
	strbuf_addstr(c->why, "unknown kind");
	return false;
}

static bool run_case(const struct value *line, struct strbuf *why)
{
	struct test_case c = {
		.line = line, .why = why, .sources = sources_new(), .arena = arena_new()
	};
	bool ok;

	fill_scope(&c);
	ok = run_kind(&c);
	diags_release(&c.diags);
	scope_free(c.scope);
	arena_free(c.arena);
	sources_free(c.sources);
	return ok;
}

int main(void)
{
	const char *dir = getenv("INGOT_CONFORMANCE");

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	return typed_run_file(dir, "json-expr.jsonl", run_case) ? 1 : 0;
}
