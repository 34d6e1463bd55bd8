/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes in literal text (language.md 1.9). */
#include "lang/parser_state.h"

#include "base/encode.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Bad escapes do not confuse the parser, so each of them is reported. */
static void report_escape(struct parser *p, struct token t, struct str escape, const char *detail)
{
	struct pos at = { (int)t.line, (int)t.column, t.start };
	const char *text = p->src->text + t.start;

	if (p->failed)
		return;
	at = pos_advance(at, text, (size_t)(escape.p - text));
	parser_report(p, source_range(p->src, at, pos_advance(at, escape.p, escape.len)),
		      "Invalid escape sequence", "%s", detail);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* `rest` begins at the backslash of \u or \U. Returns the bytes used. */
static size_t unicode_escape(struct parser *p, struct token t, struct str rest, struct strbuf *out)
{
	size_t digits = rest.p[1] == 'u' ? 4 : 8, n = 0;
	uint32_t cp = 0;
	char utf8[4];

	while (n < digits && n + 2 < rest.len && hex_value(rest.p[n + 2]) >= 0) {
		cp = cp << 4 | (uint32_t)hex_value(rest.p[n + 2]);
		n++;
	}

	struct str escape = { rest.p, n + 2 };

	if (n < digits) {
		report_escape(p, t, escape,
			      digits == 4 ? "The \\u escape sequence must be followed by four "
					    "hexadecimal digits."
					  : "The \\U escape sequence must be followed by eight "
					    "hexadecimal digits.");
		return escape.len;
	}

	size_t len = utf8_encode(cp, utf8);

	if (len == 0) {
		AUTO(strbuf) struct strbuf detail = STRBUF_INIT;

		strbuf_addf(&detail, "Cannot encode character U+%04x in UTF-8.", cp);
		report_escape(p, t, escape, detail.buf);
	}
	strbuf_add(out, utf8, len);
	return escape.len;
}

static size_t escape_sequence(struct parser *p, struct token t, struct str rest, struct strbuf *out)
{
	static const char selectors[] = "nrt\"\\", meanings[] = "\n\r\t\"\\";
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;

	if (rest.len < 2) {
		report_escape(p, t, rest,
			      "Backslash must be followed by an escape sequence selector "
			      "character.");
		return rest.len;
	}
	if (rest.p[1] == 'u' || rest.p[1] == 'U')
		return unicode_escape(p, t, rest, out);

	const char *found = rest.p[1] ? strchr(selectors, rest.p[1]) : NULL;

	if (found) {
		strbuf_addch(out, meanings[found - selectors]);
		return 2;
	}

	size_t n = 1 + utf8_grapheme(rest.p + 1, rest.len - 1);
	uint32_t cp;

	n = 1 + MAX(utf8_decode(rest.p + 1, rest.len - 1, &cp), (size_t)1);
	strbuf_addstr(&detail, "The symbol ");
	encode_go_quoted(&detail, rest.p + 1, n - 1);
	strbuf_addstr(&detail, " is not a valid escape sequence selector.");
	report_escape(p, t, (struct str){ rest.p, n }, detail.buf);
	strbuf_add(out, rest.p, n);
	return n;
}

void parser_literal(struct parser *p, struct token t, struct strbuf *out)
{
	struct str text = parser_text(p, t);

	/* `$${` and `%%{` are tokens of their own. */
	if (text.len >= 3 && (text.p[0] == '$' || text.p[0] == '%') && text.p[1] == text.p[0]) {
		strbuf_add(out, text.p + 1, text.len - 1);
		return;
	}
	if (t.kind != TOKEN_QUOTED_LIT) {
		strbuf_add(out, text.p, text.len);
		return;
	}
	while (text.len) {
		const char *backslash = memchr(text.p, '\\', text.len);
		size_t n = backslash ? (size_t)(backslash - text.p) : text.len;

		strbuf_add(out, text.p, n);
		text.p += n;
		text.len -= n;
		if (text.len) {
			n = escape_sequence(p, t, text, out);
			text.p += n;
			text.len -= n;
		}
	}
}
