/* SPDX-License-Identifier: Apache-2.0 */
/* Terms: literals, names, calls, parentheses, tuples, objects (language.md 3). */
#include "lang/parser_state.h"

#include "base/alloc.h"

VEC_DECLARE(expr_list, struct expr *);
VEC_DECLARE(item_list, struct object_item);

static struct expr *invalid(struct parser *p, struct range at)
{
	return parser_node(p, EXPR_INVALID, at);
}

/* Moves a list from the heap into the arena. */
static void *settle(struct parser *p, void *items, size_t len, size_t size)
{
	void *copy = arena_alloc(p->arena, len * size + 1);

	if (len)
		memcpy(copy, items, len * size);
	free(items);
	return copy;
}

static bool is_number(struct str s)
{
	size_t i = 0, dots = 0;

	for (; i < s.len && s.p[i] != 'e' && s.p[i] != 'E'; i++)
		dots += s.p[i] == '.';
	if (dots > 1)
		return false;
	if (i < s.len) {
		i++;
		if (s.p[i] == '+' || s.p[i] == '-')
			i++;
		for (; i < s.len; i++)
			if (s.p[i] < '0' || s.p[i] > '9')
				return false;
	}
	return true;
}

static struct expr *parse_number(struct parser *p)
{
	struct token t = parser_peek(p);
	struct expr *e = parser_node(p, EXPR_NUMBER, parser_range(p, t));

	e->text = parser_name(p, t);
	if (!is_number(e->text)) {
		parser_fail(p, e->range, NULL, "Invalid number literal",
			    "Failed to recognize the value of this number literal.");
		e->kind = EXPR_INVALID;
	}
	parser_read(p);
	return e;
}

/* --- calls -------------------------------------------------------------- */

/* `a::b::c`; the first name has been read. */
static struct str parse_namespaced(struct parser *p, struct token first)
{
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;
	struct range from = parser_range(p, first);
	struct str part = parser_text(p, first);

	strbuf_add(&name, part.p, part.len);
	while (parser_next_is(p, TOKEN_DOUBLE_COLON)) {
		parser_read(p);

		struct token t = parser_peek(p);

		if (t.kind != TOKEN_IDENT) {
			struct range at = parser_range(p, t);
			struct range context = range_between(from, at);

			parser_fail(p, at, &context, "Missing function name",
				    "Function scope resolution symbol :: must be followed by a "
				    "function name in this scope.");
			break;
		}
		part = parser_text(p, parser_read(p));
		strbuf_addstr(&name, "::");
		strbuf_add(&name, part.p, part.len);
	}
	return (struct str){ arena_strndup(p->arena, name.buf, name.len), name.len };
}

static void fail_argument(struct parser *p, struct range name, struct range open, struct token sep)
{
	struct range at = parser_range(p, sep);
	struct range context = range_between(name, at);

	if (sep.kind == TOKEN_EOF)
		parser_fail(p, range_between(name, open), NULL, "Unterminated function call",
			    "There is no closing parenthesis for this function call before the "
			    "end of the file. This may be caused by incorrect parenthesis nesting "
			    "elsewhere in this file.");
	else
		parser_fail(p, at, &context, "Missing argument separator",
			    "A comma is required to separate each function argument from the "
			    "next.");
}

/* After the opening parenthesis. Leaves the closing one to be read. */
static void parse_arguments(struct parser *p, struct expr *call, struct expr_list *args)
{
	struct range name = call->call.name_range;

	while (!p->failed && !parser_next_is(p, TOKEN_CPAREN)) {
		struct expr *arg = parser_expression(p);

		*vec_push(args) = arg;
		parser_adopt(p, call, arg);
		if (p->failed)
			return;

		struct token sep = parser_peek(p);

		if (sep.kind == TOKEN_ELLIPSIS) {
			struct range at = parser_range(p, parser_read(p));
			struct range context = range_between(name, at);

			call->call.expand_last = true;
			if (!parser_next_is(p, TOKEN_CPAREN))
				parser_fail(p, at, &context, "Missing closing parenthesis",
					    "An expanded function argument (with ...) must be "
					    "immediately followed by closing parentheses.");
		} else if (sep.kind == TOKEN_COMMA) {
			parser_read(p);
		} else if (sep.kind != TOKEN_CPAREN) {
			fail_argument(p, name, call->call.open, sep);
		}
	}
}

static struct expr *parse_call(struct parser *p, struct token first)
{
	struct expr *e = parser_node(p, EXPR_CALL, parser_range(p, first));
	bool newlines = p->newlines;
	struct expr_list args = { 0 };

	e->call.name = parse_namespaced(p, first);
	e->call.name_range = e->range;
	if (!p->failed)
		e->call.name_range = range_between(e->range, parser_previous_range(p));

	struct range open = parser_range(p, parser_peek(p));
	struct range context = range_between(e->range, open);

	if (!parser_next_is(p, TOKEN_OPAREN))
		parser_fail(p, open, &context, "Missing open parenthesis",
			    "Function selector must be followed by an open parenthesis to begin "
			    "the function call.");
	if (p->failed)
		return invalid(p, e->range);
	parser_read(p);
	e->call.open = open;
	p->newlines = false;
	parse_arguments(p, e, &args);
	e->call.close = parser_range(p, parser_peek(p));
	if (!p->failed)
		parser_read(p);
	p->newlines = newlines;
	e->range = range_between(e->range, e->call.close);
	e->call.len = args.len;
	e->call.args = settle(p, args.items, args.len, sizeof(*args.items));
	return e;
}

static struct expr *parse_name(struct parser *p)
{
	struct token t = parser_read(p);
	struct str name = parser_text(p, t);
	struct range at = parser_range(p, t);
	struct expr *e;

	if (parser_next_is(p, TOKEN_OPAREN) || parser_next_is(p, TOKEN_DOUBLE_COLON))
		return parse_call(p, t);
	if (str_is(name, "true") || str_is(name, "false")) {
		e = parser_node(p, EXPR_BOOL, at);
		e->boolean = name.p[0] == 't';
		return e;
	}
	if (str_is(name, "null"))
		return parser_node(p, EXPR_NULL, at);
	e = parser_node(p, EXPR_VARIABLE, at);
	e->variable.name = parser_name(p, t);
	e->variable.name_range = at;
	return e;
}

/* --- brackets ----------------------------------------------------------- */

static struct expr *parse_parens(struct parser *p)
{
	bool newlines = p->newlines;
	struct range open = parser_range(p, parser_read(p));

	p->newlines = false;

	struct expr *inner = parser_expression(p);
	struct range close = parser_range(p, parser_peek(p));
	struct range context = range_between(open, close);

	if (!parser_next_is(p, TOKEN_CPAREN))
		parser_fail(p, close, &context, "Unbalanced parentheses",
			    "Expected a closing parenthesis to terminate the expression.");
	if (!p->failed)
		parser_read(p);
	p->newlines = newlines;

	struct expr *e = parser_node(p, EXPR_PARENS, context);

	e->operand = inner;
	parser_adopt(p, e, inner);
	return e;
}

static void parse_tuple_items(struct parser *p, struct expr *tuple, struct range open,
			      struct expr_list *items)
{
	while (!p->failed && !parser_next_is(p, TOKEN_CBRACK)) {
		struct expr *item = parser_expression(p);
		struct token next = parser_peek(p);
		struct range at = parser_range(p, next);
		struct range context = range_between(open, at);

		*vec_push(items) = item;
		parser_adopt(p, tuple, item);
		if (p->failed || next.kind == TOKEN_CBRACK)
			return;
		if (next.kind == TOKEN_EOF)
			parser_fail(p, open, NULL, "Unterminated tuple constructor expression",
				    "There is no corresponding closing bracket before the end of "
				    "the file. This may be caused by incorrect bracket nesting "
				    "elsewhere in this file.");
		else if (next.kind != TOKEN_COMMA)
			parser_fail(p, at, &context, "Missing item separator",
				    "Expected a comma to mark the beginning of the next item.");
		else
			parser_read(p);
	}
}

static struct expr *parse_tuple(struct parser *p)
{
	bool newlines = p->newlines;
	struct token open = parser_read(p);
	struct expr *e;

	p->newlines = false;
	if (parser_next_is_word(p, "for")) {
		e = parser_for(p, open);
	} else {
		struct expr_list items = { 0 };

		e = parser_node(p, EXPR_TUPLE, parser_range(p, open));
		parse_tuple_items(p, e, e->range, &items);
		e->range = range_between(e->range, parser_range(p, parser_peek(p)));
		if (!p->failed)
			parser_read(p);
		e->tuple.len = items.len;
		e->tuple.items = settle(p, items.items, items.len, sizeof(*items.items));
	}
	p->newlines = newlines;
	return e;
}

/* A name with steps that are all known without evaluating anything. */
static bool is_static_traversal(const struct expr *e)
{
	for (;;) {
		if (e->kind == EXPR_ATTR) {
			e = e->attr.object;
		} else if (e->kind == EXPR_INDEX) {
			const struct expr *key = e->index.key;

			if (key->kind != EXPR_NUMBER &&
			    (key->kind != EXPR_TEMPLATE || key->template->len != 1 ||
			     key->template->parts[0].kind != PART_LITERAL))
				return false;
			e = e->index.object;
		} else {
			return e->kind == EXPR_VARIABLE;
		}
	}
}

/* A bare word as a key is that word as a string. */
static void classify_key(struct parser *p, struct object_item *item)
{
	struct expr *key = item->key;

	if (key->kind == EXPR_VARIABLE || key->kind == EXPR_BOOL || key->kind == EXPR_NULL) {
		struct template *t = ARENA_NEW(p->arena, struct template);
		struct str word = range_text(key->range);

		t->parts = ARENA_NEW(p->arena, struct template_part);
		t->len = 1;
		t->is_quoted = true;
		t->range = key->range;
		t->parts[0] = (struct template_part){
			.kind = PART_LITERAL,
			.range = key->range,
			.literal = { arena_strndup(p->arena, word.p, word.len), word.len },
		};
		item->key = parser_node(p, EXPR_TEMPLATE, key->range);
		item->key->template = t;
		item->key_is_bare = true;
	} else if (key->kind == EXPR_ATTR || key->kind == EXPR_INDEX) {
		item->key_is_ambiguous = is_static_traversal(key);
	}
}

static void fail_unterminated_object(struct parser *p, struct range open)
{
	parser_fail(p, open, NULL, "Unterminated object constructor expression",
		    "There is no corresponding closing brace before the end of the file. This may "
		    "be caused by incorrect brace nesting elsewhere in this file.");
}

static void fail_key_separator(struct parser *p, struct range open, struct token next)
{
	struct range at = parser_range(p, next);
	struct range context = range_between(open, at);

	if (next.kind == TOKEN_EOF)
		fail_unterminated_object(p, open);
	else if (next.kind == TOKEN_NEWLINE || next.kind == TOKEN_COMMA)
		parser_fail(p, at, &context, "Missing attribute value",
			    "Expected an attribute value, introduced by an equals sign (\"=\").");
	else
		parser_fail(p, at, &context, "Missing key/value separator",
			    "Expected an equals sign (\"=\") to mark the beginning of the "
			    "attribute value.%s",
			    next.kind == TOKEN_IDENT
				    ? " If you intended to given an attribute name containing "
				      "periods or spaces, write the name in quotes to create a "
				      "string literal."
				    : "");
}

/* One `key = value`, with the separator after it. */
static void parse_object_item(struct parser *p, struct expr *object, struct object_item *item)
{
	struct range open = object->object.open;

	item->key = parser_expression(p);
	item->value = item->key;
	if (p->failed)
		return;

	struct token next = parser_peek(p);

	if (next.kind != TOKEN_EQUAL && next.kind != TOKEN_COLON) {
		fail_key_separator(p, open, next);
		return;
	}
	parser_read(p);
	classify_key(p, item);
	item->value = parser_expression(p);
	parser_adopt(p, object, item->key);
	parser_adopt(p, object, item->value);
	next = parser_peek(p);

	struct range at = parser_range(p, next);
	struct range context = range_between(open, at);

	if (p->failed || next.kind == TOKEN_CBRACE)
		return;
	if (next.kind == TOKEN_EOF)
		fail_unterminated_object(p, open);
	else if (next.kind != TOKEN_COMMA && next.kind != TOKEN_NEWLINE)
		parser_fail(p, at, &context, "Missing attribute separator",
			    "Expected a newline or comma to mark the beginning of the next "
			    "attribute.");
	else
		parser_read(p);
}

static struct expr *parse_object(struct parser *p)
{
	bool newlines = p->newlines;
	struct token open = parser_read(p);
	struct item_list items = { 0 };
	struct expr *e;

	p->newlines = false;
	if (parser_next_is_word(p, "for")) {
		e = parser_for(p, open);
		p->newlines = newlines;
		return e;
	}
	p->newlines = true;
	e = parser_node(p, EXPR_OBJECT, parser_range(p, open));
	e->object.open = e->range;
	while (!p->failed && !parser_next_is(p, TOKEN_CBRACE)) {
		if (parser_next_is(p, TOKEN_NEWLINE))
			parser_read(p);
		else
			parse_object_item(p, e, vec_push(&items));
	}
	e->range = range_between(e->range, parser_range(p, parser_peek(p)));
	if (!p->failed)
		parser_read(p);
	p->newlines = newlines;
	e->object.len = items.len;
	e->object.items = settle(p, items.items, items.len, sizeof(*items.items));
	return e;
}

/* --- terms -------------------------------------------------------------- */

static struct expr *parse_unary(struct parser *p)
{
	struct token symbol = parser_read(p);
	struct range at = parser_range(p, symbol);

	if (!parser_enter(p))
		return invalid(p, at);

	struct expr *operand = parser_operand(p);
	struct expr *e = parser_node(p, EXPR_UNARY, range_between(at, operand->range));

	parser_leave(p);
	e->op.op = symbol.kind == TOKEN_BANG ? OP_NOT : OP_NEGATE;
	e->op.left = operand;
	e->op.symbol = at;
	parser_adopt(p, e, operand);
	return e;
}

struct expr *parser_term(struct parser *p)
{
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);

	switch ((int)t.kind) {
	case TOKEN_OPAREN:
		return parse_parens(p);
	case TOKEN_NUMBER:
		return parse_number(p);
	case TOKEN_IDENT:
		return parse_name(p);
	case TOKEN_OQUOTE:
		return parser_template(p, TOKEN_CQUOTE);
	case TOKEN_OHEREDOC:
		return parser_template(p, TOKEN_CHEREDOC);
	case TOKEN_MINUS:
	case TOKEN_BANG:
		return parse_unary(p);
	case TOKEN_OBRACK:
		return parse_tuple(p);
	case TOKEN_OBRACE:
		return parse_object(p);
	case TOKEN_EOF:
		parser_fail(p, at, NULL, "Missing expression",
			    "Expected the start of an expression, but found the end of the file.");
		break;
	default:
		parser_fail(p, at, NULL, "Invalid expression",
			    "Expected the start of an expression, but found an invalid expression "
			    "token.");
	}
	return invalid(p, at);
}
