/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all to the parser, the diagnostics' text form, the formatter and
 * the reference walk. The first byte picks the entry point. Besides not
 * crashing: ranges lie in the text, what has no mistakes can be formatted, and
 * formatting what is formatted changes nothing.
 */
#include "base/alloc.h"
#include "lang/lexer.h"
#include "lang/parser.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	require(r.start.byte <= src->len && r.end.byte <= src->len);
	require(r.start.line >= 1 && r.start.column >= 1);
}

static void check_diags(const struct source *src, const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style people = { .width = 80, .caret = true, .color = true };
	struct diag_style plain = { .width = 80 };

	for (size_t i = 0; i < diags->len; i++) {
		check_range(src, diags->items[i].subject);
		check_range(src, diags->items[i].context);
		diag_format(&sb, &diags->items[i], &people);
		diag_format(&sb, &diags->items[i], &plain);
	}
	diags_format_error(&sb, diags);
}

static void see_reference(void *data, const struct expr *e)
{
	check_range(data, e->range);
}

static void check_expr(const struct source *src, const struct expr *e)
{
	require(e && e->height <= EXPR_HEIGHT_MAX);
	check_range(src, e->range);
	expr_walk_references(e, see_reference, (void *)src);
}

static void check_body(const struct source *src, const struct body *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->items[i].is_block)
			check_body(src, b->items[i].block->body);
		else
			check_expr(src, b->items[i].attribute->expr);
	}
}

/* The layout may only change the white space between tokens. */
static void check_same_tokens(const struct source *a, const struct source *b)
{
	struct token_list one = { 0 }, two = { 0 };

	if (lex(&one, a, (struct pos){ 1, 1, 0 }, a->len, LEX_CONFIG) &&
	    lex(&two, b, (struct pos){ 1, 1, 0 }, b->len, LEX_CONFIG)) {
		require(one.len == two.len);
		for (size_t i = 0; i < one.len; i++) {
			struct str x = str_trim(token_text(a, &one.items[i]));
			struct str y = str_trim(token_text(b, &two.items[i]));

			require(one.items[i].kind == two.items[i].kind && str_eq(x, y));
		}
	}
	vec_release(&one);
	vec_release(&two);
}

static void check_format(struct sources *sources, const struct source *src)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO_FREE char *once = hcl_format(src, &diags);

	if (!once)
		return;

	const struct source *again = sources_add(sources, "again", once, strlen(once));
	AUTO_FREE char *twice = hcl_format(again, &diags);

	/* A NUL cannot be in a text that parses outside of strings and comments. */
	if (strlen(src->text) == src->len) {
		require(twice && strcmp(once, twice) == 0);
		check_same_tokens(src, again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;

	if (size == 0)
		return 0;

	const struct source *src = sources_add(sources, "x", (const char *)data + 1, size - 1);

	switch (data[0] % 4) {
	case 0:
		check_expr(src, parse_expression(src, arena, &diags));
		break;
	case 1:
		check_expr(src, parse_template(src, arena, &diags));
		break;
	case 2:
		check_format(sources, src);
		break;
	default:
		check_body(src, parse_file(src, arena, &diags));
	}
	check_diags(src, &diags);
	return 0;
}
