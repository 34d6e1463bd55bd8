/* SPDX-License-Identifier: Apache-2.0 */
#include "value/jsontext.h"

#include "base/encode.h"
#include "base/str.h"
#include "base/utf8.h"
#include "value/valuevec.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 1000 };

static void quote_char(struct strbuf *sb, unsigned char c, const char *also)
{
	static const char escapes[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *e = c ? strchr(escapes, c) : NULL;

	if (e)
		strbuf_addf(sb, "\\%c", letters[e - escapes]);
	else if (c < 0x20 || strchr(also, c))
		strbuf_addf(sb, "\\u%04x", c);
	else
		strbuf_addch(sb, (char)c);
}

static void quote(struct strbuf *sb, const char *s, size_t len, const char *also)
{
	strbuf_addch(sb, '"');
	for (size_t i = 0; i < len; i++) {
		/* U+2028 and U+2029 end lines in JavaScript. */
		if (len - i >= 3 && !memcmp(s + i, "\xe2\x80", 2) &&
		    (s[i + 2] == '\xa8' || s[i + 2] == '\xa9')) {
			strbuf_addf(sb, "\\u202%d", s[i + 2] == '\xa8' ? 8 : 9);
			i += 2;
			continue;
		}
		quote_char(sb, (unsigned char)s[i], also);
	}
	strbuf_addch(sb, '"');
}

void jsontext_quote(struct strbuf *sb, const char *s, size_t len)
{
	quote(sb, s, len, "<>&");
}

void jsontext_quote_readable(struct strbuf *sb, const char *s, size_t len)
{
	quote(sb, s, len, "&");
}

struct reader {
	const char *p, *end;
	unsigned depth;
	bool is_data; /* jsontext_decode_data() */
	struct error **err;
};

static struct value *fail_at(struct reader *r, const char *context)
{
	AUTO(strbuf) struct strbuf c = STRBUF_INIT;
	char text[4];

	if (r->p == r->end) {
		error_set(r->err, ERROR_INVALID, "%s", context);
		return NULL;
	}
	if (*r->p == '\'') {
		strbuf_addstr(&c, "'\\''");
	} else if (*r->p == '"') {
		strbuf_addstr(&c, "'\"'");
	} else {
		encode_go_quoted(&c, text, utf8_encode((unsigned char)*r->p, text));
		c.buf[0] = c.buf[c.len - 1] = '\'';
	}
	error_set(r->err, ERROR_INVALID, "invalid character %s%s%s", c.buf, *context ? " " : "",
		  context);
	return NULL;
}

/* The text ended where more was needed; between tokens that is a plain end. */
static struct value *fail(struct reader *r, const char *context)
{
	return fail_at(r, r->p == r->end ? "EOF" : context);
}

static struct value *fail_inside(struct reader *r, const char *context)
{
	return fail_at(r, r->p == r->end ? "unexpected EOF" : context);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n'))
		r->p++;
}

static bool read_hex4(struct reader *r, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++, r->p++) {
		if (r->p == r->end || !isxdigit((unsigned char)*r->p)) {
			fail_inside(r, "in \\u hexadecimal character escape");
			return false;
		}
		*ret = *ret * 16 + (uint32_t)(isdigit((unsigned char)*r->p)
						      ? *r->p - '0'
						      : (*r->p | 32) - 'a' + 10);
	}
	return true;
}

static bool read_unicode_escape(struct reader *r, struct strbuf *out)
{
	uint32_t cp, low;
	char text[4];

	if (!read_hex4(r, &cp))
		return false;
	if (cp >= 0xd800 && cp < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' &&
	    r->p[1] == 'u') {
		const char *back = r->p;

		r->p += 2;
		if (!read_hex4(r, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000)
			cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
		else
			r->p = back;
	}
	if (cp >= 0xd800 && cp < 0xe000)
		cp = 0xfffd;
	strbuf_add(out, text, utf8_encode(cp, text));
	return true;
}

static bool read_escape(struct reader *r, struct strbuf *out)
{
	static const char letters[] = "bfnrt\"\\/", bytes[] = "\b\f\n\r\t\"\\/";
	const char *l = r->p < r->end && *r->p ? strchr(letters, *r->p) : NULL;

	if (l) {
		strbuf_addch(out, bytes[l - letters]);
		r->p++;
		return true;
	}
	if (r->p < r->end && *r->p == 'u') {
		r->p++;
		return read_unicode_escape(r, out);
	}
	fail_inside(r, "in string escape code");
	return false;
}

/* At the character after the opening quote. */
static bool read_string(struct reader *r, struct strbuf *out)
{
	for (;;) {
		const char *start = r->p;

		while (r->p < r->end && *r->p != '"' && *r->p != '\\' &&
		       (unsigned char)*r->p >= 0x20)
			r->p++;
		strbuf_add(out, start, (size_t)(r->p - start));
		if (r->p == r->end || (unsigned char)*r->p < 0x20) {
			fail_inside(r, "in string literal");
			return false;
		}
		if (*r->p++ == '"')
			return true;
		if (!read_escape(r, out))
			return false;
	}
}

static bool read_digits(struct reader *r, const char *context)
{
	if (r->p == r->end || !isdigit((unsigned char)*r->p)) {
		fail_inside(r, context);
		return false;
	}
	while (r->p < r->end && isdigit((unsigned char)*r->p))
		r->p++;
	return true;
}

static struct value *data_number(struct reader *r, struct str text)
{
	AUTO(number) struct number *n = number_parse(text.p, text.len);
	double d = n ? number_to_double(n) : HUGE_VAL;

	if (!isinf(d))
		return value_number_take(number_from_double(d));
	error_set(r->err, ERROR_INVALID,
		  "json: cannot unmarshal number %.*s into Go value of type float64",
		  STR_FMT(text));
	return NULL;
}

static struct value *read_number(struct reader *r)
{
	const char *start = r->p;

	if (*r->p == '-')
		r->p++;
	if (r->p < r->end && *r->p == '0')
		r->p++;
	else if (!read_digits(r, "in numeric literal"))
		return NULL;
	if (r->p < r->end && *r->p == '.') {
		r->p++;
		if (!read_digits(r, "after decimal point in numeric literal"))
			return NULL;
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		r->p++;
		if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
			r->p++;
		if (!read_digits(r, "in exponent of numeric literal"))
			return NULL;
	}

	if (r->is_data)
		return data_number(r, (struct str){ start, (size_t)(r->p - start) });

	struct number *n = number_parse(start, (size_t)(r->p - start));

	if (!n) {
		error_set(r->err, ERROR_INVALID, "number out of range");
		return NULL;
	}
	return value_number_take(n);
}

static struct value *read_literal(struct reader *r)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (*r->p != words[i][0])
			continue;
		for (const char *w = words[i] + 1; *w; w++) {
			r->p++;
			if (r->p < r->end && *r->p == *w)
				continue;

			AUTO_FREE char *context =
				xasprintf("in literal %s (expecting '%c')", words[i], *w);

			return fail_inside(r, context);
		}
		r->p++;
		return i == 2 ? value_null(type_dynamic) : value_bool(i == 0);
	}
	return fail(r, "looking for beginning of value");
}

/* Bad bytes become U+FFFD. */
static void add_clean(struct strbuf *out, const char *s, size_t len)
{
	while (len) {
		uint32_t cp;
		size_t n = utf8_decode(s, len, &cp);

		if (n)
			strbuf_add(out, s, n);
		else
			strbuf_addstr(out, "\xef\xbf\xbd");
		n = MAX(n, (size_t)1);
		s += n;
		len -= n;
	}
}

static struct value *data_string(const struct strbuf *text)
{
	AUTO(strbuf) struct strbuf clean = STRBUF_INIT;

	if (utf8_is_valid(text->buf, text->len))
		return value_string_as_is(text->buf, text->len);
	add_clean(&clean, text->buf, text->len);
	return value_string_as_is(clean.buf, clean.len);
}

static struct value *read_value(struct reader *r);

static struct value *read_array(struct reader *r)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	skip_space(r);
	if (r->p < r->end && *r->p == ']') {
		r->p++;
		return value_tuple_take(NULL, 0);
	}
	for (;;) {
		struct value *v = read_value(r);

		if (!v)
			return NULL;
		*vec_push(&items) = v;
		skip_space(r);
		if (r->p == r->end || (*r->p != ',' && *r->p != ']'))
			return fail(r, "after array element");
		if (*r->p++ == ']')
			break;
	}
	return value_vec_tuple(&items);
}

static bool read_member(struct reader *r, struct map *items)
{
	AUTO(strbuf) struct strbuf key = STRBUF_INIT;
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;

	skip_space(r);
	if (r->p == r->end || *r->p != '"') {
		/* The decoder behind jsondecode() says no more about the first key. */
		fail(r,
		     items->len || r->is_data ? "looking for beginning of object key string" : "");
		return false;
	}
	r->p++;
	if (!read_string(r, &key))
		return false;
	skip_space(r);
	if (r->p == r->end || *r->p != ':') {
		fail(r, "after object key");
		return false;
	}
	r->p++;

	struct value *v = read_value(r);

	if (!v)
		return false;
	if (r->is_data)
		add_clean(&name, key.buf, key.len);
	else
		utf8_nfc(&name, key.buf, key.len);

	map_set(items, name.buf, v);
	return true;
}

static struct value *read_object(struct reader *r)
{
	AUTO(map) struct map items = { 0 };

	value_map_init(&items);
	skip_space(r);
	if (r->p < r->end && *r->p == '}') {
		r->p++;
		return value_object_take(&items);
	}
	for (;;) {
		if (!read_member(r, &items))
			return NULL;
		skip_space(r);
		if (r->p == r->end || (*r->p != ',' && *r->p != '}'))
			return fail(r, "after object key:value pair");
		if (*r->p++ == '}')
			return value_object_take(&items);
	}
}

static struct value *read_nested(struct reader *r)
{
	struct value *v;

	if (r->depth == DEPTH_MAX) {
		error_set(r->err, ERROR_INVALID, "exceeded max depth");
		return NULL;
	}
	r->depth++;
	v = *r->p++ == '[' ? read_array(r) : read_object(r);
	r->depth--;
	return v;
}

static struct value *read_value(struct reader *r)
{
	skip_space(r);
	if (r->p == r->end)
		return fail(r, "");
	if (*r->p == '[' || *r->p == '{')
		return read_nested(r);
	if (*r->p == '-' || isdigit((unsigned char)*r->p))
		return read_number(r);
	if (*r->p != '"')
		return read_literal(r);

	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	r->p++;
	if (!read_string(r, &text))
		return NULL;
	return r->is_data ? data_string(&text) : value_string_len(text.buf, text.len);
}

struct value *jsontext_decode(const char *text, size_t len, struct error **err)
{
	struct reader r = { .p = text, .end = text + len, .err = err };
	AUTO(value) struct value *v = read_value(&r);

	if (!v)
		return NULL;
	skip_space(&r);
	if (r.p != r.end) {
		error_set(err, ERROR_INVALID, "extraneous data after JSON object");
		return NULL;
	}
	return TAKE(v);
}

struct value *jsontext_decode_data(const char *text, size_t len, struct error **err)
{
	struct reader r = { .p = text, .end = text + len, .is_data = true, .err = err };
	struct value *v;

	skip_space(&r);
	if (r.p == r.end) {
		error_set(err, ERROR_INVALID, "EOF");
		return NULL;
	}
	v = read_value(&r);
	/* Between words, too. */
	if (!v && r.p == r.end) {
		error_free(TAKE(*err));
		error_set(err, ERROR_INVALID, "unexpected EOF");
	}
	return v;
}
