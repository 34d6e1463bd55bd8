/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical layout (cli.md 7). Only the spaces in front of tokens change:
 * tokens are grouped into lines, each with up to three cells (lead, assign,
 * comment), and get their spaces in three passes: indentation, neighbours,
 * alignment of cells.
 */
#include "base/alloc.h"
#include "base/utf8.h"
#include "lang/lexer.h"
#include "lang/parser.h"

struct fmt_token {
	enum token_kind kind;
	struct str text;
	size_t spaces; /* in front of it */
};

/* Token indices, without the final TOKEN_EOF: lead is [lead, assign), assign [assign, comment), comment [comment, end). */
struct line {
	size_t lead, assign, comment, end;
};

VEC_DECLARE(fmt_token_list, struct fmt_token);
VEC_DECLARE(line_list, struct line);
VEC_DECLARE(size_list, size_t);

struct formatter {
	struct fmt_token_list tokens;
	struct line_list lines;
};

/* --- lines and cells ---------------------------------------------------- */

static int bracket_change(enum token_kind kind)
{
	switch ((int)kind) {
	case TOKEN_OBRACE:
	case TOKEN_OBRACK:
	case TOKEN_OPAREN:
	case TOKEN_INTERP:
	case TOKEN_CONTROL:
		return 1;
	case TOKEN_CBRACE:
	case TOKEN_CBRACK:
	case TOKEN_CPAREN:
	case TOKEN_SEQ_END:
		return -1;
	}
	return 0;
}

static bool ends_line(const struct fmt_token *t)
{
	if (t->kind == TOKEN_COMMENT)
		return t->text.p[t->text.len - 1] == '\n';
	return t->kind == TOKEN_NEWLINE;
}

static void split_cells(const struct formatter *f, struct line *line)
{
	const struct fmt_token *t = f->tokens.items;
	bool has_comment = line->end - line->lead > 1 && t[line->end - 1].kind == TOKEN_COMMENT;
	int net = 0;

	line->comment = has_comment ? line->end - 1 : line->end;
	line->assign = line->comment;
	for (size_t i = line->lead + 1; i < line->comment; i++) {
		if (t[i].kind != TOKEN_EQUAL)
			continue;
		for (size_t k = i; k < line->comment; k++)
			net += bracket_change(t[k].kind);
		if (net == 0)
			line->assign = i;
		return;
	}
}

static void split_lines(struct formatter *f)
{
	size_t start = 0;

	for (size_t i = 0; i < f->tokens.len; i++) {
		bool at_end = f->tokens.items[i].kind == TOKEN_EOF;

		if (!at_end && !ends_line(&f->tokens.items[i]))
			continue;
		if (at_end && start == i)
			break;

		struct line *line = vec_push(&f->lines);

		line->lead = start;
		line->end = i + !at_end;
		split_cells(f, line);
		start = i + 1;
	}
}

/* --- indentation -------------------------------------------------------- */

static int net_brackets(const struct formatter *f, const struct line *line)
{
	int net = 0;

	for (size_t i = line->lead; i < line->assign; i++) {
		net += bracket_change(f->tokens.items[i].kind);
		if (f->tokens.items[i].kind == TOKEN_OHEREDOC)
			break;
	}
	for (size_t i = line->assign; i < line->comment; i++)
		net += bracket_change(f->tokens.items[i].kind);
	return net;
}

static void close_indents(struct size_list *indents, size_t closed)
{
	while (closed > 0 && indents->len > 0) {
		size_t *top = &indents->items[indents->len - 1];

		if (closed < *top) {
			*top -= closed;
			return;
		}
		closed -= *top;
		indents->len--;
	}
}

static void indent(struct formatter *f)
{
	struct size_list indents = { 0 };

	for (size_t i = 0; i < f->lines.len; i++) {
		const struct line *line = &f->lines.items[i];
		struct fmt_token *first = &f->tokens.items[line->lead];
		int net = net_brackets(f, line);

		first->spaces = 0;
		if (first->kind == TOKEN_NEWLINE)
			continue;
		if (net < 0)
			close_indents(&indents, (size_t)-net);
		first->spaces = 2 * indents.len;
		if (net > 0)
			*vec_push(&indents) = (size_t)net;
	}
	vec_release(&indents);
}

/* --- neighbours --------------------------------------------------------- */

static bool is_template_text(enum token_kind kind)
{
	return kind == TOKEN_QUOTED_LIT || kind == TOKEN_STRING_LIT || kind == TOKEN_QUOTED_NEWLINE;
}

static bool is_opening(enum token_kind kind)
{
	return kind != TOKEN_OBRACE && bracket_change(kind) > 0;
}

static bool is_closing(enum token_kind kind)
{
	return kind != TOKEN_CBRACE && bracket_change(kind) < 0;
}

/* A minus after this is a sign. */
static bool wants_operand(enum token_kind kind)
{
	switch ((int)kind) {
	case TOKEN_EOF: /* nothing before */
	case TOKEN_OPAREN:
	case TOKEN_OBRACE:
	case TOKEN_OBRACK:
	case TOKEN_EQUAL:
	case TOKEN_COLON:
	case TOKEN_COMMA:
	case TOKEN_QUESTION:
	case TOKEN_BANG:
		return true;
	}
	return (kind >= TOKEN_EQ && kind <= TOKEN_GE) ||
	       (kind >= TOKEN_AND && kind <= TOKEN_PERCENT);
}

/* Tokens that stick together in any case. */
static bool is_glued(enum token_kind a, enum token_kind b)
{
	if (b == TOKEN_NEWLINE || b == TOKEN_EOF)
		return true;
	if (a == TOKEN_IDENT && b == TOKEN_OPAREN)
		return true;
	if ((a == TOKEN_IDENT && b == TOKEN_DOUBLE_COLON) ||
	    (a == TOKEN_DOUBLE_COLON && b == TOKEN_IDENT))
		return true;
	return a == TOKEN_DOT || b == TOKEN_DOT || b == TOKEN_COMMA || b == TOKEN_ELLIPSIS;
}

static bool is_in_template(enum token_kind a, enum token_kind b)
{
	return is_template_text(a) || a == TOKEN_OQUOTE || a == TOKEN_OHEREDOC ||
	       is_template_text(b) || b == TOKEN_CQUOTE || b == TOKEN_CHEREDOC;
}

static bool is_index(enum token_kind a, enum token_kind b)
{
	return b == TOKEN_OBRACK &&
	       (a == TOKEN_IDENT || a == TOKEN_NUMBER || bracket_change(a) < 0);
}

static size_t space_in_brackets(enum token_kind a, enum token_kind b)
{
	bool a_opens = a == TOKEN_INTERP || a == TOKEN_CONTROL;
	bool b_opens = b == TOKEN_INTERP || b == TOKEN_CONTROL;

	if (a == TOKEN_OBRACE || b == TOKEN_CBRACE)
		return !(a == TOKEN_OBRACE && b == TOKEN_CBRACE);
	if ((a_opens && b == TOKEN_OBRACE) || (a == TOKEN_CBRACE && b == TOKEN_SEQ_END))
		return 1;
	if (a == TOKEN_SEQ_END && b_opens)
		return 0;
	return !is_opening(a) && !is_closing(b);
}

/* Spaces between a and b; `before` is the kind in front of a, TOKEN_EOF if none. */
static size_t space_between(enum token_kind before, const struct fmt_token *at, enum token_kind b)
{
	enum token_kind a = at->kind;

	if (is_glued(a, b))
		return 0;
	if (a == TOKEN_COMMA)
		return 1;
	if (is_in_template(a, b))
		return 0;
	if (a == TOKEN_IDENT && str_is(at->text, "in") && before == TOKEN_IDENT)
		return 1;
	if (is_index(a, b) || a == TOKEN_BANG)
		return 0;
	if (a == TOKEN_MINUS)
		return !wants_operand(before);
	return space_in_brackets(a, b);
}

static void space_cell(struct formatter *f, size_t from, size_t to)
{
	struct fmt_token *t = f->tokens.items;

	for (size_t i = from; i + 1 < to; i++)
		t[i + 1].spaces =
			space_between(i > from ? t[i - 1].kind : TOKEN_EOF, &t[i], t[i + 1].kind);
}

static void space(struct formatter *f)
{
	for (size_t i = 0; i < f->lines.len; i++) {
		const struct line *line = &f->lines.items[i];

		space_cell(f, line->lead, line->assign);
		space_cell(f, line->assign, line->comment);
		if (line->assign < line->comment)
			f->tokens.items[line->assign].spaces = 1;
	}
}

/* --- alignment ---------------------------------------------------------- */

static size_t cell_width(const struct formatter *f, size_t from, size_t to)
{
	size_t width = 0;

	for (size_t i = from; i < to; i++) {
		const struct fmt_token *t = &f->tokens.items[i];

		width += t->spaces + utf8_grapheme_count(t->text.p, t->text.len);
	}
	return width;
}

enum cell { CELL_ASSIGN, CELL_COMMENT };

/* Where the cell begins and ends; false if the line has none. */
static bool has_cell(const struct line *line, enum cell cell)
{
	return cell == CELL_ASSIGN ? line->assign < line->comment : line->comment < line->end;
}

/* Puts the cells of lines [from, to) under each other. */
static void align_run(struct formatter *f, size_t from, size_t to, enum cell cell)
{
	struct size_list widths = { 0 };
	size_t widest = 0;

	for (size_t i = from; i < to; i++) {
		const struct line *line = &f->lines.items[i];
		size_t stop = cell == CELL_ASSIGN ? line->assign : line->comment;
		size_t width = cell_width(f, line->lead, stop);

		*vec_push(&widths) = width;
		widest = MAX(widest, width);
	}
	for (size_t i = from; i < to; i++) {
		const struct line *line = &f->lines.items[i];
		size_t first = cell == CELL_ASSIGN ? line->assign : line->comment;

		f->tokens.items[first].spaces = widest - widths.items[i - from] + 1;
	}
	vec_release(&widths);
}

static void align(struct formatter *f, enum cell cell)
{
	size_t from = 0;

	for (size_t i = 0; i <= f->lines.len; i++) {
		if (i < f->lines.len && has_cell(&f->lines.items[i], cell))
			continue;
		align_run(f, from, i, cell);
		from = i + 1;
	}
}

/* ------------------------------------------------------------------------ */

static void layout(const struct source *src, struct strbuf *out)
{
	struct formatter f = { 0 };
	struct token_list tokens = { 0 };
	size_t end_space = src->len;

	lex(&tokens, src, (struct pos){ 1, 1, 0 }, src->len, LEX_CONFIG);
	for (size_t i = 0; i < tokens.len; i++) {
		struct fmt_token *t = vec_push(&f.tokens);

		t->kind = tokens.items[i].kind;
		t->text = token_text(src, &tokens.items[i]);
	}
	/* White space at the very end of a file stays, as the other tool leaves it. */
	if (tokens.len > 1)
		end_space = tokens.items[tokens.len - 1].start - tokens.items[tokens.len - 2].end;
	vec_release(&tokens);
	split_lines(&f);
	indent(&f);
	space(&f);
	align(&f, CELL_ASSIGN);
	align(&f, CELL_COMMENT);
	f.tokens.items[f.tokens.len - 1].spaces = end_space;
	for (size_t i = 0; i < f.tokens.len; i++) {
		strbuf_addchars(out, ' ', f.tokens.items[i].spaces);
		strbuf_add(out, f.tokens.items[i].text.p, f.tokens.items[i].text.len);
	}
	vec_release(&f.tokens);
	vec_release(&f.lines);
}

char *hcl_layout(const struct source *src)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	layout(src, &out);
	return strbuf_detach(&out);
}

bool hcl_format_into(const struct source *src, struct strbuf *ret, struct diags *diags)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags mine = DIAGS_INIT;
	bool ok;

	parse_file(src, arena, &mine);
	ok = !diags_has_errors(&mine);
	diags_move(diags, &mine);
	if (ok)
		layout(src, ret);
	return ok;
}

char *hcl_format(const struct source *src, struct diags *diags)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	return hcl_format_into(src, &out, diags) ? strbuf_detach(&out) : NULL;
}
