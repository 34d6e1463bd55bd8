/* SPDX-License-Identifier: Apache-2.0 */
#include "func/regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/alloc.h"
#include "base/strv.h"
#include "base/utf8.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

enum {
	REPEAT_MAX = 1000,
	NEST_MAX = 250,
	MATCH_LIMIT = 10 * 1000 * 1000,
	HEAP_LIMIT_KIB = 64 * 1024,
};

struct regexp {
	pcre2_code *code;
	struct strv names; /* per group; "" if it has none */
};

/* The reading of one expression. */
struct reader {
	const char *start, *p, *end;
	struct strbuf out; /* PCRE2's form */
	struct strv names;
	unsigned depth;
	unsigned open;        /* groups not closed yet */
	bool has_operand;     /* something a repetition can apply to */
	const char *repeated; /* the repetition just read, or NULL */
	struct regexp_error *why;
};

static bool refuse(struct reader *r, const char *code, const char *from, const char *to)
{
	r->why->code = code;
	strbuf_add(&r->why->expr, from, (size_t)(to - from));
	return false;
}

static const char bad_escape[] = "invalid escape sequence";
static const char bad_range[] = "invalid character class range";
static const char bad_perl[] = "invalid or unsupported Perl syntax";
static const char bad_name[] = "invalid named capture";

static void add_char(struct strbuf *out, uint32_t cp)
{
	if (cp < 0x80 && (isalnum((int)cp) || cp == '_'))
		strbuf_addch(out, (char)cp);
	else
		strbuf_addf(out, "\\x{%x}", cp);
}

static bool next_char(struct reader *r, uint32_t *ret)
{
	size_t n = utf8_decode(r->p, (size_t)(r->end - r->p), ret);

	if (!n)
		return refuse(r, "invalid UTF-8", r->p, r->end);
	r->p += n;
	return true;
}

static int peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

/* \x7F or \x{10FFFF}; r->p after the x, `from` at the backslash. */
static bool read_hex(struct reader *r, const char *from, uint32_t *ret)
{
	bool braces = peek(r) == '{';
	int digits = 0;

	*ret = 0;
	r->p += braces;
	for (; isxdigit(peek(r)) && (braces || digits < 2); r->p++, digits++) {
		int c = peek(r);

		*ret = *ret * 16 + (uint32_t)(isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
		if (*ret > 0x10ffff)
			return refuse(r, bad_escape, from, r->p + 1);
	}
	if (!digits || (!braces && digits < 2) || (braces && peek(r) != '}'))
		return refuse(r, bad_escape, from, r->p < r->end ? r->p + 1 : r->p);
	r->p += braces;
	return true;
}

/* An escape that stands for one character; r->p after the backslash. */
static bool read_escaped_char(struct reader *r, uint32_t *ret)
{
	static const char letters[] = "aftnrv", values[] = "\a\f\t\n\r\v";
	const char *from = r->p - 1, *l;
	int c = peek(r);

	if (c < 0)
		return refuse(r, "trailing backslash at end of expression", r->p, r->p);
	if (c == '0' || (is_octal(c) && r->end - r->p > 1 && is_octal((unsigned char)r->p[1]))) {
		*ret = 0;
		for (int i = 0; i < 3 && is_octal(peek(r)); i++)
			*ret = *ret * 8 + (uint32_t)(*r->p++ - '0');
		return true;
	}
	if (c == 'x') {
		r->p++;
		return read_hex(r, from, ret);
	}
	l = c ? strchr(letters, c) : NULL;
	if (l) {
		r->p++;
		*ret = (unsigned char)values[l - letters];
		return true;
	}
	if (c < 0x80 && !isalnum(c)) {
		r->p++;
		*ret = (uint32_t)c;
		return true;
	}
	if (!next_char(r, ret))
		return false;
	return refuse(r, bad_escape, from, r->p);
}

/* \d and its like, inside and outside of classes; 0: none of them. */
static const char *perl_class(int c, bool inside)
{
	switch (c) {
	case 'd':
		return "\\d";
	case 'D':
		return "\\D";
	case 'w':
		return "\\w";
	case 'W':
		return "\\W";
	case 's':
		return inside ? "\\t\\n\\f\\r\\x20" : "[\\t\\n\\f\\r\\x20]";
	case 'S':
		return inside ? "\\x{0}-\\x{8}\\x{b}\\x{e}-\\x{1f}\\x{21}-\\x{10ffff}"
			      : "[^\\t\\n\\f\\r\\x20]";
	}
	return NULL;
}

static bool is_category(const char *name, size_t len)
{
	static const char *const known[] = { "C",  "Cc", "Cf", "Co", "Cs", "L",  "Ll", "Lm", "Lo",
					     "Lt", "Lu", "M",  "Mc", "Me", "Mn", "N",  "Nd", "Nl",
					     "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps",
					     "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len && !memcmp(known[i], name, len))
			return true;
	return false;
}

/* \pL, \p{Greek}, \P{^Lu}; r->p at the p. */
static bool read_property(struct reader *r)
{
	const char *from = r->p - 1, *name, *close;
	bool negated = *r->p++ == 'P';
	size_t len;

	if (r->p == r->end)
		return refuse(r, bad_range, from, r->end);
	if (*r->p == '{') {
		close = memchr(r->p, '}', (size_t)(r->end - r->p));
		if (!close)
			return refuse(r, bad_range, from, r->end);
		name = r->p + 1;
		len = (size_t)(close - name);
		r->p = close + 1;
		if (len && *name == '^') {
			negated = !negated;
			name++;
			len--;
		}
	} else {
		name = r->p++;
		len = 1;
	}
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return refuse(r, bad_range, from, r->p);
	if (len == 3 && !memcmp(name, "Any", 3))
		strbuf_addf(&r->out, "\\%c{Any}", negated ? 'P' : 'p');
	else
		strbuf_addf(&r->out, "\\%c{%s%.*s}", negated ? 'P' : 'p',
			    is_category(name, len) ? "" : "sc:", (int)len, name);
	return true;
}

/* One end of a range in a class. */
static bool read_class_char(struct reader *r, const char *class_start, uint32_t *ret)
{
	if (r->p == r->end)
		return refuse(r, "missing closing ]", class_start, r->end);
	if (*r->p != '\\')
		return next_char(r, ret);
	r->p++;
	return read_escaped_char(r, ret);
}

static bool read_posix_class(struct reader *r)
{
	static const char *const known[] = { "alnum", "alpha", "ascii", "blank", "cntrl",
					     "digit", "graph", "lower", "print", "punct",
					     "space", "upper", "word",  "xdigit" };
	const char *close = memmem(r->p, (size_t)(r->end - r->p), ":]", 2), *name = r->p + 2;
	bool negated = r->end - r->p > 2 && *name == '^';

	if (!close)
		return false;
	name += negated;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i]) != (size_t)(close - name) ||
		    memcmp(known[i], name, (size_t)(close - name)) != 0)
			continue;
		strbuf_addf(&r->out, "[:%s%s:]", negated ? "^" : "", known[i]);
		r->p = close + 2;
		return true;
	}
	return refuse(r, bad_range, r->p, close + 2);
}

/* Something in a class that is more than one character; 1: read, 0: not, -1: refused. */
static int read_class_group(struct reader *r)
{
	const char *perl;

	if (r->end - r->p > 2 && r->p[0] == '[' && r->p[1] == ':') {
		if (read_posix_class(r))
			return 1;
		return r->why->code ? -1 : 0;
	}
	if (r->end - r->p < 2 || r->p[0] != '\\')
		return 0;
	if (r->p[1] == 'p' || r->p[1] == 'P') {
		r->p++;
		return read_property(r) ? 1 : -1;
	}
	perl = perl_class((unsigned char)r->p[1], true);
	if (!perl)
		return 0;
	strbuf_addstr(&r->out, perl);
	r->p += 2;
	return 1;
}

static bool read_class_range(struct reader *r, const char *start)
{
	const char *from = r->p;
	uint32_t low, high;

	if (!read_class_char(r, start, &low))
		return false;
	high = low;
	if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
		r->p++;
		if (!read_class_char(r, start, &high))
			return false;
		if (high < low)
			return refuse(r, bad_range, from, r->p);
	}
	add_char(&r->out, low);
	if (high != low) {
		strbuf_addch(&r->out, '-');
		add_char(&r->out, high);
	}
	return true;
}

static bool read_class(struct reader *r)
{
	const char *start = r->p++;
	bool first = true;

	strbuf_addch(&r->out, '[');
	if (peek(r) == '^') {
		r->p++;
		strbuf_addch(&r->out, '^');
	}
	for (; r->p == r->end || *r->p != ']' || first; first = false) {
		int group;

		if (r->p == r->end)
			return refuse(r, "missing closing ]", start, r->end);
		group = read_class_group(r);
		if (group < 0 || (!group && !read_class_range(r, start)))
			return false;
	}
	r->p++;
	strbuf_addch(&r->out, ']');
	r->has_operand = true;
	return true;
}

/* \Q…\E: everything in it is itself; r->p after the Q. */
static bool read_literal(struct reader *r)
{
	const char *close = memmem(r->p, (size_t)(r->end - r->p), "\\E", 2);
	const char *end = close ? close : r->end;
	uint32_t cp;

	while (r->p < end) {
		if (!next_char(r, &cp))
			return false;
		add_char(&r->out, cp);
		r->has_operand = true;
	}
	r->p = close ? close + 2 : r->end;
	return true;
}

/* A place in the text; PCRE2 repeats it only as a group. */
static void add_assertion(struct reader *r, const char *text)
{
	bool repeated = r->p < r->end && *r->p && strchr("*+?{", *r->p);

	strbuf_addf(&r->out, repeated ? "(?:%s)" : "%s", text);
	r->has_operand = true;
}

static bool read_escape(struct reader *r)
{
	const char *perl;
	uint32_t cp;
	int c;

	r->p++;
	c = peek(r);
	if (c == 'Q') {
		r->p++;
		return read_literal(r);
	}
	r->has_operand = true;
	if (c == 'p' || c == 'P')
		return read_property(r);
	perl = c >= 0 ? perl_class(c, false) : NULL;
	if (perl) {
		strbuf_addstr(&r->out, perl);
		r->p++;
		return true;
	}
	if (c == 'A' || c == 'z' || c == 'b' || c == 'B') {
		const char text[] = { '\\', (char)c, '\0' };

		r->p++;
		add_assertion(r, text);
		return true;
	}
	if (!read_escaped_char(r, &cp))
		return false;
	add_char(&r->out, cp);
	return true;
}

/* The numbers of {n}, {n,} or {n,m} (max -1: none); false: no repetition. */
static bool scan_counts(const char *p, const char *end, long *min, long *max, const char **ret_end)
{
	long *n = min;
	bool digits = false;

	*min = 0;
	*max = -1;
	for (p++; p < end && *p != '}'; p++) {
		if (*p == ',' && n == min && digits) {
			n = max;
			digits = false;
			continue;
		}
		if (!isdigit((unsigned char)*p))
			return false;
		*n = MAX(*n, 0) * 10 + (*p - '0');
		*n = MIN(*n, REPEAT_MAX + 1);
		digits = true;
	}
	if (p == end || (n == min && !digits))
		return false;
	if (n == min)
		*max = *min;
	*ret_end = p + 1;
	return true;
}

static bool read_repetition(struct reader *r)
{
	const char *from = r->p, *end = r->p + 1;
	long min = 0, max = -1;

	if (*r->p == '{' && !scan_counts(r->p, r->end, &min, &max, &end)) {
		r->p++;
		add_char(&r->out, '{');
		r->has_operand = true;
		r->repeated = NULL;
		return true;
	}
	if (!r->has_operand)
		return refuse(r, "missing argument to repetition operator", from, end);
	if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && min > max))
		return refuse(r, "invalid repeat count", from, end);
	if (end < r->end && *end == '?')
		end++;
	if (r->repeated)
		return refuse(r, "invalid nested repetition operator", r->repeated, end);
	strbuf_add(&r->out, from, (size_t)(end - from));
	r->p = end;
	r->repeated = from;
	return true;
}

static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return len > 0;
}

/* (?P<name> or (?<name>; r->p at the parenthesis, `name` after the '<'. */
static bool read_named_group(struct reader *r, const char *name)
{
	const char *close = memchr(name, '>', (size_t)(r->end - name));
	AUTO_FREE char *text = NULL;

	if (!close)
		return refuse(r, bad_name, r->p, r->end);
	if (!is_name(name, (size_t)(close - name)))
		return refuse(r, bad_name, r->p, close + 1);
	text = xstrndup(name, (size_t)(close - name));
	if (strv_contains(&r->names, text))
		return refuse(r, "duplicate capture group name", name, close);
	strv_push(&r->names, text);
	strbuf_addch(&r->out, '(');
	r->p = close + 1;
	return true;
}

/* (?i), (?s-m:…); r->p at the parenthesis. Tells if a group was opened. */
static bool read_flags(struct reader *r, bool *ret_opened)
{
	const char *from = r->p, *p = r->p + 2;
	bool minus = false, any = false;

	for (; p < r->end; p++) {
		if (*p == ':' || *p == ')')
			break;
		if (*p == '-' && !minus) {
			minus = true;
			any = false;
			continue;
		}
		if (!*p || !strchr("imsU", *p))
			return refuse(r, bad_perl, from, p + 1);
		any = true;
	}
	if (p == r->end)
		return refuse(r, "missing closing )", r->start, r->end);
	if (minus && !any)
		return refuse(r, bad_perl, from, p + 1);
	strbuf_add(&r->out, from, (size_t)(p + 1 - from));
	*ret_opened = *p == ':';
	r->p = p + 1;
	return true;
}

static bool read_group(struct reader *r)
{
	size_t left = (size_t)(r->end - r->p);
	bool opened = true;

	if (left > 3 && !memcmp(r->p, "(?P<", 4)) {
		if (!read_named_group(r, r->p + 4))
			return false;
	} else if (left > 2 && !memcmp(r->p, "(?<", 3)) {
		if (!read_named_group(r, r->p + 3))
			return false;
	} else if (left > 1 && r->p[1] == '?') {
		if (!read_flags(r, &opened))
			return false;
	} else {
		strv_push(&r->names, "");
		strbuf_addch(&r->out, '(');
		r->p++;
	}
	if (opened && ++r->open > NEST_MAX)
		return refuse(r, "expression nests too deeply", r->start, r->end);
	r->has_operand = false;
	return true;
}

static bool read_close(struct reader *r)
{
	if (!r->open)
		return refuse(r, "unexpected )", r->start, r->end);
	r->open--;
	r->p++;
	strbuf_addch(&r->out, ')');
	r->has_operand = true;
	return true;
}

static bool read_one(struct reader *r)
{
	uint32_t cp;

	switch (*r->p) {
	case '\\':
		return read_escape(r);
	case '[':
		return read_class(r);
	case '(':
		return read_group(r);
	case ')':
		return read_close(r);
	case '|':
		r->p++;
		strbuf_addch(&r->out, '|');
		r->has_operand = false;
		return true;
	case '^':
	case '$':
		r->p++;
		add_assertion(r, r->p[-1] == '^' ? "^" : "$");
		return true;
	case '.':
		strbuf_addch(&r->out, *r->p++);
		r->has_operand = true;
		return true;
	}
	if (!next_char(r, &cp))
		return false;
	add_char(&r->out, cp);
	r->has_operand = true;
	return true;
}

static bool read_all(struct reader *r)
{
	while (r->p < r->end) {
		if (strchr("*+?{", *r->p) && *r->p) {
			if (!read_repetition(r))
				return false;
			continue;
		}
		r->repeated = NULL;
		if (!read_one(r))
			return false;
	}
	if (r->open)
		return refuse(r, "missing closing )", r->start, r->end);
	return true;
}

static pcre2_code *compile(struct reader *r)
{
	pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
	PCRE2_SIZE at = 0;
	pcre2_code *code;
	int error = 0;

	pcre2_set_newline(ctx, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(ctx, NEST_MAX + 10);
	code = pcre2_compile((PCRE2_SPTR)r->out.buf, r->out.len,
			     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |
				     PCRE2_NEVER_BACKSLASH_C,
			     &error, &at, ctx);
	pcre2_compile_context_free(ctx);
	if (!code)
		refuse(r, error == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY ? bad_range : bad_perl,
		       r->start, r->end);
	return code;
}

struct regexp *regexp_new(const char *pattern, size_t len, struct regexp_error *ret_why)
{
	struct reader r = { .start = pattern,
			    .p = pattern,
			    .end = pattern + len,
			    .out = STRBUF_INIT,
			    .names = STRV_INIT,
			    .why = ret_why };
	pcre2_code *code = read_all(&r) ? compile(&r) : NULL;
	struct regexp *re = NULL;

	if (code) {
		re = NEW(struct regexp);
		re->code = code;
		re->names = r.names;
		strv_init(&r.names);
	}
	strbuf_release(&r.out);
	strv_release(&r.names);
	return re;
}

void regexp_free(struct regexp *re)
{
	if (!re)
		return;
	pcre2_code_free(re->code);
	strv_release(&re->names);
	free(re);
}

void regexp_error_release(struct regexp_error *e)
{
	strbuf_release(&e->expr);
}

size_t regexp_group_count(const struct regexp *re)
{
	return re->names.len;
}

const char *regexp_group_name(const struct regexp *re, size_t i)
{
	assert(i >= 1 && i <= re->names.len);
	return *re->names.v[i - 1] ? re->names.v[i - 1] : NULL;
}

void regexp_walk_init(struct regexp_walk *w, const struct regexp *re, const char *text, size_t len)
{
	*w = (struct regexp_walk){ .text = text, .len = len, .last_end = -1 };
	w->spans = xcalloc(regexp_group_count(re) + 1, sizeof(*w->spans));
}

void regexp_walk_release(struct regexp_walk *w)
{
	free(w->spans);
	w->spans = NULL;
}

/* 1, 0 or -1 as regexp_walk_next(); fills in the spans. */
static int match_at(struct regexp_walk *w, const struct regexp *re, struct error **err)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(re->code, NULL);
	pcre2_match_context *ctx = pcre2_match_context_create(NULL);
	int rc;

	pcre2_set_match_limit(ctx, MATCH_LIMIT);
	pcre2_set_heap_limit(ctx, HEAP_LIMIT_KIB);
	rc = pcre2_match(re->code, (PCRE2_SPTR)w->text, w->len, w->at, PCRE2_NO_UTF_CHECK, data,
			 ctx);

	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(data);

	for (size_t i = 0; rc >= 0 && i <= regexp_group_count(re); i++) {
		bool unset = i >= (size_t)rc || v[2 * i] == PCRE2_UNSET;

		w->spans[i].start = unset ? REGEXP_UNSET : (ptrdiff_t)v[2 * i];
		w->spans[i].end = unset ? REGEXP_UNSET : (ptrdiff_t)v[2 * i + 1];
	}
	pcre2_match_context_free(ctx);
	pcre2_match_data_free(data);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return error_set(err, ERROR_INVALID,
				 "the regular expression is too costly to match");
	return rc >= 0;
}

int regexp_walk_next(struct regexp_walk *w, const struct regexp *re, struct error **err)
{
	while (w->at <= w->len) {
		bool empty_again;
		uint32_t cp;
		int rc = match_at(w, re, err);

		if (rc <= 0) {
			w->at = w->len + 1;
			return rc;
		}
		/* An empty match right behind the one before does not count. */
		empty_again =
			w->spans[0].end == (ptrdiff_t)w->at && w->spans[0].start == w->last_end;
		if (w->spans[0].end > (ptrdiff_t)w->at) {
			w->at = (size_t)w->spans[0].end;
		} else {
			size_t n = utf8_decode(w->text + w->at, w->len - w->at, &cp);

			w->at += n ? n : 1;
		}
		w->last_end = w->spans[0].end;
		if (!empty_again)
			return 1;
	}
	return 0;
}
