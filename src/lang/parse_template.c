/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quoted strings, heredocs and bare templates (language.md 4). First a flat
 * list of pieces, one per literal token or sequence: strip markers and the
 * flush of `<<-` work on tokens. Then the pieces become a tree.
 */
#include "lang/parser_state.h"

#include "base/alloc.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <string.h>

enum piece_kind {
	PIECE_LITERAL,
	PIECE_INTERPOLATION,
	PIECE_IF,
	PIECE_ELSE,
	PIECE_ENDIF,
	PIECE_FOR,
	PIECE_ENDFOR,
	PIECE_BROKEN, /* was reported */
};

struct piece {
	enum piece_kind kind;
	struct range range;
	struct str literal;
	struct expr *expr;
	struct str key_name, value_name;
};

struct template_parser {
	struct parser *p;
	enum token_kind end;
	VEC_DECLARE(, struct piece) pieces;
	VEC_DECLARE(part_list, struct template_part) parts; /* a stack shared by all levels */
	size_t at;                                          /* next piece to put into the tree */
	int level, deepest;                                 /* of directives */
	bool trim_next;                                     /* the sequence before ended in `~}` */
	struct range first; /* the first token: where some messages begin */
	struct range end_range;
	struct expr *node;
};

static const char *const keywords[] = { "if", "for", "else", "endif", "endfor", NULL };
static const enum piece_kind keyword_kinds[] = { PIECE_IF, PIECE_FOR, PIECE_ELSE, PIECE_ENDIF,
						 PIECE_ENDFOR };

/* --- pieces ------------------------------------------------------------- */

static void read_literal(struct template_parser *tp)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct parser *p = tp->p;
	struct token t = parser_read(p);
	struct piece *piece = vec_push(&tp->pieces);

	parser_literal(p, t, &text);

	struct str s = { text.buf, text.len };

	if (tp->trim_next)
		s = space_trim_left(s);
	piece->kind = PIECE_LITERAL;
	piece->range = parser_range(p, t);
	piece->literal = (struct str){ arena_strndup(p->arena, s.p, s.len), s.len };
	tp->trim_next = false;
}

/* Starts a sequence: handles its `~` and its line mode. */
static struct token open_sequence(struct template_parser *tp)
{
	struct token t = parser_read(tp->p);

	if (t.end - t.start == 3 && tp->pieces.len > 0) {
		struct piece *last = &tp->pieces.items[tp->pieces.len - 1];

		if (last->kind == PIECE_LITERAL)
			last->literal = space_trim_right(last->literal);
	}
	tp->trim_next = false;
	return t;
}

static void close_sequence(struct template_parser *tp)
{
	struct token t = parser_read(tp->p);

	tp->trim_next = t.end - t.start == 2;
}

static void fail_interpolation(struct template_parser *tp, struct token next)
{
	struct parser *p = tp->p;
	struct range at = parser_range(p, next);
	struct range context = range_between(tp->first, at);
	bool quote =
		tp->end == TOKEN_CQUOTE && (next.kind == TOKEN_CQUOTE || next.kind == TOKEN_OQUOTE);

	if (next.kind == TOKEN_EOF || quote)
		parser_fail(p, tp->first, NULL, "Unclosed template interpolation sequence",
			    "There is no closing brace for this interpolation sequence before the "
			    "end of the %s. This might be caused by incorrect nesting inside the "
			    "given expression.",
			    quote ? "quoted template" : "file");
	else if (next.kind == TOKEN_COLON)
		parser_fail(p, at, &context, "Extra characters after interpolation expression",
			    "Template interpolation doesn't expect a colon at this location. Did "
			    "you intend this to be a literal sequence to be processed as part of "
			    "another language? If so, you can escape it by starting with \"$${\" "
			    "instead of just \"${\".");
	else
		parser_fail(p, at, &context, "Extra characters after interpolation expression",
			    "Expected a closing brace to end the interpolation expression, but "
			    "found extra characters.\n\nThis can happen when you include "
			    "interpolation syntax for another language, such as shell scripting, "
			    "but forget to escape the interpolation start token. If this is an "
			    "embedded sequence for another language, escape it by starting with "
			    "\"$${\" instead of just \"${\".");
}

static void read_interpolation(struct template_parser *tp)
{
	struct parser *p = tp->p;
	struct range open = parser_range(p, open_sequence(tp));
	struct expr *e = parser_expression(p);
	struct token next = parser_peek(p);

	if (next.kind != TOKEN_SEQ_END)
		fail_interpolation(tp, next);

	struct piece *piece = vec_push(&tp->pieces);

	piece->kind = PIECE_INTERPOLATION;
	piece->expr = e;
	piece->range = range_between(open, parser_range(p, next));
	parser_adopt(p, tp->node, e);
	if (!p->failed)
		close_sequence(tp);
}

static void fail_directive(struct parser *p, const char *detail)
{
	parser_fail(p, parser_range(p, parser_peek(p)), NULL, "Invalid 'for' directive", "%s",
		    detail);
}

static void read_for_directive(struct template_parser *tp, struct piece *piece)
{
	struct parser *p = tp->p;

	if (!parser_next_is(p, TOKEN_IDENT)) {
		fail_directive(p, "For directive requires variable name after 'for'.");
		return;
	}
	piece->value_name = parser_name(p, parser_read(p));
	if (parser_next_is(p, TOKEN_COMMA)) {
		parser_read(p);
		piece->key_name = piece->value_name;
		if (!parser_next_is(p, TOKEN_IDENT)) {
			fail_directive(p,
				       "For directive requires value variable name after comma.");
			return;
		}
		piece->value_name = parser_name(p, parser_read(p));
	}
	if (!parser_next_is_word(p, "in")) {
		fail_directive(p, "For directive requires 'in' keyword after names.");
		return;
	}
	parser_read(p);
	piece->expr = parser_expression(p);
	parser_adopt(p, tp->node, piece->expr);
}

/* The word after `%{`; false after failing. */
static bool read_keyword(struct parser *p, struct range open, size_t *ret_keyword)
{
	struct token t = parser_peek(p);
	struct range at = parser_range(p, t);
	struct range context = range_between(open, at);

	if (t.kind != TOKEN_IDENT) {
		parser_fail(p, at, &context, "Invalid template directive",
			    "A template directive keyword (\"if\", \"for\", etc) is expected at "
			    "the beginning of a %%{ sequence.");
		return false;
	}

	struct str word = parser_name(p, t);

	for (size_t i = 0; keywords[i]; i++) {
		if (str_is(word, keywords[i])) {
			parser_read(p);
			*ret_keyword = i;
			return true;
		}
	}

	const char *near = suggest(word.p, keywords);

	parser_fail(p, at, &context, "Invalid template control keyword",
		    "\"%s\" is not a valid template control keyword.%s%s%s", word.p,
		    near ? " Did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return false;
}

static void fail_extra(struct parser *p, struct range at, const struct range *context,
		       const char *keyword)
{
	AUTO(strbuf) struct strbuf summary = STRBUF_INIT;

	strbuf_addf(&summary, "Extra characters in %s marker", keyword);
	parser_fail(p, at, context, summary.buf,
		    "Expected a closing brace to end the sequence, but found extra characters.");
}

static void read_directive(struct template_parser *tp)
{
	struct parser *p = tp->p;
	struct range open = parser_range(p, open_sequence(tp));
	struct piece piece = { .kind = PIECE_BROKEN };
	size_t keyword;

	if (read_keyword(p, open, &keyword)) {
		piece.kind = keyword_kinds[keyword];
		if (piece.kind == PIECE_IF) {
			piece.expr = parser_expression(p);
			parser_adopt(p, tp->node, piece.expr);
		} else if (piece.kind == PIECE_FOR) {
			read_for_directive(tp, &piece);
		}

		struct range at = parser_range(p, parser_peek(p));
		struct range context = range_between(tp->first, at);

		if (!parser_next_is(p, TOKEN_SEQ_END))
			fail_extra(p, at, &context, keywords[keyword]);
		piece.range = range_between(open, at);
	}
	*vec_push(&tp->pieces) = piece;
	if (!p->failed)
		close_sequence(tp);
}

static void read_pieces(struct template_parser *tp)
{
	struct parser *p = tp->p;

	tp->first = parser_range(p, parser_peek(p));
	while (!p->failed) {
		struct token t = parser_peek(p);
		struct range at = parser_range(p, t);
		struct range context = range_between(tp->first, at);

		tp->end_range = at;
		if (t.kind == tp->end)
			return;
		switch ((int)t.kind) {
		case TOKEN_QUOTED_LIT:
		case TOKEN_STRING_LIT:
			read_literal(tp);
			break;
		case TOKEN_INTERP:
			read_interpolation(tp);
			break;
		case TOKEN_CONTROL:
			read_directive(tp);
			break;
		default:
			parser_fail(p, at, &context, "Unterminated template string",
				    "No closing marker was found for the string.");
		}
	}
}

/* --- flush heredocs ----------------------------------------------------- */

/* Leading white space: bytes in *ret, grapheme clusters returned. */
static size_t leading_space(struct str s, size_t max, size_t *ret)
{
	size_t bytes = 0, count = 0;

	while (count < max) {
		uint32_t cp;

		if (utf8_decode(s.p + bytes, s.len - bytes, &cp) == 0 || !utf8_is_space(cp))
			break;
		bytes += utf8_grapheme(s.p + bytes, s.len - bytes);
		count++;
	}
	*ret = bytes;
	return count;
}

static bool is_blank_line(struct str s)
{
	return s.len > 0 && s.p[s.len - 1] == '\n' && space_trim_left(s).len == 0;
}

/* The piece is the first thing on its line; a newline that was stripped does not count. */
static bool starts_line(const struct template_parser *tp, size_t i)
{
	const struct piece *before = &tp->pieces.items[i ? i - 1 : 0];

	return i == 0 || (before->kind == PIECE_LITERAL && before->literal.len > 0 &&
			  before->literal.p[before->literal.len - 1] == '\n');
}

static void flush(struct template_parser *tp)
{
	size_t least = (size_t)-1, bytes;

	for (size_t i = 0; i < tp->pieces.len; i++) {
		struct piece *piece = &tp->pieces.items[i];

		if (!starts_line(tp, i))
			continue;
		if (piece->kind != PIECE_LITERAL)
			least = 0;
		else if (!is_blank_line(piece->literal))
			least = MIN(least, leading_space(piece->literal, (size_t)-1, &bytes));
	}
	for (size_t i = 0; i < tp->pieces.len; i++) {
		struct piece *piece = &tp->pieces.items[i];

		if (!starts_line(tp, i) || piece->kind != PIECE_LITERAL ||
		    is_blank_line(piece->literal))
			continue;
		piece->range.start.column += (int)leading_space(piece->literal, least, &bytes);
		piece->range.start.byte += bytes;
		piece->literal.p += bytes;
		piece->literal.len -= bytes;
	}
}

/* --- tree --------------------------------------------------------------- */

/* One level of the tree: the whole template, or one arm of a directive. */
struct level {
	const struct piece *opener; /* NULL: the whole template */
	bool in_else;
	struct pos end; /* of the piece that ended it */
};

static struct template *build(struct template_parser *tp, struct level *level);

static void fail_unexpected(struct template_parser *tp, const struct piece *piece,
			    const struct level *level)
{
	AUTO(strbuf) struct strbuf at = STRBUF_INIT;
	AUTO(strbuf) struct strbuf summary = STRBUF_INIT;
	const char *before = "The control directives within this template are unbalanced.";
	const char *after = "";
	const char *name = piece->kind == PIECE_ELSE    ? "else"
			   : piece->kind == PIECE_ENDIF ? "endif"
							: "endfor";

	strbuf_addf(&summary, "Unexpected %s directive", name);
	if (level->opener && piece->kind == PIECE_ELSE && level->opener->kind == PIECE_FOR) {
		before = "An else clause is not expected for a for directive.";
	} else if (level->opener) {
		range_format(&at, level->opener->range);
		after = ".";
		if (level->opener->kind == PIECE_FOR)
			before = "Expecting an endfor directive corresponding to the for "
				 "directive at ";
		else if (piece->kind == PIECE_ELSE)
			before = "Already in the else clause for the if started at ";
		else
			before = "Expecting an endif directive for the if started at ";
	}
	parser_fail(tp->p, piece->range, NULL, summary.buf, "%s%s%s", before, at.buf, after);
}

static void fail_missing_end(struct template_parser *tp, const struct piece *opener)
{
	AUTO(strbuf) struct strbuf at = STRBUF_INIT;
	const char *name = opener->kind == PIECE_IF ? "if" : "for";

	range_format(&at, opener->range);
	parser_fail(tp->p, tp->end_range, NULL, "Unexpected end of template",
		    "The %s directive at %s is missing its corresponding end%s directive.", name,
		    at.buf, name);
}

static void build_directive(struct template_parser *tp, const struct piece *opener,
			    struct template_part *part)
{
	struct level level = { .opener = opener };

	part->kind = opener->kind == PIECE_IF ? PART_IF : PART_FOR;
	part->range = opener->range;
	part->expr = opener->expr;
	part->key_name = opener->key_name;
	part->value_name = opener->value_name;
	part->body = build(tp, &level);
	if (!tp->p->failed && tp->pieces.items[tp->at - 1].kind == PIECE_ELSE) {
		level.in_else = true;
		part->otherwise = build(tp, &level);
	}
	part->range.end = level.end;
}

/* A run of literal pieces becomes one part. */
static void build_literal(struct template_parser *tp, struct template_part *part)
{
	const struct piece *first = &tp->pieces.items[tp->at - 1];
	size_t len = first->literal.len, n = 1;

	for (; tp->at < tp->pieces.len && first[n].kind == PIECE_LITERAL; tp->at++, n++)
		len += first[n].literal.len;
	part->kind = PART_LITERAL;
	part->range = range_between(first->range, first[n - 1].range);
	part->literal = first->literal;
	if (n == 1)
		return;

	char *text = arena_alloc(tp->p->arena, len + 1);

	part->literal = (struct str){ text, len };
	for (size_t i = 0; i < n; i++) {
		if (first[i].literal.len)
			memcpy(text, first[i].literal.p, first[i].literal.len);
		text += first[i].literal.len;
	}
}

/* True when the piece ends this level. */
static bool build_piece(struct template_parser *tp, struct level *level)
{
	const struct piece *piece = &tp->pieces.items[tp->at++];
	struct template_part part = { .kind = PART_INTERPOLATION, .range = piece->range };
	enum piece_kind opener = level->opener ? level->opener->kind : PIECE_BROKEN;

	switch (piece->kind) {
	case PIECE_LITERAL:
		build_literal(tp, &part);
		break;
	case PIECE_INTERPOLATION:
		part.expr = piece->expr;
		break;
	case PIECE_IF:
	case PIECE_FOR:
		build_directive(tp, piece, &part);
		break;
	case PIECE_ELSE:
	case PIECE_ENDIF:
	case PIECE_ENDFOR:
		level->end = piece->range.end;
		if (opener == PIECE_IF && piece->kind == PIECE_ENDIF)
			return true;
		if (opener == PIECE_IF && piece->kind == PIECE_ELSE && !level->in_else)
			return true;
		if (opener == PIECE_FOR && piece->kind == PIECE_ENDFOR)
			return true;
		fail_unexpected(tp, piece, level);
		return true;
	case PIECE_BROKEN:
		return false;
	}
	*vec_push(&tp->parts) = part;
	return false;
}

static struct template *build(struct template_parser *tp, struct level *level)
{
	struct template *t = ARENA_NEW(tp->p->arena, struct template);
	size_t from = tp->parts.len;
	bool ended = false;

	if (!parser_enter(tp->p))
		return t;
	tp->level++;
	tp->deepest = MAX(tp->deepest, tp->level);
	while (tp->at < tp->pieces.len && !tp->p->failed && !ended)
		ended = build_piece(tp, level);
	if (!ended && level->opener)
		fail_missing_end(tp, level->opener);
	tp->level--;
	parser_leave(tp->p);

	size_t end = tp->at < tp->pieces.len + ended ? tp->at - ended : tp->pieces.len;
	struct pos here =
		end < tp->pieces.len ? tp->pieces.items[end].range.start : tp->end_range.end;

	t->is_quoted = tp->end == TOKEN_CQUOTE;
	t->len = tp->parts.len - from;
	t->parts = ARENA_ARRAY(tp->p->arena, struct template_part, t->len + 1);
	t->range = (struct range){ tp->end_range.source, here, here };
	if (t->len) {
		memcpy(t->parts, &tp->parts.items[from], t->len * sizeof(*t->parts));
		t->range = range_between(t->parts[0].range, t->parts[t->len - 1].range);
	}
	tp->parts.len = from;
	return t;
}

struct expr *parser_template(struct parser *p, enum token_kind end)
{
	struct template_parser tp = { .p = p, .end = end };
	struct token open = parser_peek(p);
	bool newlines = p->newlines;

	tp.node = parser_node(p, EXPR_TEMPLATE, parser_range(p, open));
	if (end != TOKEN_EOF)
		parser_read(p);
	p->newlines = false;
	read_pieces(&tp);
	if (open.kind == TOKEN_OHEREDOC && p->src->text[open.start + 2] == '-')
		flush(&tp);
	tp.node->range = range_between(tp.node->range, tp.end_range);

	struct level top = { 0 };

	tp.node->template = build(&tp, &top);
	tp.node->height += tp.deepest;
	parser_adopt(p, tp.node, NULL);
	if (end != TOKEN_EOF && !p->failed)
		parser_read(p);
	p->newlines = newlines;
	vec_release(&tp.pieces);
	vec_release(&tp.parts);
	return tp.node;
}
