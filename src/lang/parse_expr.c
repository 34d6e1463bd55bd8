/* SPDX-License-Identifier: Apache-2.0 */
/* Operators and traversals (language.md 3). */
#include "lang/parser_state.h"

#include <string.h>

static const struct binary_row {
	enum token_kind token;
	enum expr_op op;
	int level; /* higher binds tighter */
} binary_rows[] = {
	{ TOKEN_OR, OP_OR, 1 },       { TOKEN_AND, OP_AND, 2 },  { TOKEN_EQ, OP_EQ, 3 },
	{ TOKEN_NE, OP_NE, 3 },       { TOKEN_GT, OP_GT, 4 },    { TOKEN_GE, OP_GE, 4 },
	{ TOKEN_LT, OP_LT, 4 },       { TOKEN_LE, OP_LE, 4 },    { TOKEN_PLUS, OP_ADD, 5 },
	{ TOKEN_MINUS, OP_SUB, 5 },   { TOKEN_STAR, OP_MUL, 6 }, { TOKEN_SLASH, OP_DIV, 6 },
	{ TOKEN_PERCENT, OP_MOD, 6 },
};

static const struct binary_row *binary_row(enum token_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(binary_rows); i++)
		if (binary_rows[i].token == kind)
			return &binary_rows[i];
	return NULL;
}

static struct expr *parse_binary(struct parser *p, int level)
{
	struct expr *left = parser_operand(p);

	while (!p->failed) {
		struct token symbol = parser_peek(p);
		const struct binary_row *row = binary_row(symbol.kind);

		if (!row || row->level < level)
			break;
		parser_read(p);

		struct expr *right = parse_binary(p, row->level + 1);

		if (p->failed)
			break;

		struct expr *e =
			parser_node(p, EXPR_BINARY, range_between(left->range, right->range));

		e->op.op = row->op;
		e->op.left = left;
		e->op.right = right;
		e->op.symbol = parser_range(p, symbol);
		parser_adopt(p, e, left);
		parser_adopt(p, e, right);
		left = e;
	}
	return left;
}

static struct expr *parse_conditional(struct parser *p)
{
	struct range start = parser_range(p, parser_peek(p));
	struct expr *condition = parse_binary(p, 0);

	if (p->failed || !parser_next_is(p, TOKEN_QUESTION))
		return condition;
	parser_read(p);

	struct expr *yes = parser_expression(p);
	struct token colon = parser_peek(p);

	if (!p->failed && colon.kind != TOKEN_COLON) {
		struct range at = parser_range(p, colon);
		struct range context = range_between(start, at);

		parser_fail(p, at, &context, "Missing false expression in conditional",
			    "The conditional operator (...?...:...) requires a false expression, "
			    "delimited by a colon.");
	}
	if (p->failed)
		return condition;
	parser_read(p);

	struct expr *no = parser_expression(p);
	struct expr *e =
		parser_node(p, EXPR_CONDITIONAL, range_between(condition->range, no->range));

	e->conditional.condition = condition;
	e->conditional.yes = yes;
	e->conditional.no = no;
	parser_adopt(p, e, condition);
	parser_adopt(p, e, yes);
	parser_adopt(p, e, no);
	return e;
}

struct expr *parser_expression(struct parser *p)
{
	if (!parser_enter(p))
		return parser_node(p, EXPR_INVALID, parser_range(p, parser_peek(p)));

	struct expr *e = parse_conditional(p);

	parser_leave(p);
	return e;
}

/* --- traversals --------------------------------------------------------- */

static struct expr *new_attr(struct parser *p, struct expr *object, struct token dot,
			     struct token name)
{
	struct range step = range_between(parser_range(p, dot), parser_range(p, name));
	struct expr *e = parser_node(p, EXPR_ATTR, range_between(object->range, step));

	e->attr.object = object;
	e->attr.name = parser_name(p, name);
	e->attr.name_range = step;
	parser_adopt(p, e, object);
	return e;
}

static struct expr *new_index(struct parser *p, struct expr *object, struct expr *key,
			      struct range bracket)
{
	struct expr *e = parser_node(p, EXPR_INDEX, range_between(object->range, bracket));

	e->index.object = object;
	e->index.key = key;
	e->index.bracket = bracket;
	parser_adopt(p, e, object);
	parser_adopt(p, e, key);
	return e;
}

/*
 * `.0`; `.0.1` is one number token, which the language refuses. `star` is that
 * of the attribute-only splat the step belongs to, or NULL.
 */
static struct expr *parse_legacy_index(struct parser *p, struct expr *object, struct token dot,
				       const struct token *star)
{
	struct token number = parser_read(p);
	struct str text = parser_name(p, number);
	const char *second = memchr(text.p, '.', text.len);
	struct range at = parser_range(p, number);

	if (second) {
		if (star)
			at = parser_range(p, *star);
		parser_fail(p, at, NULL, "Invalid legacy index syntax",
			    "When using the legacy index syntax, chaining two indexes together is "
			    "not permitted. Use the proper index syntax %sinstead, like "
			    "[%.*s][%s].",
			    star ? "with a full splat expression [*] " : "", (int)(second - text.p),
			    text.p, second + 1);
		return object;
	}

	struct expr *key = parser_node(p, EXPR_NUMBER, at);

	key->text = text;

	struct expr *e = new_index(p, object, key, range_between(parser_range(p, dot), at));

	e->index.is_legacy = true;
	return e;
}

static struct expr *new_splat(struct parser *p, struct expr *source, struct range marker,
			      struct expr *each, bool is_full)
{
	struct range end = each->kind == EXPR_SPLAT_ITEM ? marker : each->range;
	struct expr *e = parser_node(p, EXPR_SPLAT, range_between(source->range, end));

	e->splat.source = source;
	e->splat.each = each;
	e->splat.marker = marker;
	e->splat.is_full = is_full;
	parser_adopt(p, e, source);
	parser_adopt(p, e, each);
	return e;
}

static void fail_attribute_name(struct parser *p, struct token at)
{
	parser_fail(p, parser_range(p, at), NULL, "Invalid attribute name",
		    "An attribute name is required after a dot.");
}

/* After `.*`: only .name and .N belong to it. */
static struct expr *parse_attr_splat(struct parser *p, struct expr *source, struct token dot)
{
	struct token star = parser_read(p);
	struct range marker = range_between(parser_range(p, dot), parser_range(p, star));
	struct range none = { p->src, marker.end, marker.end };
	struct expr *each = parser_node(p, EXPR_SPLAT_ITEM, none);

	while (!p->failed && parser_next_is(p, TOKEN_DOT)) {
		struct token step_dot = parser_read(p);
		struct token step = parser_peek(p);

		if (step.kind == TOKEN_IDENT)
			each = new_attr(p, each, step_dot, parser_read(p));
		else if (step.kind == TOKEN_NUMBER)
			each = parse_legacy_index(p, each, step_dot, &star);
		else if (step.kind == TOKEN_STAR)
			parser_fail(p, parser_range(p, step), NULL,
				    "Nested splat expression not allowed",
				    "A splat expression (*) cannot be used inside another "
				    "attribute-only splat expression.");
		else
			fail_attribute_name(p, star);
	}
	return new_splat(p, source, marker, each, false);
}

static struct expr *parse_dot(struct parser *p, struct expr *object)
{
	struct token dot = parser_read(p);

	switch ((int)parser_peek(p).kind) {
	case TOKEN_IDENT:
		return new_attr(p, object, dot, parser_read(p));
	case TOKEN_NUMBER:
		return parse_legacy_index(p, object, dot, NULL);
	case TOKEN_STAR:
		return parse_attr_splat(p, object, dot);
	default:
		fail_attribute_name(p, parser_peek(p));
		return object;
	}
}

/* What a missing bracket is reported at: the one that would match, or the end of the text. */
static struct range find_close_bracket(struct parser *p)
{
	size_t depth = 0;

	for (;;) {
		struct token t = parser_read(p);

		if (t.kind == TOKEN_EOF || (t.kind == TOKEN_CBRACK && depth == 0))
			return parser_range(p, t);
		depth += t.kind == TOKEN_OBRACK;
		depth -= t.kind == TOKEN_CBRACK;
	}
}

static struct expr *parse_traversal(struct parser *p, struct expr *e);

static struct expr *parse_full_splat(struct parser *p, struct expr *source, struct token open)
{
	parser_read(p); /* the star */

	struct token close = parser_peek(p);

	if (close.kind != TOKEN_CBRACK) {
		parser_read(p);
		parser_fail(p, find_close_bracket(p), NULL, "Missing close bracket on splat index",
			    "The star for a full splat operator must be immediately followed by a "
			    "closing bracket (\"]\").");
		return source;
	}
	parser_read(p);

	struct range marker = range_between(parser_range(p, open), parser_range(p, close));

	return new_splat(p, source, marker, parser_node(p, EXPR_SPLAT_ITEM, marker), true);
}

/* `[key]` or `[*]` */
static struct expr *parse_bracket(struct parser *p, struct expr *object)
{
	bool newlines = p->newlines;
	struct token open = parser_read(p);

	if (parser_next_is(p, TOKEN_STAR))
		return parse_full_splat(p, object, open);
	p->newlines = false;

	struct expr *key = parser_expression(p);
	struct token close = parser_peek(p);

	if (!p->failed && close.kind != TOKEN_CBRACK)
		parser_fail(p, find_close_bracket(p), NULL, "Missing close bracket on index",
			    "The index operator must end with a closing bracket (\"]\").");
	if (!p->failed)
		parser_read(p);
	p->newlines = newlines;
	if (p->failed)
		return object;
	return new_index(p, object, key,
			 range_between(parser_range(p, open), parser_range(p, close)));
}

/* Everything after a full splat belongs to each of its elements. */
static struct expr *continue_full_splat(struct parser *p, struct expr *splat)
{
	if (p->failed || !parser_enter(p))
		return splat;

	struct expr *each = parse_traversal(p, splat->splat.each);

	parser_leave(p);
	return new_splat(p, splat->splat.source, splat->splat.marker, each, true);
}

static struct expr *parse_traversal(struct parser *p, struct expr *e)
{
	while (!p->failed) {
		struct token next = parser_peek(p);

		if (next.kind == TOKEN_DOT)
			e = parse_dot(p, e);
		else if (next.kind == TOKEN_OBRACK)
			e = parse_bracket(p, e);
		else
			break;
		if (e->kind == EXPR_SPLAT && e->splat.is_full && next.kind == TOKEN_OBRACK)
			return continue_full_splat(p, e);
	}
	return e;
}

struct expr *parser_operand(struct parser *p)
{
	struct expr *e = parser_term(p);

	return parse_traversal(p, e);
}
