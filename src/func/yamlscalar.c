/* SPDX-License-Identifier: Apache-2.0 */
#include "func/yamlscalar.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/gotime.h"
#include "func/rfc3339.h"

#include <ctype.h>
#include <string.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

static struct value *read_null(const char *s)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

	return is_one_of(s, words) ? value_null(type_dynamic) : NULL;
}

static struct value *read_bool(const char *s)
{
	static const char *const yes[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
					   "True", "TRUE", "on",  "On",  "ON",  NULL };
	static const char *const no[] = { "n",     "N",     "no",  "No",  "NO",  "false",
					  "False", "FALSE", "off", "Off", "OFF", NULL };

	if (is_one_of(s, yes))
		return value_bool(true);
	return is_one_of(s, no) ? value_bool(false) : NULL;
}

static struct value *read_infinity(const char *s)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", NULL };
	bool negative = *s == '-';

	s += negative || *s == '+';
	return is_one_of(s, words) ? value_number_take(number_infinity(negative)) : NULL;
}

static struct value *read_number(const char *s)
{
	AUTO(strbuf) struct strbuf digits = STRBUF_INIT;
	struct number *n;
	bool negative = *s == '-';
	size_t sign = negative || *s == '+';

	if (!isdigit((unsigned char)s[0]) && *s != '.' && !sign)
		return NULL;
	for (const char *p = s; *p; p++)
		if (*p != '_')
			strbuf_addch(&digits, *p);
	if (digits.len > sign + 2 && !strncmp(digits.buf + sign, "0b", 2)) {
		AUTO_FREE char *text =
			xasprintf("%s%s", negative ? "-" : "", digits.buf + sign + 2);

		n = isdigit((unsigned char)digits.buf[sign + 2]) ? number_parse_int(text, 2) : NULL;
	} else {
		n = number_parse(digits.buf, digits.len);
	}
	return n ? value_number_take(n) : NULL;
}

static bool take_number(const char **p, int most, int *ret)
{
	int digits = 0;

	*ret = 0;
	for (; isdigit((unsigned char)**p) && digits < most; (*p)++, digits++)
		*ret = *ret * 10 + (**p - '0');
	return digits > 0;
}

/* 2006-1-2, with or without a time of day; *ret canonical RFC 3339. */
static bool read_timestamp(const char *p, struct strbuf *ret)
{
	int year, month, day, hour = 0, minute = 0, second = 0;
	const char *zone = "Z";
	struct error *err = NULL;
	struct stamp t;
	char separator;

	for (int i = 0; i < 4; i++)
		if (!isdigit((unsigned char)p[i]))
			return false;
	if (!take_number(&p, 4, &year) || *p++ != '-' || !take_number(&p, 2, &month) ||
	    *p++ != '-' || !take_number(&p, 2, &day))
		return false;
	separator = *p;
	if (separator) {
		if (!strchr("Tt ", separator))
			return false;
		p++;
		if (!take_number(&p, 2, &hour) || *p++ != ':' || !take_number(&p, 2, &minute) ||
		    *p++ != ':' || !take_number(&p, 2, &second))
			return false;
		if (*p == '.')
			for (p++; isdigit((unsigned char)*p);)
				p++;
		if (separator != ' ')
			zone = p;
		else if (*p)
			return false;
	}

	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%04d-%02d-%02dT%02d:%02d:%02d%s", year, month, day, hour, minute,
		    second, zone);
	if (rfc3339_parse_text(text.buf, &t, &err) < 0) {
		error_ignore(&err, "then it is plain text");
		return false;
	}
	rfc3339_format(ret, &t);
	return true;
}

static struct value *read_time(const char *s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	return read_timestamp(s, &text) ? value_string_len(text.buf, text.len) : NULL;
}

static struct value *read_binary(const char *s)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	return decode_base64(&bytes, s, strlen(s)) ? value_string(s) : NULL;
}

static struct value *read_plain(const char *s, size_t len, struct error **err)
{
	static const char *const nan[] = { ".nan", ".NaN", ".NAN", NULL };
	static struct value *(*const readers[])(
		const char *) = { read_null, read_bool, read_infinity, read_number, read_time };

	if (is_one_of(s, nan)) {
		error_set(err, ERROR_INVALID, "floating point NaN is not supported");
		return NULL;
	}
	for (size_t i = 0; strlen(s) == len && i < ARRAY_LEN(readers); i++) {
		struct value *v = readers[i](s);

		if (v)
			return v;
	}
	return value_string_len(s, len);
}

static struct value *read_float(const char *s)
{
	struct value *v = read_infinity(s);

	return v ? v : read_number(s);
}

static struct value *read_int(const char *s)
{
	struct value *v = read_number(s);

	if (!v || number_is_integer(value_as_number(v)))
		return v;
	value_unref(v);
	return NULL;
}

struct value *yamlscalar_value(const char *text, size_t len, const char *tag, bool plain,
			       struct error **err)
{
	static const struct {
		const char *tag;
		struct value *(*read)(const char *);
		const char *why;
	} tags[] = {
		{ TAG_PREFIX "null", read_null, "" },
		{ TAG_PREFIX "bool", read_bool, "" },
		{ TAG_PREFIX "int", read_int, "" },
		{ TAG_PREFIX "float", read_float, "" },
		{ TAG_PREFIX "timestamp", read_time, "" },
		{ TAG_PREFIX "binary", read_binary, ": not valid base64" },
	};
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	if (!tag || !*tag)
		return plain ? read_plain(text, len, err) : value_string_len(text, len);
	if (!strcmp(tag, TAG_PREFIX "str"))
		return value_string_len(text, len);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (strcmp(tags[i].tag, tag) != 0)
			continue;

		struct value *v = tags[i].read(text);

		encode_go_quoted(&quoted, text, len);
		if (!v)
			error_set(err, ERROR_INVALID, "cannot parse %s as %s%s", quoted.buf, tag,
				  tags[i].why);
		if (!v || plain || !value_is_known(v))
			return v;
		/* What is quoted stays a text, which only has to look like its tag. */
		value_unref(v);
		return value_string_len(text, len);
	}
	encode_go_quoted(&quoted, tag, strlen(tag));
	error_set(err, ERROR_INVALID, "unsupported tag %s", quoted.buf);
	return NULL;
}
