/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, arguments and blocks, and how to go on after a mistake (language.md 2). */
#include "lang/parser_state.h"

#include "base/alloc.h"
#include "base/map.h"

VEC_DECLARE(body_items, struct body_item);
VEC_DECLARE(label_list, struct str);
VEC_DECLARE(range_list, struct range);

enum { FEW_ARGUMENTS = 16 };

struct body_parser {
	struct parser *p;
	struct body_items items;
	struct map names; /* of arguments, once there are more than a few */
};

static const char argument_required[] = "Argument or block definition required";
static const char item_expected[] = "An argument or block definition is required here.";
static const char equals_hint[] =
	" To set an argument, use the equals sign \"=\" to introduce the argument value.";

/* --- recovery ----------------------------------------------------------- */

static enum token_kind opener_of(enum token_kind close)
{
	switch ((int)close) {
	case TOKEN_CBRACE:
		return TOKEN_OBRACE;
	case TOKEN_CBRACK:
		return TOKEN_OBRACK;
	case TOKEN_CPAREN:
		return TOKEN_OPAREN;
	case TOKEN_CQUOTE:
	case TOKEN_QUOTED_NEWLINE: /* whatever the lexer makes of it, the line is over */
		return TOKEN_OQUOTE;
	case TOKEN_CHEREDOC:
		return TOKEN_OHEREDOC;
	case TOKEN_SEQ_END:
		return TOKEN_INTERP;
	}
	return TOKEN_EOF;
}

VEC_DECLARE(kind_list, enum token_kind);

/* False: a closing brace of an enclosing block. */
static bool track_bracket(struct kind_list *open, enum token_kind kind)
{
	enum token_kind opener = opener_of(kind);

	switch ((int)kind) {
	case TOKEN_OBRACE:
	case TOKEN_OBRACK:
	case TOKEN_OPAREN:
	case TOKEN_OQUOTE:
	case TOKEN_OHEREDOC:
	case TOKEN_INTERP:
		*vec_push(open) = kind;
		return true;
	case TOKEN_CONTROL:
		*vec_push(open) = TOKEN_INTERP;
		return true;
	}
	if (opener == TOKEN_EOF)
		return true;

	size_t n = open->len;

	while (n > 0 && open->items[n - 1] != opener)
		n--;
	if (n > 0)
		open->len = n - 1;
	return n > 0 || kind != TOKEN_CBRACE;
}

/* Skips the item that starts at token `start`, at least past the mistake. */
static void skip_item(struct parser *p, size_t start)
{
	struct kind_list open = { 0 };
	size_t mistake = p->at;

	if (p->aborted)
		return;
	p->newlines = true;
	if (p->tokens.items[mistake].kind == TOKEN_EOF) {
		p->failed = false;
		return;
	}
	p->at = start;
	for (;;) {
		struct token t = parser_peek(p);

		if (t.kind == TOKEN_EOF)
			break;
		if (!track_bracket(&open, t.kind) && p->at >= mistake && p->at > start)
			break;
		parser_read(p);
		bool newline = t.kind == TOKEN_NEWLINE || t.kind == TOKEN_QUOTED_NEWLINE;

		if (newline && open.len == 0 && p->at > mistake)
			break;
	}
	vec_release(&open);
	p->failed = false;
}

/* --- arguments ---------------------------------------------------------- */

static const struct attribute *find_argument(struct body_parser *bp, struct str name)
{
	if (bp->names.len)
		return map_get(&bp->names, name.p);
	for (size_t i = 0; i < bp->items.len; i++) {
		const struct body_item *item = &bp->items.items[i];

		if (!item->is_block && str_eq(item->attribute->name, name))
			return item->attribute;
	}
	return NULL;
}

static void remember_arguments(struct body_parser *bp, struct attribute *a)
{
	if (bp->names.len == 0 && bp->items.len > FEW_ARGUMENTS)
		for (size_t i = 0; i < bp->items.len; i++)
			if (!bp->items.items[i].is_block)
				map_set(&bp->names, bp->items.items[i].attribute->name.p,
					bp->items.items[i].attribute);
	if (bp->names.len)
		map_set(&bp->names, a->name.p, a);
}

static void add_argument(struct body_parser *bp, struct attribute *a)
{
	const struct attribute *before = find_argument(bp, a->name);

	if (before) {
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;

		range_format(&at, before->name_range);
		parser_report(bp->p, a->name_range, "Attribute redefined",
			      "The argument \"%s\" was already set at %s. Each argument may be set "
			      "only once.",
			      a->name.p, at.buf);
		return;
	}
	vec_push(&bp->items)->attribute = a;
	remember_arguments(bp, a);
}

static void end_argument(struct parser *p, struct range from)
{
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);
	struct range context = range_between(from, at);

	if (t.kind == TOKEN_COMMA)
		parser_fail(p, at, &context, "Unexpected comma after argument",
			    "Argument definitions must be separated by newlines, not commas. An "
			    "argument definition must end with a newline.");
	else if (t.kind != TOKEN_NEWLINE && t.kind != TOKEN_EOF)
		parser_fail(p, at, &context, "Missing newline after argument",
			    "An argument definition must end with a newline.");
	if (!p->failed)
		parser_read(p);
}

/* The name has been read; `=` is next. */
static void parse_argument(struct body_parser *bp, struct token name, bool one_line)
{
	struct parser *p = bp->p;
	struct attribute *a = ARENA_NEW(p->arena, struct attribute);

	a->name = parser_name(p, name);
	a->name_range = parser_range(p, name);
	a->equals_range = parser_range(p, parser_read(p));
	a->expr = parser_expression(p);
	a->range = range_between(a->name_range, a->expr->range);
	add_argument(bp, a);
	if (!one_line && !p->failed)
		end_argument(p, a->name_range);
}

/* --- blocks ------------------------------------------------------------- */

/* A label in quotes; reads up to the closing quote. */
static struct str parse_label(struct parser *p, struct range *ret)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct range open = parser_range(p, parser_read(p));
	struct token t;

	for (;;) {
		t = parser_peek(p);
		if (t.kind != TOKEN_QUOTED_LIT)
			break;
		parser_read(p);
		parser_literal(p, t, &text);
	}

	struct range at = parser_range(p, t);
	struct range context = range_between(open, at);

	if (t.kind == TOKEN_INTERP || t.kind == TOKEN_CONTROL) {
		char sign = p->src->text[t.start];

		parser_fail(p, at, &context, "Invalid string literal",
			    "Template sequences are not allowed in this string. To include a "
			    "literal \"%c\", double it (as \"%c%c\") to escape it.",
			    sign, sign, sign);
	} else if (t.kind == TOKEN_EOF) {
		parser_fail(p, at, &context, "Unterminated string literal",
			    "Unable to find the closing quote mark before the end of the file.");
	} else if (t.kind != TOKEN_CQUOTE) {
		parser_fail(p, at, &context, "Invalid string literal",
			    "This item is not valid in a string literal.");
	} else {
		parser_read(p);
	}
	*ret = context;
	return (struct str){ arena_strndup(p->arena, text.buf, text.len), text.len };
}

static void fail_header(struct parser *p, struct range from)
{
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);
	struct range context = range_between(from, at);
	const char *detail = "Either a quoted string block label or an opening brace (\"{\") is "
			     "expected here.";

	if (t.kind == TOKEN_EQUAL)
		detail = "The equals sign \"=\" indicates an argument definition, and must not be "
			 "used when defining a block.";
	else if (t.kind == TOKEN_NEWLINE)
		detail = "A block definition must have block content delimited by \"{\" and \"}\", "
			 "starting on the same line as the block header.";
	parser_fail(p, at, &context, "Invalid block definition", "%s", detail);
}

/* Labels, up to the opening brace. */
static void parse_header(struct parser *p, struct block *b)
{
	struct label_list labels = { 0 };
	struct range_list ranges = { 0 };

	b->header = b->type_range;
	while (!p->failed && !parser_next_is(p, TOKEN_OBRACE)) {
		struct range at = parser_range(p, parser_peek(p));
		struct str label;

		if (parser_next_is(p, TOKEN_OQUOTE)) {
			label = parse_label(p, &at);
		} else if (parser_next_is(p, TOKEN_IDENT)) {
			label = parser_name(p, parser_read(p));
		} else {
			fail_header(p, b->type_range);
			break;
		}
		*vec_push(&labels) = label;
		*vec_push(&ranges) = at;
		b->header.end = at.end;
	}
	b->label_count = labels.len;
	b->labels = ARENA_ARRAY(p->arena, struct str, labels.len + 1);
	b->label_ranges = ARENA_ARRAY(p->arena, struct range, labels.len + 1);
	for (size_t i = 0; i < labels.len; i++) {
		b->labels[i] = labels.items[i];
		b->label_ranges[i] = ranges.items[i];
	}
	vec_release(&labels);
	vec_release(&ranges);
}

static struct body *finish_body(struct body_parser *bp, struct range range)
{
	struct parser *p = bp->p;
	struct body *b = ARENA_NEW(p->arena, struct body);

	b->ops = &native_body_ops;
	b->range = range;
	b->missing = (struct range){ range.source, range.start, range.start };
	b->len = bp->items.len;
	b->items = ARENA_ARRAY(p->arena, struct body_item, b->len + 1);
	for (size_t i = 0; i < b->len; i++)
		b->items[i] = bp->items.items[i];
	vec_release(&bp->items);
	map_release(&bp->names);
	return b;
}

static void fail_one_line(struct parser *p, const struct block *b)
{
	static const char summary[] = "Invalid single-argument block definition";
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);
	struct range context = range_between(b->type_range, b->open_brace);

	if (t.kind == TOKEN_EOF)
		parser_fail(p, b->open_brace, &context, "Unclosed configuration block",
			    "There is no closing brace for this block before the end of the file. "
			    "This may be caused by incorrect brace nesting elsewhere in this "
			    "file.");
	else if (t.kind == TOKEN_COMMA)
		parser_fail(p, at, NULL, summary,
			    "Single-line block syntax can include only one argument definition. To "
			    "define multiple arguments, use the multi-line block syntax with one "
			    "argument definition per line.");
	else if (t.kind == TOKEN_NEWLINE)
		parser_fail(p, at, NULL, summary,
			    "An argument definition on the same line as its containing block "
			    "creates a single-line block definition, which must also be closed on "
			    "the same line. Place the block's closing brace immediately after the "
			    "argument definition.");
	else
		parser_fail(p, at, NULL, summary,
			    "A single-line block definition must end with a closing brace "
			    "immediately after its single argument definition.");
}

/* `name = value` between the braces of one line. Stops at the closing brace. */
static struct body *parse_one_line_body(struct parser *p, const struct block *b)
{
	struct body_parser bp = { .p = p };
	struct token name = parser_peek(p);
	struct range at = parser_range(p, name);

	if (name.kind != TOKEN_IDENT) {
		parser_fail(p, at, NULL, argument_required, "%s", item_expected);
		return finish_body(&bp, at);
	}
	parser_read(p);

	enum token_kind next = parser_peek(p).kind;

	if (next == TOKEN_EQUAL) {
		parse_argument(&bp, name, true);
		if (!parser_next_is(p, TOKEN_CBRACE))
			fail_one_line(p, b);
		if (bp.items.len)
			at = bp.items.items[0].attribute->range;
	} else if (next == TOKEN_OQUOTE || next == TOKEN_OBRACE || next == TOKEN_IDENT) {
		/* Named as a person would see it: `b {` and what follows. */
		at = range_between(at, parser_range(p, parser_peek(p)));
		parser_fail(p, at, NULL, "Argument definition required",
			    "A single-line block definition can contain only a single argument. If "
			    "you meant to define argument \"%.*s\", use an equals sign to assign "
			    "it a value. To define a nested block, place it on a line of its own "
			    "within its parent block.",
			    STR_FMT(parser_text(p, name)));
	} else {
		parser_fail(p, at, NULL, argument_required, "%s%s", item_expected, equals_hint);
	}
	return finish_body(&bp, at);
}

static void parse_items(struct body_parser *bp, enum token_kind end);

/* After the opening brace, through the closing one. */
static void parse_block_body(struct parser *p, struct block *b)
{
	struct token next = parser_peek(p);

	if (next.kind == TOKEN_NEWLINE || next.kind == TOKEN_EOF || next.kind == TOKEN_CBRACE) {
		struct body_parser bp = { .p = p };

		if (parser_enter(p)) {
			parse_items(&bp, TOKEN_CBRACE);
			parser_leave(p);
		}
		b->body = finish_body(&bp, b->open_brace);
		/* After earlier mistakes a missing brace is most likely their echo. */
		if (!parser_next_is(p, TOKEN_CBRACE)) {
			p->failed |= p->diags->errors > p->errors_before;
			parser_fail(p, b->open_brace, NULL, "Unclosed configuration block",
				    "There is no closing brace for this block before the end of "
				    "the file. This may be caused by incorrect brace nesting "
				    "elsewhere in this file.");
		}
	} else {
		b->body = parse_one_line_body(p, b);
	}
	b->close_brace = parser_range(p, parser_peek(p));
	if (!p->failed)
		parser_read(p);
	if (next.kind == TOKEN_NEWLINE || next.kind == TOKEN_EOF || next.kind == TOKEN_CBRACE)
		b->body->range = range_between(b->open_brace, b->close_brace);
	b->body->missing = (struct range){ p->src, b->body->range.start, b->body->range.start };
}

/* The type has been read. */
static void parse_block(struct body_parser *bp, struct token type)
{
	struct parser *p = bp->p;
	struct block *b = ARENA_NEW(p->arena, struct block);

	b->type = parser_name(p, type);
	b->type_range = parser_range(p, type);
	parse_header(p, b);
	b->range = b->header;
	if (p->failed)
		return;
	b->open_brace = parser_range(p, parser_read(p));
	parse_block_body(p, b);
	b->range = range_between(b->type_range, b->close_brace);

	struct body_item *item = vec_push(&bp->items);

	item->is_block = true;
	item->block = b;
	if (p->failed)
		return;

	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);
	struct range context = range_between(b->type_range, at);

	if (t.kind != TOKEN_NEWLINE && t.kind != TOKEN_EOF)
		parser_fail(p, at, &context, "Missing newline after block definition",
			    "A block definition must end with a newline.");
	else
		parser_read(p);
}

/* --- bodies ------------------------------------------------------------- */

static void parse_item(struct body_parser *bp)
{
	struct parser *p = bp->p;
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);

	if (t.kind == TOKEN_OQUOTE) {
		parser_fail(p, at, NULL, "Invalid argument name",
			    "Argument names must not be quoted.");
		return;
	}
	if (t.kind != TOKEN_IDENT) {
		parser_fail(p, at, NULL, argument_required, "%s", item_expected);
		return;
	}
	parser_read(p);

	enum token_kind next = parser_peek(p).kind;

	if (next == TOKEN_EQUAL)
		parse_argument(bp, t, false);
	else if (next == TOKEN_OQUOTE || next == TOKEN_OBRACE || next == TOKEN_IDENT)
		parse_block(bp, t);
	else
		parser_fail(p, at, NULL, argument_required, "%s%s", item_expected, equals_hint);
}

static void parse_items(struct body_parser *bp, enum token_kind end)
{
	struct parser *p = bp->p;

	while (!p->aborted) {
		enum token_kind next = parser_peek(p).kind;
		size_t start = p->at;

		if (next == end || next == TOKEN_EOF)
			return;
		if (next == TOKEN_NEWLINE) {
			parser_read(p);
			continue;
		}
		parse_item(bp);
		if (p->failed)
			skip_item(p, start);
	}
}

struct body *parser_body(struct parser *p, enum token_kind end)
{
	struct body_parser bp = { .p = p };
	struct range from = parser_range(p, parser_peek(p));
	struct range to = parser_range(p, p->tokens.items[p->tokens.len - 1]);

	parse_items(&bp, end);
	return finish_body(&bp, range_between(from, to));
}
