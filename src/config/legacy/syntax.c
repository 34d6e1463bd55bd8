/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a text JSON, and if not, where and why in the words of 1.1. Only told
 * apart here; the tree is made by lang/json.h.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "config/legacy/legacy.h"

struct checker {
	const char *text;
	size_t len, at;
	char *message;      /* heap; set ends it */
	struct strbuf open; /* the brackets around */
};

static void fail_at_end(struct checker *c)
{
	if (!c->message)
		c->message = xstrdup("unexpected end of JSON input");
	c->at = c->len;
}

/* The byte at the checker's place is wrong. */
static void fail(struct checker *c, const char *where)
{
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	char byte = c->text[c->at], utf8[4];

	if (c->message)
		return;
	if (byte == '\'')
		strbuf_addstr(&quoted, "'\\''");
	else if (byte == '"')
		strbuf_addstr(&quoted, "'\"'");
	else {
		/* A byte beyond ASCII is shown as the character of that number. */
		encode_go_quoted(&quoted, utf8, utf8_encode((unsigned char)byte, utf8));
		quoted.buf[0] = quoted.buf[quoted.len - 1] = '\'';
	}
	c->message = xasprintf("invalid character %s %s", quoted.buf, where);
	c->at++;
}

static bool more(struct checker *c)
{
	if (c->message)
		return false;
	if (c->at < c->len)
		return true;
	fail_at_end(c);
	return false;
}

static void skip_space(struct checker *c)
{
	while (c->at < c->len && strchr(" \t\r\n", c->text[c->at]) && c->text[c->at])
		c->at++;
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static void check_escape(struct checker *c)
{
	c->at++;
	if (!more(c))
		return;
	if (!strchr("bfnrt\\/\"u", c->text[c->at]) || !c->text[c->at]) {
		fail(c, "in string escape code");
		return;
	}
	if (c->text[c->at++] != 'u')
		return;
	for (int i = 0; i < 4 && more(c); i++) {
		if (!strchr("0123456789abcdefABCDEF", c->text[c->at]) || !c->text[c->at])
			fail(c, "in \\u hexadecimal character escape");
		else
			c->at++;
	}
}

/* At the quote. */
static void check_string(struct checker *c)
{
	c->at++;
	while (more(c)) {
		unsigned char byte = (unsigned char)c->text[c->at];

		if (byte == '"') {
			c->at++;
			return;
		}
		if (byte == '\\')
			check_escape(c);
		else if (byte < ' ')
			fail(c, "in string literal");
		else
			c->at++;
	}
}

static void check_digits(struct checker *c, const char *where)
{
	if (!more(c))
		return;
	if (!is_digit(c->text[c->at])) {
		fail(c, where);
		return;
	}
	while (c->at < c->len && is_digit(c->text[c->at]))
		c->at++;
}

static void check_number(struct checker *c)
{
	if (c->text[c->at] == '-')
		c->at++;
	if (c->at < c->len && c->text[c->at] == '0')
		c->at++;
	else
		check_digits(c, "in numeric literal");
	if (!c->message && c->at < c->len && c->text[c->at] == '.') {
		c->at++;
		check_digits(c, "after decimal point in numeric literal");
	}
	if (!c->message && c->at < c->len && (c->text[c->at] | 0x20) == 'e') {
		c->at++;
		if (c->at < c->len && (c->text[c->at] == '+' || c->text[c->at] == '-'))
			c->at++;
		check_digits(c, "in exponent of numeric literal");
	}
}

static void check_word(struct checker *c, const char *word)
{
	for (const char *p = word; *p && more(c); p++) {
		AUTO_FREE char *where = xasprintf("in literal %s (expecting '%c')", word, *p);

		if (c->text[c->at] == *p)
			c->at++;
		else
			fail(c, where);
	}
}

/* A name, the colon, and the way to the value. */
static void check_name(struct checker *c)
{
	skip_space(c);
	if (!more(c))
		return;
	if (c->text[c->at] != '"') {
		fail(c, "looking for beginning of object key string");
		return;
	}
	check_string(c);
	skip_space(c);
	if (!more(c))
		return;
	if (c->text[c->at] != ':')
		fail(c, "after object key");
	else
		c->at++;
}

/* False when a value must follow. */
static bool open_or_scalar(struct checker *c)
{
	char byte = c->text[c->at];

	if (byte == '{' || byte == '[') {
		c->at++;
		strbuf_addch(&c->open, byte);
		skip_space(c);
		if (c->at < c->len && c->text[c->at] == (byte == '{' ? '}' : ']')) {
			c->at++;
			strbuf_truncate(&c->open, c->open.len - 1);
			return true;
		}
		if (byte == '{')
			check_name(c);
		return false;
	}
	if (byte == '"')
		check_string(c);
	else if (byte == '-' || is_digit(byte))
		check_number(c);
	else if (byte == 't')
		check_word(c, "true");
	else if (byte == 'f')
		check_word(c, "false");
	else if (byte == 'n')
		check_word(c, "null");
	else
		fail(c, "looking for beginning of value");
	return true;
}

/* Behind a value: false when another one follows. */
static bool close_after_value(struct checker *c)
{
	while (c->open.len > 0) {
		bool is_object = c->open.buf[c->open.len - 1] == '{';

		skip_space(c);
		if (!more(c))
			return true;
		if (c->text[c->at] == ',') {
			c->at++;
			if (is_object)
				check_name(c);
			return false;
		}
		if (c->text[c->at] != (is_object ? '}' : ']')) {
			fail(c, is_object ? "after object key:value pair" : "after array element");
			return true;
		}
		c->at++;
		strbuf_truncate(&c->open, c->open.len - 1);
	}
	return true;
}

static void check_all(struct checker *c)
{
	for (bool done = false; !done && !c->message;) {
		skip_space(c);
		if (!more(c))
			return;
		done = open_or_scalar(c) && close_after_value(c);
	}
	skip_space(c);
	if (!c->message && c->at < c->len)
		fail(c, "after top-level value");
}

char *legacy_syntax_error(const char *text, size_t len, size_t *ret_offset)
{
	struct checker c = { .text = text, .len = len, .open = STRBUF_INIT };

	check_all(&c);
	strbuf_release(&c.open);
	*ret_offset = c.at;
	return c.message;
}
