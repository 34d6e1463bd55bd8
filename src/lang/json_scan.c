/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/json_scan.h"

#include "base/utf8.h"
#include "lang/lexer.h"

#include <ctype.h>
#include <string.h>

static struct pos pos_plus(struct pos at, size_t ascii)
{
	at.byte += ascii;
	at.column += (int)ascii;
	return at;
}

/* As HCL counts columns: a tab is two of them, a carriage return none. */
static void skip_space(struct json_scanner *s)
{
	for (; s->at.byte < s->src->len; s->at.byte++) {
		switch (s->src->text[s->at.byte]) {
		case ' ':
			s->at.column++;
			break;
		case '\t':
			s->at.column += 2;
			break;
		case '\r':
			break;
		case '\n':
			s->at.line++;
			s->at.column = 1;
			break;
		default:
			return;
		}
	}
}

static bool is_number_byte(char c)
{
	return isdigit((unsigned char)c) || (c && strchr("+-.eE", c));
}

static bool is_keyword_byte(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t run_length(struct str text, bool (*belongs)(char c))
{
	size_t n = 0;

	while (n < text.len && belongs(text.p[n]))
		n++;
	return n;
}

/* Up to the closing quote, or to what a string cannot hold. */
static size_t string_length(struct str text)
{
	size_t n = 1;

	while (n < text.len && (unsigned char)text.p[n] >= 0x20) {
		if (text.p[n] == '"')
			return n + 1;
		n += text.p[n] == '\\' && n + 1 < text.len && (unsigned char)text.p[n + 1] >= 0x20
			     ? 2
			     : 1;
	}
	return n;
}

static struct json_token scan_long(struct json_scanner *s, struct str text)
{
	struct json_token t = { .start = s->at };

	if (*text.p == '"') {
		t.kind = JSON_TOKEN_STRING;
		t.end = pos_advance(s->at, text.p, string_length(text));
	} else if (is_number_byte(*text.p) && !isalpha((unsigned char)*text.p)) {
		t.kind = JSON_TOKEN_NUMBER;
		t.end = pos_plus(s->at, run_length(text, is_number_byte));
	} else if (isalpha((unsigned char)*text.p)) {
		t.kind = JSON_TOKEN_KEYWORD;
		t.end = pos_plus(s->at, run_length(text, is_keyword_byte));
	} else {
		t.kind = JSON_TOKEN_INVALID;
		t.end = pos_plus(s->at, 1);
		s->stopped = true;
	}
	return t;
}

static struct json_token scan(struct json_scanner *s)
{
	static const char symbols[] = "{}[],:=";
	static const enum json_token_kind kinds[] = {
		JSON_TOKEN_OBRACE, JSON_TOKEN_CBRACE, JSON_TOKEN_OBRACK, JSON_TOKEN_CBRACK,
		JSON_TOKEN_COMMA,  JSON_TOKEN_COLON,  JSON_TOKEN_EQUAL,
	};
	struct json_token t = { .kind = JSON_TOKEN_EOF };

	if (!s->stopped)
		skip_space(s);
	t.start = t.end = s->at;
	if (s->stopped || s->at.byte >= s->src->len)
		return t;

	struct str rest = { s->src->text + s->at.byte, s->src->len - s->at.byte };
	const char *symbol = *rest.p ? strchr(symbols, *rest.p) : NULL;

	if (symbol) {
		t.kind = kinds[symbol - symbols];
		t.end = pos_plus(t.start, 1);
	} else {
		t = scan_long(s, rest);
	}
	s->at = t.end;
	return t;
}

void json_scanner_init(struct json_scanner *s, const struct source *src)
{
	*s = (struct json_scanner){ .src = src, .at = { 1, 1, 0 } };
	s->next = scan(s);
}

struct json_token json_scanner_peek(const struct json_scanner *s)
{
	return s->next;
}

struct json_token json_scanner_read(struct json_scanner *s)
{
	struct json_token t = s->next;

	s->next = scan(s);
	return t;
}

void json_scanner_stop(struct json_scanner *s)
{
	s->stopped = true;
	s->next = scan(s);
}

struct range json_token_range(const struct json_scanner *s, struct json_token t)
{
	return (struct range){ s->src, t.start, t.end };
}

struct str json_token_text(const struct json_scanner *s, struct json_token t)
{
	return (struct str){ s->src->text + t.start.byte, t.end.byte - t.start.byte };
}

/* --- what is in them ----------------------------------------------------- */

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p;
}

bool json_number_is_valid(struct str text)
{
	const char *p = text.p, *end = text.p + text.len, *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return false;
	if (p < end && *p == '.') {
		digits = p + 1;
		p = skip_digits(digits, end);
		if (p == digits)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(digits, end);
		if (p == digits)
			return false;
	}
	return p == end;
}

/* Bytes of the escape at `p`, whose backslash was seen; 0 if malformed, with *ret_good as below. */
static size_t escape_length(const char *p, const char *end, size_t *ret_good)
{
	*ret_good = 1;
	if (p + 1 >= end || !p[1] || !strchr("bfnrtu\"\\/", p[1]))
		return 0;
	if (p[1] != 'u')
		return 2;
	for (*ret_good = 2; *ret_good < 6; ++*ret_good)
		if (p + *ret_good >= end || !isxdigit((unsigned char)p[*ret_good]))
			return 0;
	return 6;
}

static uint32_t hex4(const char *p)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		n = n * 16 +
		    (uint32_t)(isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return n;
}

/* Returns the bytes used: two escapes make one character beyond the basic plane. */
static size_t decode_escape(struct strbuf *out, const char *p, const char *end)
{
	static const char letters[] = "bfnrt\"\\/", bytes[] = "\b\f\n\r\t\"\\/";
	size_t good, len = 6;
	char utf8[4];

	if (p[1] != 'u') {
		strbuf_addch(out, bytes[strchr(letters, p[1]) - letters]);
		return 2;
	}

	uint32_t cp = hex4(p + 2);

	if (cp >= 0xd800 && cp < 0xdc00 && end - p >= 8 && p[6] == '\\' && p[7] == 'u' &&
	    escape_length(p + 6, end, &good)) {
		uint32_t low = hex4(p + 8);

		if (low >= 0xdc00 && low < 0xe000) {
			cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
			len = 12;
		}
	}
	if (cp >= 0xd800 && cp < 0xe000)
		cp = 0xfffd;
	strbuf_add(out, utf8, utf8_encode(cp, utf8));
	return len;
}

static void add_plain(struct strbuf *out, const char *p, size_t len)
{
	uint32_t cp;

	if (utf8_is_valid(p, len)) {
		strbuf_add(out, p, len);
		return;
	}
	while (len) {
		size_t n = utf8_decode(p, len, &cp);

		strbuf_add(out, n ? p : "\xef\xbf\xbd", n ? n : 3);
		p += MAX(n, (size_t)1);
		len -= MAX(n, (size_t)1);
	}
}

bool json_string_decode(struct str quoted, struct strbuf *out, size_t *ret_bad)
{
	const char *p = quoted.p + 1, *end = quoted.p + quoted.len;
	size_t good;

	while (p < end && *p != '"') {
		const char *plain = p;

		while (p < end && *p != '"' && *p != '\\')
			p++;
		add_plain(out, plain, (size_t)(p - plain));
		if (p == end || *p == '"')
			continue;
		if (!escape_length(p, end, &good)) {
			*ret_bad = MIN((size_t)(p - quoted.p) + good + 1, quoted.len);
			return false;
		}
		p += decode_escape(out, p, end);
	}
	*ret_bad = quoted.len;
	return p < end;
}

/* Turns this far apart, so that finding a place costs little wherever it is. */
enum { TURN_EVERY = 256 };

/* Bytes up to the next quote, escape or byte that is no UTF-8. Ends early only where two ASCII
 * characters meet: there no grapheme cluster is torn. */
static size_t plain_length(const char *p, const char *end)
{
	size_t n = 0, len;
	uint32_t cp;

	for (; p + n < end && p[n] != '"' && p[n] != '\\'; n += len) {
		bool is_ascii = (unsigned char)p[n] < 0x80;

		len = is_ascii ? 1 : utf8_decode(p + n, (size_t)(end - p) - n, &cp);
		if (len == 0 || (n >= TURN_EVERY && is_ascii && (unsigned char)p[n - 1] < 0x80))
			break;
	}
	return n;
}

void json_string_map(struct range quoted, struct strbuf *out, struct source_turns *turns)
{
	struct str text = range_text(quoted);
	const char *p = text.p + 1, *end = text.p + text.len;
	struct pos at = pos_plus(quoted.start, 1);

	while (p < end) {
		size_t n = plain_length(p, end), before = out->len;
		bool is_atom = n == 0;

		if (n > 0) {
			strbuf_add(out, p, n);
		} else if (*p == '\\') {
			n = decode_escape(out, p, end);
		} else {
			n = 1;
			add_plain(out, p, *p == '"' ? 0 : n);
		}
		*vec_push(turns) = (struct source_turn){ before, at, is_atom };
		at = pos_advance(at, p, n);
		p += n;
	}
}
