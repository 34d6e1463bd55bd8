/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include "base/str.h"

#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },           { "us", 1000 },      { "\302\265s", 1000 }, /* micro sign */
	{ "\316\274s", 1000 },                                             /* Greek mu */
	{ "ms", 1000000 },     { "s", 1000000000 }, { "m", 60000000000 },  { "h", 3600000000000 },
};

/* The largest magnitude: that of INT64_MIN. */
static const uint64_t limit = UINT64_C(1) << 63;

/* Go's time package quotes everything outside printable ASCII as bytes. */
static void add_quoted(struct strbuf *sb, struct str s)
{
	strbuf_addch(sb, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c >= 0x80) {
			strbuf_addf(sb, "\\x%02x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, (char)c);
	}
	strbuf_addch(sb, '"');
}

static int bad(struct error **err, const char *what, const char *s)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	add_quoted(&sb, str_of(s));
	return error_set(err, ERROR_INVALID, "time: %s duration %s", what, sb.buf);
}

static int unknown_unit(struct error **err, struct str name, const char *s)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "unknown unit ");
	add_quoted(&sb, name);
	strbuf_addstr(&sb, " in");
	return bad(err, sb.buf, s);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Appends a digit to *n; false when the result does not fit. */
static bool add_digit(uint64_t *n, char c)
{
	uint64_t digit = (uint64_t)(c - '0');

	if (*n > (limit - digit) / 10)
		return false;
	*n = *n * 10 + digit;
	return true;
}

/* DIGITS, false when the number is too large. */
static bool read_whole(const char **p, uint64_t *ret)
{
	*ret = 0;
	for (; is_digit(**p); (*p)++)
		if (!add_digit(ret, **p))
			return false;
	return true;
}

/* What follows the dot, as n / scale; digits that do not fit cannot matter. */
static void read_fraction(const char **p, double *ret_n, double *ret_scale)
{
	uint64_t n = 0;
	double scale = 1;
	bool full = false;

	for (; is_digit(**p); (*p)++) {
		full = full || !add_digit(&n, **p);
		if (!full)
			scale *= 10;
	}
	*ret_n = (double)n;
	*ret_scale = scale;
}

static const struct unit *find_unit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_is(name, units[i].name))
			return &units[i];
	return NULL;
}

/* One NUMBER UNIT at *p, in nanoseconds. */
static int read_term(const char **p, const char *whole, uint64_t *ret, struct error **err)
{
	const char *start = *p;
	double fraction = 0, scale = 1;
	uint64_t n = 0;

	if (!read_whole(p, &n))
		return bad(err, "invalid", whole);

	size_t digits = (size_t)(*p - start);

	if (**p == '.') {
		const char *after = ++*p;

		read_fraction(p, &fraction, &scale);
		digits += (size_t)(*p - after);
	}
	if (!digits)
		return bad(err, "invalid", whole);

	struct str name = { *p, strcspn(*p, ".0123456789") };

	if (!name.len)
		return bad(err, "missing unit in", whole);

	const struct unit *unit = find_unit(name);

	if (!unit)
		return unknown_unit(err, name, whole);
	*p += name.len;
	if (n > limit / unit->ns)
		return bad(err, "invalid", whole);
	n = n * unit->ns + (uint64_t)(fraction * ((double)unit->ns / scale));
	if (n > limit)
		return bad(err, "invalid", whole);
	*ret = n;
	return 0;
}

int duration_parse(const char *s, int64_t *ret_ns, struct error **err)
{
	const char *p = s;
	bool negative = *p == '-';
	uint64_t total = 0;

	if (*p == '-' || *p == '+')
		p++;
	if (text_eq(p, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p)
		return bad(err, "invalid", s);
	while (*p) {
		uint64_t term = 0;

		if (read_term(&p, s, &term, err) < 0)
			return -1;
		if (term > limit - total)
			return bad(err, "invalid", s);
		total += term;
	}
	if (total == limit && !negative)
		return bad(err, "invalid", s);
	*ret_ns = (int64_t)(negative ? 0 - total : total);
	return 0;
}

int duration_parse_age(const char *s, int64_t *ret_ns, struct error **err)
{
	static const uint64_t day = 24 * UINT64_C(3600000000000);
	const char *p = s;
	int64_t rest = 0;
	uint64_t days;

	if (!is_digit(*p) || !read_whole(&p, &days) || *p != 'd') {
		p = s;
		days = 0;
	} else if (days > INT64_MAX / day) {
		return bad(err, "invalid", s);
	} else {
		p++;
	}
	if ((*p || p == s) && duration_parse(p, &rest, err) < 0)
		return -1;
	if (rest < 0 || __builtin_add_overflow(rest, (int64_t)(days * day), ret_ns))
		return bad(err, "invalid", s);
	return 0;
}

/* n / 10^digits without trailing zeros after the point. */
static void add_decimal(struct strbuf *sb, uint64_t n, int digits)
{
	uint64_t scale = 1;

	for (int i = 0; i < digits; i++)
		scale *= 10;
	strbuf_addf(sb, "%llu", (unsigned long long)(n / scale));
	n %= scale;
	if (!n)
		return;
	for (; n % 10 == 0; n /= 10)
		digits--;
	strbuf_addf(sb, ".%0*llu", digits, (unsigned long long)n);
}

static uint64_t magnitude(int64_t ns)
{
	return ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
}

void duration_format(struct strbuf *sb, int64_t ns)
{
	uint64_t n = magnitude(ns);

	if (!n) {
		strbuf_addstr(sb, "0s");
		return;
	}
	if (ns < 0)
		strbuf_addch(sb, '-');
	if (n < 1000) {
		strbuf_addf(sb, "%lluns", (unsigned long long)n);
	} else if (n < 1000000) {
		add_decimal(sb, n, 3);
		strbuf_addstr(sb, "\302\265s");
	} else if (n < 1000000000) {
		add_decimal(sb, n, 6);
		strbuf_addstr(sb, "ms");
	} else {
		uint64_t minutes = n / 60000000000;

		if (minutes >= 60)
			strbuf_addf(sb, "%lluh", (unsigned long long)(minutes / 60));
		if (minutes)
			strbuf_addf(sb, "%llum", (unsigned long long)(minutes % 60));
		add_decimal(sb, n % 60000000000, 9);
		strbuf_addch(sb, 's');
	}
}

void duration_format_words(struct strbuf *sb, int64_t ns)
{
	static const struct unit words[] = {
		{ "year", UINT64_C(365) * 86400 * 1000000000 },
		{ "week", UINT64_C(7) * 86400 * 1000000000 },
		{ "day", UINT64_C(86400) * 1000000000 },
		{ "hour", UINT64_C(3600) * 1000000000 },
		{ "minute", UINT64_C(60) * 1000000000 },
		{ "second", 1000000000 },
		{ "millisecond", 1000000 },
		{ "microsecond", 1000 },
	};
	uint64_t rest = magnitude(ns);
	int shown = 0;

	if (rest < 1000) {
		strbuf_addstr(sb, "0 seconds");
		return;
	}
	if (ns < 0)
		strbuf_addch(sb, '-');
	for (size_t i = 0; i < ARRAY_LEN(words) && shown < 2; i++) {
		unsigned long long n = rest / words[i].ns;

		rest %= words[i].ns;
		if (!n)
			continue;
		strbuf_addf(sb, "%s%llu %s%s", shown++ ? " " : "", n, words[i].name,
			    n == 1 ? "" : "s");
	}
}
