/* SPDX-License-Identifier: Apache-2.0 */
#include "tmpl/lexer.h"

#include "base/encode.h"
#include "base/utf8.h"

#include <string.h>

static const struct {
	const char *name;
	enum word_kind kind;
} keywords[] = {
	{ "block", WORD_BLOCK },       { "break", WORD_BREAK }, { "continue", WORD_CONTINUE },
	{ "define", WORD_DEFINE },     { "else", WORD_ELSE },   { "end", WORD_END },
	{ "false", WORD_BOOL },        { "if", WORD_IF },       { "nil", WORD_NIL },
	{ "range", WORD_RANGE },       { "true", WORD_BOOL },   { "with", WORD_WITH },
	{ "template", WORD_TEMPLATE },
};

void word_reader_init(struct word_reader *r, const char *text, struct arena *arena)
{
	*r = (struct word_reader){ .text = text, .len = strlen(text), .line = 1, .arena = arena };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* NUL behind the end. */
static char at(const struct word_reader *r, size_t offset)
{
	return r->pos + offset < r->len ? r->text[r->pos + offset] : '\0';
}

/* A code point at the reader's place, its length in bytes; 0 at the end. */
static size_t rune(const struct word_reader *r, uint32_t *ret)
{
	if (r->pos >= r->len)
		return 0;

	size_t n = utf8_decode(r->text + r->pos, r->len - r->pos, ret);

	if (n)
		return n;
	*ret = 0xfffd;
	return 1;
}

static bool is_alphanumeric(uint32_t cp)
{
	return cp == '_' || utf8_is_letter(cp) || utf8_is_digit(cp);
}

static void count_lines(struct word_reader *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		r->line += r->text[i] == '\n';
}

/* Everything from `start` to the reader's place. */
static void make(const struct word_reader *r, struct word *w, enum word_kind kind, size_t start)
{
	w->kind = kind;
	w->text = (struct str){ r->text + start, r->pos - start };
	w->pos = start;
}

static void complain(struct word_reader *r, struct word *w, const char *message)
{
	w->kind = WORD_ERROR;
	w->text = str_of(message);
	w->pos = r->pos;
	r->pos = r->len;
	r->in_action = false;
}

/* `U+0040 '@'` */
static void complain_of_rune(struct word_reader *r, struct word *w, const char *what, uint32_t cp)
{
	char utf8[4];
	int n = (int)utf8_encode(cp, utf8);

	if (utf8_is_printable(cp))
		complain(r, w, arena_printf(r->arena, "%s U+%04X '%.*s'", what, cp, n, utf8));
	else
		complain(r, w, arena_printf(r->arena, "%s U+%04X", what, cp));
}

/* ---- outside of actions -------------------------------------------------------- */

/* `- ` behind `{{` */
static bool has_left_trim(const struct word_reader *r, size_t pos)
{
	return pos + 1 < r->len && r->text[pos] == '-' && is_space(r->text[pos + 1]);
}

/* Length of `}}` or ` -}}` here, else 0. */
static size_t close_length(const struct word_reader *r, bool *ret_trims)
{
	*ret_trims = is_space(at(r, 0)) && at(r, 1) == '-';
	if (*ret_trims && at(r, 2) == '}' && at(r, 3) == '}')
		return 4;
	*ret_trims = false;
	return at(r, 0) == '}' && at(r, 1) == '}' ? 2 : 0;
}

static void skip_space(struct word_reader *r)
{
	size_t start = r->pos;

	while (r->pos < r->len && is_space(r->text[r->pos]))
		r->pos++;
	count_lines(r, start, r->pos);
}

/* At the `{{` of a comment; false after a complaint. */
static bool skip_comment(struct word_reader *r, struct word *w)
{
	size_t start = r->pos;
	const char *rest = r->text + r->pos;
	const char *stop = memmem(rest, r->len - r->pos, "*/", 2);
	bool trims;

	if (!stop) {
		complain(r, w, "unclosed comment");
		return false;
	}
	r->pos = (size_t)(stop - r->text) + 2;

	size_t n = close_length(r, &trims);

	if (!n) {
		complain(r, w, "comment ends before closing delimiter");
		return false;
	}
	r->pos += n;
	count_lines(r, start, r->pos);
	if (trims)
		skip_space(r);
	return true;
}

/* At `{{`: the opening word, or nothing when it is a comment that was skipped. */
static bool open_action(struct word_reader *r, struct word *w)
{
	size_t start = r->pos, marker = has_left_trim(r, r->pos + 2) ? 2 : 0;

	w->line = r->line;
	r->pos += 2;
	if (at(r, marker) == '/' && at(r, marker + 1) == '*') {
		r->pos += marker + 2;
		return !skip_comment(r, w);
	}
	make(r, w, WORD_OPEN, start);
	count_lines(r, r->pos, r->pos + marker);
	r->pos += marker;
	r->in_action = true;
	r->parens = 0;
	return true;
}

static void read_text(struct word_reader *r, struct word *w)
{
	while (r->pos < r->len) {
		const char *start = r->text + r->pos;
		const char *open = memmem(start, r->len - r->pos, "{{", 2);
		size_t stop = open ? (size_t)(open - r->text) : r->len, from = r->pos, keep = stop;

		if (open && has_left_trim(r, stop + 2))
			while (keep > from && is_space(r->text[keep - 1]))
				keep--;
		w->line = r->line;
		if (keep > from) {
			r->pos = keep;
			make(r, w, WORD_TEXT, from);
		}
		count_lines(r, from, stop);
		r->pos = stop;
		if (keep > from || (open && open_action(r, w)))
			return;
	}
	w->line = r->line;
	make(r, w, WORD_EOF, r->pos);
}

/* ---- inside of actions ----------------------------------------------------------- */

/* May a name end here? */
static bool at_terminator(const struct word_reader *r)
{
	char c = at(r, 0);

	if (r->pos >= r->len || is_space(c) || strchr(".,|:()", c))
		return true;
	return c == '}' && at(r, 1) == '}';
}

static void skip_name(struct word_reader *r)
{
	uint32_t cp;

	for (size_t n; (n = rune(r, &cp)) && is_alphanumeric(cp);)
		r->pos += n;
}

static void read_name(struct word_reader *r, struct word *w, enum word_kind kind, size_t start)
{
	uint32_t cp = 0;

	skip_name(r);
	if (!at_terminator(r)) {
		rune(r, &cp);
		complain_of_rune(r, w, "bad character", cp);
		return;
	}
	make(r, w, kind, start);
	if (kind != WORD_IDENTIFIER)
		return;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (str_is(w->text, keywords[i].name))
			w->kind = keywords[i].kind;
}

static void read_quoted(struct word_reader *r, struct word *w, enum word_kind kind, size_t start)
{
	char quote = r->text[start];

	for (; r->pos < r->len && r->text[r->pos] != '\n'; r->pos++) {
		if (r->text[r->pos] == quote) {
			r->pos++;
			make(r, w, kind, start);
			return;
		}
		if (r->text[r->pos] == '\\' && r->pos + 1 < r->len && r->text[r->pos + 1] != '\n')
			r->pos++;
	}
	complain(r, w,
		 quote == '"' ? "unterminated quoted string" : "unterminated character constant");
}

static void read_raw(struct word_reader *r, struct word *w, size_t start)
{
	const char *stop = memchr(r->text + r->pos, '`', r->len - r->pos);

	if (!stop) {
		complain(r, w, "unterminated raw quoted string");
		return;
	}
	r->pos = (size_t)(stop - r->text) + 1;
	make(r, w, WORD_RAW, start);
	count_lines(r, start, r->pos);
}

static bool accept(struct word_reader *r, const char *any)
{
	if (r->pos >= r->len || !strchr(any, r->text[r->pos]))
		return false;
	r->pos++;
	return true;
}

/* Over what looks like a number; false if a letter or digit too many follows. */
static bool scan_number(struct word_reader *r)
{
	const char *digits = "0123456789_";
	bool is_decimal = true, is_hex = false;
	uint32_t cp = 0;

	accept(r, "+-");
	if (accept(r, "0")) {
		is_hex = accept(r, "xX");
		if (is_hex)
			digits = "0123456789abcdefABCDEF_";
		else if (accept(r, "oO"))
			digits = "01234567_";
		else if (accept(r, "bB"))
			digits = "01_";
		is_decimal = strlen(digits) == 11;
	}
	while (accept(r, digits))
		;
	if (accept(r, "."))
		while (accept(r, digits))
			;
	if ((is_decimal && accept(r, "eE")) || (is_hex && accept(r, "pP"))) {
		accept(r, "+-");
		while (accept(r, "0123456789_"))
			;
	}
	accept(r, "i");

	size_t n = rune(r, &cp);

	if (!n || !is_alphanumeric(cp))
		return true;
	r->pos += n;
	return false;
}

static void read_number(struct word_reader *r, struct word *w, size_t start)
{
	bool ok = scan_number(r);

	/* Both parts of a complex number are one word. */
	if (ok && (at(r, 0) == '+' || at(r, 0) == '-'))
		ok = scan_number(r) && r->text[r->pos - 1] == 'i';
	if (ok) {
		make(r, w, WORD_NUMBER, start);
		return;
	}

	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	encode_go_quoted(&quoted, r->text + start, r->pos - start);
	complain(r, w, arena_printf(r->arena, "bad number syntax: %s", quoted.buf));
}

static void read_close(struct word_reader *r, struct word *w, size_t length, bool trims)
{
	size_t start = r->pos + length - 2;

	count_lines(r, r->pos, start);
	w->line = r->line;
	r->pos += length;
	make(r, w, WORD_CLOSE, start);
	if (trims)
		skip_space(r);
	r->in_action = false;
}

static void read_paren(struct word_reader *r, struct word *w, size_t start, char c)
{
	r->parens += c == '(' ? 1 : -1;
	if (r->parens < 0)
		complain(r, w, "unexpected right paren");
	else
		make(r, w, c == '(' ? WORD_LPAREN : WORD_RPAREN, start);
}

static void read_other(struct word_reader *r, struct word *w, size_t start)
{
	uint32_t cp = 0;
	size_t n = rune(r, &cp);

	if (is_alphanumeric(cp)) {
		read_name(r, w, WORD_IDENTIFIER, start);
		return;
	}
	r->pos += n;
	if (cp < 0x80 && utf8_is_printable(cp))
		make(r, w, WORD_CHAR, start);
	else
		complain_of_rune(r, w, "unrecognized character in action:", cp);
}

/* `.` alone or `.name`; `$` alone or `$name`. */
static void read_sigil(struct word_reader *r, struct word *w, size_t start, enum word_kind kind)
{
	r->pos++;
	if (at_terminator(r))
		make(r, w, kind == WORD_FIELD ? WORD_DOT : WORD_VARIABLE, start);
	else
		read_name(r, w, kind, start);
}

static void read_symbol(struct word_reader *r, struct word *w)
{
	size_t start = r->pos;
	char c = r->text[start];

	switch (c) {
	case '=':
	case '|':
		r->pos++;
		make(r, w, c == '=' ? WORD_ASSIGN : WORD_PIPE, start);
		break;
	case ':':
		r->pos += at(r, 1) == '=' ? 2 : 1;
		if (r->pos == start + 2)
			make(r, w, WORD_DECLARE, start);
		else
			complain(r, w, "expected :=");
		break;
	case '"':
	case '\'':
		r->pos++;
		read_quoted(r, w, c == '"' ? WORD_STRING : WORD_CONSTANT, start);
		break;
	case '`':
		r->pos++;
		read_raw(r, w, start);
		break;
	case '$':
		read_sigil(r, w, start, WORD_VARIABLE);
		break;
	case '.':
		if (start + 1 < r->len && !is_digit(r->text[start + 1]))
			read_sigil(r, w, start, WORD_FIELD);
		else
			read_number(r, w, start);
		break;
	case '(':
	case ')':
		r->pos++;
		read_paren(r, w, start, c);
		break;
	default:
		if (c == '+' || c == '-' || is_digit(c))
			read_number(r, w, start);
		else
			read_other(r, w, start);
	}
}

static void read_in_action(struct word_reader *r, struct word *w)
{
	bool trims;
	size_t length;

	while (!(length = close_length(r, &trims)) && r->pos < r->len &&
	       is_space(r->text[r->pos])) {
		r->line += r->text[r->pos] == '\n';
		r->pos++;
		w->spaced = true;
	}
	w->line = r->line;
	if (length && r->parens > 0)
		complain(r, w, "unclosed left paren");
	else if (length)
		read_close(r, w, length, trims);
	else if (r->pos >= r->len)
		complain(r, w, "unclosed action");
	else
		read_symbol(r, w);
}

void word_next(struct word_reader *r, struct word *ret)
{
	*ret = (struct word){ 0 };
	if (r->in_action)
		read_in_action(r, ret);
	else
		read_text(r, ret);
}
