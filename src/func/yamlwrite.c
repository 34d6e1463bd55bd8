/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block style YAML. Written by hand: the layout is fixed (language.md 21.7),
 * and libyaml's writer has changed its own between versions.
 */
#include "base/utf8.h"
#include "func/yamltext.h"

#include <string.h>

static bool is_printable(uint32_t cp)
{
	return cp == '\n' || (cp >= 0x20 && cp <= 0x7e) || (cp >= 0xa0 && cp <= 0xd7ff) ||
	       (cp >= 0xe000 && cp <= 0xfffd && cp != 0xfeff);
}

static void add_quoted(struct strbuf *out, const char *s, size_t len)
{
	static const struct {
		uint32_t cp;
		char letter;
	} escapes[] = { { 0, '0' },      { '\a', 'a' },  { '\b', 'b' },  { '\t', 't' },
			{ '\n', 'n' },   { '\v', 'v' },  { '\f', 'f' },  { '\r', 'r' },
			{ 0x1b, 'e' },   { '"', '"' },   { '\\', '\\' }, { 0x85, 'N' },
			{ 0x2028, 'L' }, { 0x2029, 'P' } };
	uint32_t cp;
	size_t n;

	strbuf_addch(out, '"');
	for (; (n = utf8_decode(s, len, &cp)); s += n, len -= n) {
		size_t i = 0;

		while (i < ARRAY_LEN(escapes) && escapes[i].cp != cp)
			i++;
		if (i < ARRAY_LEN(escapes))
			strbuf_addf(out, "\\%c", escapes[i].letter);
		else if (is_printable(cp))
			strbuf_add(out, s, n);
		else if (cp <= 0xff)
			strbuf_addf(out, "\\x%02X", cp);
		else
			strbuf_addf(out, cp <= 0xffff ? "\\u%04X" : "\\U%08X", cp);
	}
	strbuf_addch(out, '"');
}

/* Whether a literal block can hold the text. */
static bool fits_block(const char *s, size_t len)
{
	uint32_t cp, before = 0;
	size_t n;

	if (!memchr(s, '\n', len) || s[len - 1] == ' ')
		return false;
	for (; (n = utf8_decode(s, len, &cp)); s += n, len -= n) {
		if (!is_printable(cp) || cp == 0x2028 || cp == 0x2029)
			return false;
		if (cp == '\n' && before == ' ')
			return false;
		before = cp;
	}
	return true;
}

static void add_block(struct strbuf *out, const char *s, size_t len, size_t indent)
{
	strbuf_addch(out, '|');
	if (*s == ' ' || *s == '\n')
		strbuf_addch(out, '2');
	if (s[len - 1] != '\n') {
		strbuf_addch(out, '-');
	} else if (len == 1 || s[len - 2] == '\n') {
		strbuf_addch(out, '+');
	}
	strbuf_addch(out, '\n');
	for (const char *p = s, *end = s + len; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		if (stop > p)
			strbuf_addchars(out, ' ', indent + 2);
		strbuf_add(out, p, (size_t)(stop - p));
		strbuf_addch(out, '\n');
		p = stop + 1;
	}
}

/* A scalar or an empty collection, up to the end of its last line. */
static void add_scalar(struct strbuf *out, const struct value *v, size_t indent)
{
	enum type_kind kind = type_kind(value_type(v));

	if (!value_is_null(v) && kind == TYPE_STRING) {
		const char *s = value_as_string(v);
		size_t len = value_string_size(v);

		if (fits_block(s, len)) {
			add_block(out, s, len, indent);
			return;
		}
		add_quoted(out, s, len);
	} else if (value_is_null(v)) {
		strbuf_addstr(out, "null");
	} else if (kind == TYPE_NUMBER) {
		number_format(out, value_as_number(v));
	} else if (kind == TYPE_BOOL) {
		strbuf_addstr(out, value_as_bool(v) ? "true" : "false");
	} else {
		strbuf_addstr(out, kind == TYPE_MAP || kind == TYPE_OBJECT ? "{}" : "[]");
	}
	strbuf_addch(out, '\n');
}

static bool is_mapping(const struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));

	return !value_is_null(v) && (kind == TYPE_MAP || kind == TYPE_OBJECT) && value_len(v);
}

static bool is_sequence(const struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));

	return !value_is_null(v) && (kind == TYPE_LIST || kind == TYPE_SET || kind == TYPE_TUPLE) &&
	       value_len(v);
}

static void add_node(struct strbuf *out, const struct value *v, size_t indent);

/* Keys that are longer, or have line breaks in them, are written as `? KEY`. */
enum { SIMPLE_KEY_MAX = 128 };

static bool is_simple_key(const char *key)
{
	static const char *const breaks[] = { "\n", "\r", "\xc2\x85", "\xe2\x80\xa8",
					      "\xe2\x80\xa9" };

	for (size_t i = 0; i < ARRAY_LEN(breaks); i++)
		if (strstr(key, breaks[i]))
			return false;
	return strlen(key) <= SIMPLE_KEY_MAX;
}

static void add_complex_entry(struct strbuf *out, const char *key, const struct value *item,
			      size_t indent)
{
	AUTO(value) struct value *text = value_string(key);

	strbuf_addstr(out, "? ");
	add_scalar(out, text, indent);
	strbuf_addchars(out, ' ', indent);
	strbuf_addstr(out, ": ");
	add_node(out, item, indent + 2);
}

/* The first line starts where the text already is. */
static void add_mapping(struct strbuf *out, const struct value *v, size_t indent)
{
	for (size_t i = 0; i < value_len(v); i++) {
		const struct value *item = value_at(v, i);
		const char *key = value_key_at(v, i);

		if (i)
			strbuf_addchars(out, ' ', indent);
		if (!is_simple_key(key)) {
			add_complex_entry(out, key, item, indent);
			continue;
		}
		add_quoted(out, key, strlen(key));
		strbuf_addch(out, ':');
		if (is_mapping(item) || is_sequence(item)) {
			size_t inner = is_sequence(item) ? indent : indent + 2;

			strbuf_addch(out, '\n');
			strbuf_addchars(out, ' ', inner);
			add_node(out, item, inner);
		} else {
			strbuf_addch(out, ' ');
			add_scalar(out, item, indent);
		}
	}
}

static void add_sequence(struct strbuf *out, const struct value *v, size_t indent)
{
	for (size_t i = 0; i < value_len(v); i++) {
		if (i)
			strbuf_addchars(out, ' ', indent);
		strbuf_addstr(out, "- ");
		add_node(out, value_at(v, i), indent + 2);
	}
}

static void add_node(struct strbuf *out, const struct value *v, size_t indent)
{
	if (is_mapping(v))
		add_mapping(out, v, indent);
	else if (is_sequence(v))
		add_sequence(out, v, indent);
	else
		add_scalar(out, v, indent >= 2 ? indent - 2 : 0);
}

void yamltext_write(struct strbuf *sb, const struct value *v)
{
	add_node(sb, v, 0);
	if (value_is_null(v) || value_type(v) == type_number || value_type(v) == type_bool)
		strbuf_addstr(sb, "...\n");
}
