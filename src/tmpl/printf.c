/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatting with verbs, as Go's fmt does it: flags, width and precision (also
 * from arguments), explicit argument indexes; mistakes appear in the text as
 * %!verb(…).
 */
#include "base/encode.h"
#include "base/utf8.h"
#include "tmpl/data.h"
#include "value/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1000 * 1000 };

struct spec {
	bool minus, plus, sharp, space, zero;
	bool has_width, has_precision;
	int width, precision;
	uint32_t verb;
};

struct printer {
	struct strbuf *sb;
	const struct tmpl_value *args;
	size_t n, next;  /* arguments; the one to use now */
	struct str rest; /* of the format */
	bool reordered, good_index, after_index;
	struct spec spec;
};

/* ---- padding ---------------------------------------------------------------------------- */

static void pad(struct printer *p, const char *text, size_t len)
{
	const struct spec *s = &p->spec;
	size_t used = 0;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n, used++) {
		n = utf8_decode(text + i, len - i, &cp);
		n = MAX(n, 1);
	}

	size_t fill = s->has_width && (size_t)s->width > used ? (size_t)s->width - used : 0;

	if (!s->minus)
		strbuf_addchars(p->sb, s->zero ? '0' : ' ', fill);
	strbuf_add(p->sb, text, len);
	if (s->minus)
		strbuf_addchars(p->sb, ' ', fill);
}

static void add_verb(struct printer *p)
{
	char utf8[4];

	strbuf_add(p->sb, utf8, utf8_encode(p->spec.verb, utf8));
}

static void bad_verb(struct printer *p, struct tmpl_value v)
{
	strbuf_addstr(p->sb, "%!");
	add_verb(p);
	strbuf_addch(p->sb, '(');
	if (v.kind != TMPL_NIL)
		strbuf_addf(p->sb, "%s=", tmpl_type_name(v));
	tmpl_print(p->sb, v);
	strbuf_addch(p->sb, ')');
}

/* ---- integers ------------------------------------------------------------------------------- */

static void add_digits(struct strbuf *sb, uint64_t u, unsigned base, bool upper)
{
	char digits[65];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
		u /= base;
	} while (u);
	strbuf_add(sb, digits + at, sizeof(digits) - at);
}

static const char *base_prefix(const struct spec *s, unsigned base, const char *digits)
{
	if (s->verb == 'O')
		return "0o";
	if (!s->sharp)
		return "";
	switch (base) {
	case 2:
		return "0b";
	case 8:
		return *digits == '0' ? "" : "0";
	case 16:
		return s->verb == 'X' ? "0X" : "0x";
	default:
		return "";
	}
}

static void print_int(struct printer *p, int64_t n, unsigned base)
{
	AUTO(strbuf) struct strbuf digits = STRBUF_INIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct spec *s = &p->spec;
	bool negative = n < 0, has_sign = negative || s->plus || s->space;
	size_t want = 0;

	if (s->has_precision)
		want = (size_t)s->precision;
	else if (s->zero && !s->minus && s->has_width)
		want = (size_t)s->width - (has_sign && s->width > 0);
	if (!(s->has_precision && s->precision == 0 && n == 0))
		add_digits(&digits, negative ? 0 - (uint64_t)n : (uint64_t)n, base, s->verb == 'X');
	if (digits.len < want) {
		strbuf_addchars(&text, '0', want - digits.len);
		strbuf_add(&text, digits.buf, digits.len);
		strbuf_truncate(&digits, 0);
		strbuf_add(&digits, text.buf, text.len);
		strbuf_truncate(&text, 0);
	}
	if (has_sign && (digits.len || s->precision))
		strbuf_addch(&text, negative ? '-' : s->plus ? '+' : ' ');
	if (digits.len)
		strbuf_addstr(&text, base_prefix(s, base, digits.buf));
	strbuf_add(&text, digits.buf, digits.len);
	s->zero = false;
	pad(p, text.buf, text.len);
}

static void print_rune(struct printer *p, int64_t n, bool quoted)
{
	uint32_t cp = n >= 0 && n <= 0x10ffff ? (uint32_t)n : 0xfffd;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	char utf8[4];
	size_t len = utf8_encode(cp, utf8);

	if (!len)
		len = utf8_encode(0xfffd, utf8);
	if (!quoted) {
		pad(p, utf8, len);
		return;
	}
	encode_go_quoted(&text, utf8, len);
	text.buf[0] = text.buf[text.len - 1] = '\'';
	strbuf_replace(&text, "\\\"", "\"");
	if (cp == '\'')
		strbuf_insert(&text, 1, "\\", 1);
	pad(p, text.buf, text.len);
}

static void print_code_point(struct printer *p, int64_t n)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	char utf8[4];

	strbuf_addf(&text, "U+%0*llX", p->spec.has_precision ? MAX(p->spec.precision, 4) : 4,
		    (unsigned long long)n);
	if (p->spec.sharp && n >= 0 && n <= 0x10ffff && utf8_is_printable((uint32_t)n))
		strbuf_addf(&text, " '%.*s'", (int)utf8_encode((uint32_t)n, utf8), utf8);
	p->spec.zero = false;
	pad(p, text.buf, text.len);
}

static void format_int(struct printer *p, struct tmpl_value v)
{
	switch (p->spec.verb) {
	case 'v':
	case 'd':
		print_int(p, v.integer, 10);
		break;
	case 'b':
		print_int(p, v.integer, 2);
		break;
	case 'o':
	case 'O':
		print_int(p, v.integer, 8);
		break;
	case 'x':
	case 'X':
		print_int(p, v.integer, 16);
		break;
	case 'c':
		print_rune(p, v.integer, false);
		break;
	case 'q':
		print_rune(p, v.integer, true);
		break;
	case 'U':
		print_code_point(p, v.integer);
		break;
	default:
		bad_verb(p, v);
	}
}

/* ---- floats ------------------------------------------------------------------------------------ */

/* Exponents have at least two digits, also those of two. */
static void add_hex_float(struct strbuf *sb, const struct spec *s, double d)
{
	char text[64], *exponent;

	if (s->has_precision)
		snprintf(text, sizeof(text), "%.*a", MIN(s->precision, 30), d);
	else
		snprintf(text, sizeof(text), "%a", d);
	exponent = strchr(text, 'p');
	if (!exponent) {
		strbuf_addstr(sb, text);
		return;
	}
	strbuf_add(sb, text, (size_t)(exponent - text) + 2);
	if (strlen(exponent + 2) < 2)
		strbuf_addch(sb, '0');
	strbuf_addstr(sb, exponent + 2);
}

static void add_binary_float(struct strbuf *sb, double d)
{
	int exponent;
	double mantissa = frexp(d, &exponent);

	strbuf_addf(sb, "%.0fp%+d", ldexp(mantissa, 53), d == 0 ? -1074 : exponent - 53);
}

static void add_decimal(struct strbuf *sb, const struct spec *s, char verb, double d)
{
	int precision = s->has_precision ? s->precision : 6;

	if (verb == 'e' || verb == 'E')
		strbuf_addf(sb, s->sharp ? "%#.*e" : "%.*e", precision, d);
	else if (verb == 'f')
		strbuf_addf(sb, s->sharp ? "%#.*f" : "%.*f", precision, d);
	else
		strbuf_addf(sb, s->sharp ? "%#.*g" : "%.*g", precision, d);
}

static void add_float(struct strbuf *sb, const struct spec *s, double d)
{
	char verb = (char)s->verb;

	if (verb == 'v')
		verb = 'g';
	if (verb == 'F')
		verb = 'f';
	if (verb == 'x' || verb == 'X') {
		add_hex_float(sb, s, d);
		return;
	}
	if (verb == 'b') {
		add_binary_float(sb, d);
		return;
	}
	if ((verb == 'g' || verb == 'G') && !s->has_precision && !s->sharp) {
		AUTO(number) struct number *n = number_from_double(d);

		number_format_g(sb, n, -1);
		return;
	}
	add_decimal(sb, s, verb, d);
}

static void format_float(struct printer *p, struct tmpl_value v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct spec *s = &p->spec;

	if (s->verb >= 0x80 || !strchr("vbgGxXfFeE", (int)s->verb)) {
		bad_verb(p, v);
		return;
	}
	add_float(&text, s, v.real);
	if (s->verb == 'X' || s->verb == 'G' || s->verb == 'E')
		for (char *c = text.buf; *c; c++)
			*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	if (text.buf[0] != '-' && (s->plus || s->space))
		strbuf_insert(&text, 0, s->plus ? "+" : " ", 1);

	bool has_sign = strchr("+- ", text.buf[0]) != NULL;

	/* Zeros go between the sign and the digits. */
	if (s->zero && has_sign && s->has_width && (size_t)s->width > text.len && !s->minus) {
		strbuf_addch(p->sb, text.buf[0]);
		strbuf_addchars(p->sb, '0', (size_t)s->width - text.len);
		strbuf_add(p->sb, text.buf + 1, text.len - 1);
		return;
	}
	pad(p, text.buf, text.len);
}

/* ---- texts ---------------------------------------------------------------------------------------- */

static struct str truncated(const struct spec *s, struct str text)
{
	size_t at = 0;
	uint32_t cp;

	if (!s->has_precision)
		return text;
	for (int i = 0; i < s->precision && at < text.len; i++) {
		size_t n = utf8_decode(text.p + at, text.len - at, &cp);

		at += MAX(n, 1);
	}
	return (struct str){ text.p, at };
}

static void print_hex_text(struct printer *p, struct str s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	bool upper = p->spec.verb == 'X';
	const char *prefix = upper ? "0X" : "0x";

	if (p->spec.has_precision)
		s.len = MIN(s.len, (size_t)p->spec.precision);
	for (size_t i = 0; i < s.len; i++) {
		if (i && p->spec.space)
			strbuf_addch(&text, ' ');
		if (p->spec.sharp && (p->spec.space || !i))
			strbuf_addstr(&text, prefix);
		strbuf_addf(&text, upper ? "%02X" : "%02x", (unsigned char)s.p[i]);
	}
	pad(p, text.buf, text.len);
}

/* Everything that is not ASCII as an escape. */
static void to_ascii(struct strbuf *sb)
{
	AUTO(strbuf) struct strbuf in = STRBUF_INIT;
	uint32_t cp;

	strbuf_add(&in, sb->buf, sb->len);
	strbuf_truncate(sb, 0);
	for (size_t i = 0, n; i < in.len; i += n) {
		n = utf8_decode(in.buf + i, in.len - i, &cp);
		n = MAX(n, 1);
		if (cp < 0x80)
			strbuf_addch(sb, (char)cp);
		else
			strbuf_addf(sb, cp > 0xffff ? "\\U%08x" : "\\u%04x", cp);
	}
}

static bool can_be_raw(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '`' || c == 0x7f || (c < ' ' && c != '\t'))
			return false;
	}
	return utf8_is_valid(s.p, s.len);
}

static void print_quoted(struct printer *p, struct str s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	s = truncated(&p->spec, s);
	if (p->spec.sharp && can_be_raw(s)) {
		strbuf_addch(&text, '`');
		strbuf_add(&text, s.p, s.len);
		strbuf_addch(&text, '`');
	} else {
		encode_go_quoted(&text, s.p, s.len);
		if (p->spec.plus)
			to_ascii(&text);
	}
	pad(p, text.buf, text.len);
}

static void format_text(struct printer *p, struct tmpl_value v)
{
	struct str s;

	switch (p->spec.verb) {
	case 'v':
	case 's':
		if (p->spec.verb == 'v' && p->spec.sharp) {
			p->spec.sharp = false;
			print_quoted(p, v.text);
			break;
		}
		s = truncated(&p->spec, v.text);
		pad(p, s.p, s.len);
		break;
	case 'x':
	case 'X':
		print_hex_text(p, v.text);
		break;
	case 'q':
		print_quoted(p, v.text);
		break;
	default:
		bad_verb(p, v);
	}
}

/* ---- one argument ---------------------------------------------------------------------------------- */

static void format_value(struct printer *p, struct tmpl_value v);

static void format_elements(struct printer *p, struct tmpl_value v)
{
	bool is_map = v.kind == TMPL_MAP, is_source = p->spec.verb == 'v' && p->spec.sharp;
	struct spec spec = p->spec;

	if (is_source)
		strbuf_addf(p->sb, "%s{", tmpl_type_name(v));
	else
		strbuf_addstr(p->sb, is_map ? "map[" : "[");
	for (size_t i = 0; i < tmpl_len(v) && !p->sb->overflow; i++) {
		if (i)
			strbuf_addstr(p->sb, is_source ? ", " : " ");
		p->spec = spec;
		if (is_map) {
			format_value(p, tmpl_string(str_of(value_key_at(v.data, i))));
			strbuf_addch(p->sb, ':');
			p->spec = spec;
		}
		format_value(p, tmpl_at(v, i));
	}
	strbuf_addch(p->sb, is_source ? '}' : ']');
}

static void format_value(struct printer *p, struct tmpl_value v)
{
	switch (v.kind) {
	case TMPL_NIL:
		if (p->spec.verb == 'v')
			pad(p, "<nil>", strlen("<nil>"));
		else
			bad_verb(p, v);
		break;
	case TMPL_BOOL:
		if (p->spec.verb == 't' || p->spec.verb == 'v')
			pad(p, v.boolean ? "true" : "false", v.boolean ? 4 : 5);
		else
			bad_verb(p, v);
		break;
	case TMPL_INT:
	case TMPL_BYTE:
		format_int(p, v);
		break;
	case TMPL_FLOAT:
		format_float(p, v);
		break;
	case TMPL_STRING:
		format_text(p, v);
		break;
	case TMPL_LIST:
	case TMPL_MAP:
		format_elements(p, v);
		break;
	}
}

static void format_argument(struct printer *p, struct tmpl_value v)
{
	if (p->spec.verb == 'T')
		pad(p, tmpl_type_name(v), strlen(tmpl_type_name(v)));
	else
		format_value(p, v);
}

/* ---- the format -------------------------------------------------------------------------------------- */

static char front(const struct printer *p)
{
	return p->rest.len ? *p->rest.p : '\0';
}

static void skip(struct printer *p, size_t n)
{
	p->rest.p += n;
	p->rest.len -= n;
}

static void read_flags(struct printer *p)
{
	struct spec *s = &p->spec;

	for (;; skip(p, 1)) {
		switch (front(p)) {
		case '#':
			s->sharp = true;
			break;
		case '0':
			s->zero = true;
			break;
		case '+':
			s->plus = true;
			break;
		case '-':
			s->minus = true;
			break;
		case ' ':
			s->space = true;
			break;
		default:
			return;
		}
	}
}

/* False when there is none or it is too large. */
static bool read_number(struct printer *p, int *ret)
{
	int n = 0;
	bool any = false;

	for (; front(p) >= '0' && front(p) <= '9'; skip(p, 1)) {
		any = true;
		if (n <= WIDTH_MAX)
			n = n * 10 + (front(p) - '0');
	}
	*ret = n;
	return any && n <= WIDTH_MAX;
}

/* `[3]` */
static void read_index(struct printer *p)
{
	const char *stop;
	int n = 0;

	p->after_index = false;
	if (front(p) != '[')
		return;
	p->reordered = true;
	stop = memchr(p->rest.p, ']', p->rest.len);
	if (!stop) {
		p->good_index = false;
		skip(p, 1);
		return;
	}
	skip(p, 1);

	bool ok = read_number(p, &n) && p->rest.p == stop && n >= 1 && (size_t)n <= p->n;

	skip(p, (size_t)(stop - p->rest.p) + 1);
	p->good_index = p->good_index && ok;
	p->after_index = ok;
	if (ok)
		p->next = (size_t)n - 1;
}

/* `*` */
static bool number_argument(struct printer *p, int *ret)
{
	bool ok = p->next < p->n &&
		  (p->args[p->next].kind == TMPL_INT || p->args[p->next].kind == TMPL_BYTE) &&
		  llabs((long long)p->args[p->next].integer) <= WIDTH_MAX;

	if (ok)
		*ret = (int)p->args[p->next].integer;
	if (p->next < p->n)
		p->next++;
	p->after_index = false;
	skip(p, 1);
	return ok;
}

static void read_width(struct printer *p)
{
	struct spec *s = &p->spec;

	if (front(p) == '*') {
		s->has_width = number_argument(p, &s->width);
		if (!s->has_width)
			strbuf_addstr(p->sb, "%!(BADWIDTH)");
		if (s->width < 0) {
			s->width = -s->width;
			s->minus = true;
			s->zero = false;
		}
		return;
	}
	s->has_width = read_number(p, &s->width);
	if (p->after_index && s->has_width)
		p->good_index = false;
}

static void read_precision(struct printer *p)
{
	struct spec *s = &p->spec;

	if (front(p) != '.')
		return;
	skip(p, 1);
	if (p->after_index)
		p->good_index = false;
	read_index(p);
	if (front(p) == '*') {
		s->has_precision = number_argument(p, &s->precision) && s->precision >= 0;
		if (!s->has_precision)
			strbuf_addstr(p->sb, "%!(BADPREC)");
		return;
	}
	s->has_precision = true;
	if (!read_number(p, &s->precision))
		s->precision = 0;
}

static void run_verb(struct printer *p)
{
	size_t n = utf8_decode(p->rest.p, p->rest.len, &p->spec.verb);

	if (!n) {
		n = 1;
		p->spec.verb = 0xfffd;
	}
	skip(p, n);
	if (p->spec.verb == '%') {
		strbuf_addch(p->sb, '%');
		return;
	}
	if (p->good_index && p->next < p->n) {
		format_argument(p, p->args[p->next++]);
		return;
	}
	strbuf_addstr(p->sb, "%!");
	add_verb(p);
	strbuf_addstr(p->sb, p->good_index ? "(MISSING)" : "(BADINDEX)");
}

static void run_directive(struct printer *p)
{
	skip(p, 1);
	p->spec = (struct spec){ 0 };
	p->good_index = true;
	read_flags(p);
	read_index(p);
	read_width(p);
	read_precision(p);
	if (!p->after_index)
		read_index(p);
	if (p->rest.len)
		run_verb(p);
	else
		strbuf_addstr(p->sb, "%!(NOVERB)");
}

static void complain_of_extra(struct printer *p)
{
	strbuf_addstr(p->sb, "%!(EXTRA ");
	for (size_t i = p->next; i < p->n; i++) {
		strbuf_addstr(p->sb, i > p->next ? ", " : "");
		if (p->args[i].kind != TMPL_NIL)
			strbuf_addf(p->sb, "%s=", tmpl_type_name(p->args[i]));
		tmpl_print(p->sb, p->args[i]);
	}
	strbuf_addch(p->sb, ')');
}

void tmpl_printf(struct strbuf *sb, struct str format, const struct tmpl_value *args, size_t n)
{
	struct printer p = { .sb = sb, .args = args, .n = n, .rest = format };

	while (p.rest.len && !sb->overflow) {
		const char *percent = memchr(p.rest.p, '%', p.rest.len);
		size_t plain = percent ? (size_t)(percent - p.rest.p) : p.rest.len;

		strbuf_add(sb, p.rest.p, plain);
		skip(&p, plain);
		if (percent)
			run_directive(&p);
	}
	if (!p.reordered && p.next < n)
		complain_of_extra(&p);
}
