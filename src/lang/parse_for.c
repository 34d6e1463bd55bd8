/* SPDX-License-Identifier: Apache-2.0 */
/* `[for … ]` and `{for … }` (language.md 3). */
#include "lang/parser_state.h"

static void fail_for(struct parser *p, struct range open, const char *detail)
{
	struct range at = parser_range(p, parser_peek(p));
	struct range context = range_between(open, at);

	parser_fail(p, at, &context, "Invalid 'for' expression", "%s", detail);
}

/* `for k, v in collection :` */
static void parse_introduction(struct parser *p, struct for_expr *f)
{
	parser_read(p); /* for */
	if (!parser_next_is(p, TOKEN_IDENT)) {
		fail_for(p, f->open, "For expression requires variable name after 'for'.");
		return;
	}
	f->value_name = parser_name(p, parser_read(p));
	if (parser_next_is(p, TOKEN_COMMA)) {
		parser_read(p);
		f->key_name = f->value_name;
		if (!parser_next_is(p, TOKEN_IDENT)) {
			fail_for(p, f->open,
				 "For expression requires value variable name after comma.");
			return;
		}
		f->value_name = parser_name(p, parser_read(p));
	}
	if (!parser_next_is_word(p, "in")) {
		fail_for(p, f->open,
			 "For expression requires the 'in' keyword after its name declarations.");
		return;
	}
	parser_read(p);
	f->collection = parser_expression(p);
	if (!parser_next_is(p, TOKEN_COLON))
		fail_for(p, f->open,
			 "For expression requires a colon after the collection expression.");
	else
		parser_read(p);
}

/* `key => value... if condition` */
static struct range parse_result(struct parser *p, struct for_expr *f)
{
	struct range ellipsis = { 0 };

	f->value = parser_expression(p);
	if (!p->failed && parser_next_is(p, TOKEN_FAT_ARROW)) {
		parser_read(p);
		f->key = f->value;
		f->value = parser_expression(p);
	}
	if (!p->failed && parser_next_is(p, TOKEN_ELLIPSIS)) {
		ellipsis = parser_range(p, parser_read(p));
		f->group = true;
	}
	if (!p->failed && parser_next_is_word(p, "if")) {
		parser_read(p);
		f->condition = parser_expression(p);
	}
	return ellipsis;
}

static void check_kind(struct parser *p, const struct for_expr *f, struct range whole,
		       struct range ellipsis)
{
	static const char summary[] = "Invalid 'for' expression";

	if (!f->is_object && f->key)
		parser_fail(p, f->key->range, &whole, summary,
			    "Key expression is not valid when building a tuple.");
	if (!f->is_object && f->group)
		parser_fail(p, ellipsis, &whole, summary,
			    "Grouping ellipsis (...) cannot be used when building a tuple.");
	if (f->is_object && !f->key)
		parser_fail(p, f->value->range, &whole, summary,
			    "Key expression is required when building an object.");
}

/* `open` has been read; newlines are off and the caller restores them. */
struct expr *parser_for(struct parser *p, struct token open)
{
	struct expr *e = parser_node(p, EXPR_INVALID, parser_range(p, open));
	struct for_expr *f = ARENA_NEW(p->arena, struct for_expr);
	struct range ellipsis = { 0 };

	f->open = e->range;
	f->is_object = open.kind == TOKEN_OBRACE;
	parse_introduction(p, f);
	if (!p->failed)
		ellipsis = parse_result(p, f);
	if (p->failed)
		return e;
	if (!parser_next_is(p, f->is_object ? TOKEN_CBRACE : TOKEN_CBRACK)) {
		fail_for(p, f->open, "Extra characters after the end of the 'for' expression.");
		return e;
	}
	e->kind = EXPR_FOR;
	e->for_ = f;
	e->range = range_between(f->open, parser_range(p, parser_read(p)));
	parser_adopt(p, e, f->collection);
	parser_adopt(p, e, f->key);
	parser_adopt(p, e, f->value);
	parser_adopt(p, e, f->condition);
	check_kind(p, f, e->range, ellipsis);
	return e;
}
