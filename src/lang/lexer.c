/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of frames says where the lexer is: in expression text (with the
 * number of open braces), in a quoted string or in literal template text.
 * Columns are carried along from token to token, so a line of any length costs
 * its length once.
 */
#include "lang/lexer.h"

#include "base/utf8.h"

#include <string.h>

enum { TOKENS_MAX = 16 * 1024 * 1024 };

enum frame_kind { FRAME_CODE, FRAME_QUOTED, FRAME_HEREDOC, FRAME_BARE };

struct frame {
	enum frame_kind kind;
	bool is_sequence;  /* code inside ${ } or %{ } */
	size_t braces;     /* code: open { inside this frame */
	struct str marker; /* heredoc */
};

struct lexer {
	const struct source *src;
	struct token_list *out;
	const char *text;
	size_t at, end;
	struct pos pos; /* of `at` */
	VEC_DECLARE(, struct frame) frames;
	bool no_comment_end; /* no further `*` `/` in the text: do not look again */
	bool full;
};

static bool is_ascii_run(const char *p, size_t left)
{
	return (unsigned char)p[0] < 0x80 && (left < 2 || (unsigned char)p[1] < 0x80);
}

struct pos pos_advance(struct pos at, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 1;

		if (text[i] == '\n' || (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')) {
			n = text[i] == '\n' ? 1 : 2;
			at.line++;
			at.column = 1;
		} else {
			if (!is_ascii_run(text + i, len - i))
				n = utf8_grapheme(text + i, len - i);
			if (n == 0)
				n = 1;
			at.column++;
		}
		at.byte += n;
		i += n;
	}
	return at;
}

struct range token_range(const struct source *src, const struct token *t)
{
	return source_range(src, (struct pos){ (int)t->line, (int)t->column, t->start },
			    (struct pos){ (int)t->end_line, (int)t->end_column, t->end });
}

struct str token_text(const struct source *src, const struct token *t)
{
	return (struct str){ src->text + t->start, t->end - t->start };
}

static void emit(struct lexer *lx, enum token_kind kind, size_t len)
{
	struct pos from = lx->pos;

	lx->pos = pos_advance(from, lx->text + lx->at, len);
	lx->at += len;
	if (lx->out->len >= TOKENS_MAX) {
		lx->full = true;
		lx->at = lx->end;
		kind = TOKEN_EOF;
	}
	*vec_push(lx->out) = (struct token){
		.kind = kind,
		.start = (uint32_t)from.byte,
		.end = (uint32_t)lx->pos.byte,
		.line = (uint32_t)from.line,
		.column = (uint32_t)from.column,
		.end_line = (uint32_t)lx->pos.line,
		.end_column = (uint32_t)lx->pos.column,
	};
}

static struct frame *top(struct lexer *lx)
{
	return &lx->frames.items[lx->frames.len - 1];
}

static void push_frame(struct lexer *lx, enum frame_kind kind)
{
	vec_push(&lx->frames)->kind = kind;
}

static void pop_frame(struct lexer *lx)
{
	if (lx->frames.len > 1)
		lx->frames.len--;
}

static char peek_at(const struct lexer *lx, size_t ahead)
{
	return lx->at + ahead < lx->end ? lx->text[lx->at + ahead] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the identifier at byte `at`, 0 if there is none. */
static size_t ident_length(const struct lexer *lx, size_t at)
{
	size_t i = at;

	while (i < lx->end) {
		unsigned char c = (unsigned char)lx->text[i];
		uint32_t cp = c;
		size_t n = 1;
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!ok && c < 0x80) {
			ok = i > at && (is_digit((char)c) || c == '-');
		} else if (!ok) {
			n = utf8_decode(lx->text + i, lx->end - i, &cp);
			ok = n > 0 && (i == at ? utf8_is_id_start(cp) : utf8_is_id_continue(cp));
		}
		if (!ok)
			break;
		i += n;
	}
	return i - at;
}

bool lexer_is_identifier(struct str s)
{
	struct lexer lx = { .text = s.p, .end = s.len };

	return s.len > 0 && ident_length(&lx, 0) == s.len;
}

/* digit (digit | "." | e[+-]digit)*, not ending in "." */
static size_t number_length(const struct lexer *lx)
{
	size_t i = 1;

	for (;;) {
		char c = peek_at(lx, i);

		if (is_digit(c) || c == '.') {
			i++;
		} else if (c == 'e' || c == 'E') {
			size_t skip = peek_at(lx, i + 1) == '+' || peek_at(lx, i + 1) == '-';

			if (!is_digit(peek_at(lx, i + 1 + skip)))
				break;
			i += 2 + skip;
		} else {
			break;
		}
	}
	while (lx->text[lx->at + i - 1] == '.')
		i--;
	return i;
}

static void lex_line_comment(struct lexer *lx)
{
	const char *p = lx->text + lx->at;
	const char *nl = memchr(p, '\n', lx->end - lx->at);

	emit(lx, TOKEN_COMMENT, nl ? (size_t)(nl - p) + 1 : lx->end - lx->at);
}

static bool lex_block_comment(struct lexer *lx)
{
	if (lx->no_comment_end)
		return false;

	const char *p = lx->text + lx->at;
	const char *stop = memmem(p + 2, lx->end - lx->at - 2, "*/", 2);

	if (!stop) {
		lx->no_comment_end = true;
		return false;
	}
	emit(lx, TOKEN_COMMENT, (size_t)(stop - p) + 2);
	return true;
}

/* `<<MARKER` or `<<-MARKER`, then at once a newline. */
static bool lex_heredoc_open(struct lexer *lx)
{
	size_t dash = peek_at(lx, 2) == '-';
	size_t name = ident_length(lx, lx->at + 2 + dash);
	size_t len = 2 + dash + name;

	if (!name)
		return false;
	if (peek_at(lx, len) == '\r' && peek_at(lx, len + 1) == '\n')
		len += 2;
	else if (peek_at(lx, len) == '\n')
		len += 1;
	else
		return false;

	struct str marker = { lx->text + lx->at + 2 + dash, name };

	emit(lx, TOKEN_OHEREDOC, len);
	push_frame(lx, FRAME_HEREDOC);
	top(lx)->marker = marker;
	return true;
}

static void lex_brace(struct lexer *lx)
{
	struct frame *f = top(lx);

	if (peek_at(lx, 0) == '{') {
		f->braces++;
		emit(lx, TOKEN_OBRACE, 1);
	} else if (f->braces > 0 || !f->is_sequence) {
		f->braces -= f->braces > 0;
		emit(lx, TOKEN_CBRACE, 1);
	} else {
		emit(lx, TOKEN_SEQ_END, 1);
		pop_frame(lx);
	}
}

static const struct punctuation {
	char text[4];
	enum token_kind kind;
} punctuations[] = {
	/* longer ones first */
	{ "...", TOKEN_ELLIPSIS }, { "&&", TOKEN_AND },
	{ "||", TOKEN_OR },        { "::", TOKEN_DOUBLE_COLON },
	{ "==", TOKEN_EQ },        { "=>", TOKEN_FAT_ARROW },
	{ "!=", TOKEN_NE },        { "<=", TOKEN_LE },
	{ ">=", TOKEN_GE },        { "[", TOKEN_OBRACK },
	{ "]", TOKEN_CBRACK },     { "(", TOKEN_OPAREN },
	{ ")", TOKEN_CPAREN },     { ".", TOKEN_DOT },
	{ ",", TOKEN_COMMA },      { ":", TOKEN_COLON },
	{ "?", TOKEN_QUESTION },   { "=", TOKEN_EQUAL },
	{ "<", TOKEN_LT },         { ">", TOKEN_GT },
	{ "!", TOKEN_BANG },       { "+", TOKEN_PLUS },
	{ "-", TOKEN_MINUS },      { "*", TOKEN_STAR },
	{ "/", TOKEN_SLASH },      { "%", TOKEN_PERCENT },
	{ "&", TOKEN_BITWISE },    { "|", TOKEN_BITWISE },
	{ "^", TOKEN_BITWISE },    { "~", TOKEN_BITWISE },
	{ "`", TOKEN_BACKTICK },   { "'", TOKEN_APOSTROPHE },
	{ ";", TOKEN_SEMICOLON },
};

static void lex_punctuation(struct lexer *lx)
{
	size_t left = lx->end - lx->at;

	for (size_t i = 0; i < ARRAY_LEN(punctuations); i++) {
		size_t n = strlen(punctuations[i].text);

		if (n <= left && memcmp(lx->text + lx->at, punctuations[i].text, n) == 0) {
			emit(lx, punctuations[i].kind, n);
			return;
		}
	}

	uint32_t cp;
	size_t n = utf8_decode(lx->text + lx->at, left, &cp);

	emit(lx, n ? TOKEN_INVALID : TOKEN_BAD_UTF8, n ? n : 1);
}

/* `~}` closes a sequence; elsewhere it is a token that fits nowhere. */
static void lex_strip_end(struct lexer *lx)
{
	struct frame *f = top(lx);

	emit(lx, TOKEN_SEQ_END, 2);
	if (f->braces > 0)
		f->braces--;
	else if (f->is_sequence)
		pop_frame(lx);
}

/* Tokens that start with more than one fixed text. False: plain punctuation. */
static bool lex_special(struct lexer *lx, char c, char next)
{
	switch (c) {
	case '\n':
		emit(lx, TOKEN_NEWLINE, 1);
		return true;
	case '\r':
		if (next != '\n')
			return false;
		emit(lx, TOKEN_NEWLINE, 2);
		return true;
	case '"':
		emit(lx, TOKEN_OQUOTE, 1);
		push_frame(lx, FRAME_QUOTED);
		return true;
	case '{':
	case '}':
		lex_brace(lx);
		return true;
	case '~':
		if (next != '}')
			return false;
		lex_strip_end(lx);
		return true;
	case '#':
		lex_line_comment(lx);
		return true;
	case '/':
		if (next == '/') {
			lex_line_comment(lx);
			return true;
		}
		return next == '*' && lex_block_comment(lx);
	case '<':
		return next == '<' && lex_heredoc_open(lx);
	}
	return false;
}

static void lex_code(struct lexer *lx)
{
	char c = peek_at(lx, 0);

	if (c == ' ' || c == '\t') {
		lx->at++;
		lx->pos.byte++;
		lx->pos.column++;
		return;
	}
	if (lex_special(lx, c, peek_at(lx, 1)))
		return;
	if (is_digit(c)) {
		emit(lx, TOKEN_NUMBER, number_length(lx));
		return;
	}

	size_t n = ident_length(lx, lx->at);

	if (n)
		emit(lx, TOKEN_IDENT, n);
	else
		lex_punctuation(lx);
}

/* At `$` or `%` in template text. */
static void lex_sequence(struct lexer *lx, enum token_kind literal)
{
	char c = peek_at(lx, 0);
	size_t tilde;

	if (peek_at(lx, 1) == '{') {
		tilde = peek_at(lx, 2) == '~';
		emit(lx, c == '$' ? TOKEN_INTERP : TOKEN_CONTROL, 2 + tilde);
		push_frame(lx, FRAME_CODE);
		top(lx)->is_sequence = true;
	} else if (peek_at(lx, 1) == c && peek_at(lx, 2) == '{') {
		tilde = peek_at(lx, 3) == '~';
		emit(lx, literal, 3 + tilde);
	} else if (lx->at + 1 == lx->end && top(lx)->kind != FRAME_BARE) {
		emit(lx, TOKEN_INVALID, 1);
	} else {
		emit(lx, literal, 1);
	}
}

static bool is_newline_at(const struct lexer *lx, size_t i)
{
	return i < lx->end && (lx->text[i] == '\n' || lx->text[i] == '\r');
}

/* Bytes of literal text that need no closer look; 0: bad UTF-8 is next. */
static size_t literal_length(const struct lexer *lx, bool quoted)
{
	size_t i = lx->at;

	while (i < lx->end) {
		unsigned char c = (unsigned char)lx->text[i];
		uint32_t cp;
		size_t n = 1;

		if (c == '$' || c == '%')
			break;
		if (quoted && (c == '"' || c == '\n' || c == '\r'))
			break;
		if (quoted && c == '\\') {
			if (i + 1 >= lx->end || is_newline_at(lx, i + 1))
				break;
			i++;
			c = (unsigned char)lx->text[i];
		}
		if (c >= 0x80)
			n = utf8_decode(lx->text + i, lx->end - i, &cp);
		if (n == 0)
			break;
		i += n;
		if (!quoted && c == '\n')
			break;
	}
	return i - lx->at;
}

static void lex_literal(struct lexer *lx, bool quoted)
{
	size_t n = literal_length(lx, quoted);

	if (n)
		emit(lx, quoted ? TOKEN_QUOTED_LIT : TOKEN_STRING_LIT, n);
	else
		emit(lx, peek_at(lx, 0) == '\\' ? TOKEN_INVALID : TOKEN_BAD_UTF8, 1);
}

/*
 * After a newline inside a quoted string: does the next line look as if the
 * closing quote had been forgotten? Then reading goes on outside of the string,
 * so that one missing quote is one mistake and not one per line.
 */
static bool is_quote_forgotten(const struct lexer *lx)
{
	size_t i = lx->at, ident;

	while (i < lx->end && (lx->text[i] == ' ' || lx->text[i] == '\t'))
		i++;
	if (i == lx->end || strchr("}]#", lx->text[i]))
		return true;
	ident = ident_length(lx, i);
	i += ident;
	while (ident && i < lx->end && lx->text[i] == ' ')
		i++;
	return ident && i < lx->end && (lx->text[i] == '=' || lx->text[i] == '{');
}

static void lex_quoted(struct lexer *lx)
{
	char c = peek_at(lx, 0);

	if (c == '"') {
		emit(lx, TOKEN_CQUOTE, 1);
		pop_frame(lx);
	} else if (c == '\n' || c == '\r') {
		size_t n = 1;

		while (is_newline_at(lx, lx->at + n))
			n++;
		emit(lx, TOKEN_QUOTED_NEWLINE, n);
		if (is_quote_forgotten(lx))
			pop_frame(lx);
	} else if (c == '$' || c == '%') {
		lex_sequence(lx, TOKEN_QUOTED_LIT);
	} else {
		lex_literal(lx, true);
	}
}

struct str space_trim_left(struct str s)
{
	uint32_t cp;
	size_t n;

	while ((n = utf8_decode(s.p, s.len, &cp)) > 0 && utf8_is_space(cp)) {
		s.p += n;
		s.len -= n;
	}
	return s;
}

struct str space_trim_right(struct str s)
{
	while (s.len > 0) {
		size_t n = 1;
		uint32_t cp;

		while (n < 4 && n < s.len && ((unsigned char)s.p[s.len - n] & 0xc0) == 0x80)
			n++;
		if (utf8_decode(s.p + s.len - n, n, &cp) != n || !utf8_is_space(cp))
			break;
		s.len -= n;
	}
	return s;
}

/* Emits the closing line if one starts here. */
static bool lex_heredoc_close(struct lexer *lx)
{
	const char *p = lx->text + lx->at;
	const char *nl = memchr(p, '\n', lx->end - lx->at);

	if (!nl)
		return false;

	struct str line = { p, (size_t)(nl - p) };

	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	if (!str_eq(space_trim_left(space_trim_right(line)), top(lx)->marker))
		return false;
	emit(lx, TOKEN_CHEREDOC, line.len);
	pop_frame(lx);
	return true;
}

static void lex_template_text(struct lexer *lx)
{
	char c = peek_at(lx, 0);
	bool line_start = lx->at == 0 || lx->text[lx->at - 1] == '\n';

	if (line_start && top(lx)->kind == FRAME_HEREDOC && lex_heredoc_close(lx))
		return;
	if (c == '$' || c == '%')
		lex_sequence(lx, TOKEN_STRING_LIT);
	else
		lex_literal(lx, false);
}

bool lex(struct token_list *out, const struct source *src, struct pos from, size_t end,
	 enum lex_mode mode)
{
	struct lexer lx = {
		.src = src, .out = out, .text = src->text, .at = from.byte, .end = end, .pos = from
	};

	push_frame(&lx, mode == LEX_CONFIG ? FRAME_CODE : FRAME_BARE);
	while (lx.at < lx.end && !lx.full) {
		switch (top(&lx)->kind) {
		case FRAME_CODE:
			lex_code(&lx);
			break;
		case FRAME_QUOTED:
			lex_quoted(&lx);
			break;
		case FRAME_HEREDOC:
		case FRAME_BARE:
			lex_template_text(&lx);
			break;
		}
	}
	if (!lx.full)
		emit(&lx, TOKEN_EOF, 0);
	vec_release(&lx.frames);
	return !lx.full;
}
