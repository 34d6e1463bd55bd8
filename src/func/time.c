/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on time (language.md 21.1, 21.4, 21.5). */
#include "base/duration.h"
#include "base/encode.h"
#include "base/gotime.h"
#include "func/args.h"
#include "func/rfc3339.h"
#include "func/rows.h"
#include "os/clock.h"

#include <ctype.h>
#include <string.h>

static struct value *text_value(const struct strbuf *sb)
{
	return value_string_len(sb->buf, sb->len);
}

static struct value *call_timestamp(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	clock_format_utc(&out, call->world->now());
	return text_value(&out);
}

static struct value *start_time(const struct func_call *call,
				void (*format)(struct strbuf *, int64_t, const char *),
				struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (call->argc > 1)
		return fail(err, "too many values, 1 needed: %zu", call->argc);
	if (call->argc)
		format(&out, call->world->start_time, arg_text(call, 0));
	else
		clock_format_utc(&out, call->world->start_time);
	return text_value(&out);
}

static struct value *call_legacy_isotime(const struct func_call *call, struct error **err)
{
	return start_time(call, gotime_format, err);
}

static struct value *call_legacy_strftime(const struct func_call *call, struct error **err)
{
	return start_time(call, gotime_strftime, err);
}

static bool read_stamp(const struct func_call *call, size_t i, struct stamp *ret,
		       struct error **err)
{
	if (rfc3339_parse_text(arg_text(call, i), ret, err) == 0)
		return true;
	*call->ret_bad_arg = (int)i;
	return false;
}

/* The time of a stamp as the clocks at its own offset show it. */
static void local_civil(struct civil *ret, const struct stamp *t)
{
	civil_from_ns(ret, t->ns + (int64_t)t->offset * NSEC_PER_SEC);
}

static void add_offset(struct strbuf *out, int32_t offset, const char *colon)
{
	int32_t off = offset < 0 ? -offset : offset;

	strbuf_addf(out, "%c%02d%s%02d", offset < 0 ? '-' : '+', off / 3600, colon, off / 60 % 60);
}

static void add_name(struct strbuf *out, const char *name, size_t count)
{
	strbuf_addf(out, "%.*s", count == 3 ? 3 : (int)strlen(name), name);
}

static bool add_date_verb(struct strbuf *out, const struct civil *c, char letter, size_t n)
{
	if (letter == 'Y' && n == 4)
		strbuf_addf(out, "%04lld", (long long)c->year);
	else if (letter == 'Y' && n == 2)
		strbuf_addf(out, "%02d", (int)(c->year % 100));
	else if (letter == 'M' && (n == 3 || n == 4))
		add_name(out, civil_months[c->month - 1], n);
	else if (letter == 'M' && n <= 2)
		strbuf_addf(out, "%0*d", (int)n, c->month);
	else if (letter == 'D' && n <= 2)
		strbuf_addf(out, "%0*d", (int)n, c->day);
	else if (letter == 'E' && (n == 3 || n == 4))
		add_name(out, civil_weekdays[c->weekday], n);
	else
		return false;
	return true;
}

static bool add_time_verb(struct strbuf *out, const struct civil *c, char letter, size_t n)
{
	int hour12 = c->hour % 12 ? c->hour % 12 : 12;

	if (n > 2)
		return false;
	if (letter == 'h')
		strbuf_addf(out, "%0*d", (int)n, c->hour);
	else if (letter == 'H')
		strbuf_addf(out, "%0*d", (int)n, hour12);
	else if (letter == 'm')
		strbuf_addf(out, "%0*d", (int)n, c->minute);
	else if (letter == 's')
		strbuf_addf(out, "%0*d", (int)n, c->second);
	else if (letter == 'A' && n == 2)
		strbuf_addstr(out, c->hour < 12 ? "AM" : "PM");
	else if (letter == 'a' && n == 2)
		strbuf_addstr(out, c->hour < 12 ? "am" : "pm");
	else
		return false;
	return true;
}

static bool add_zone_verb(struct strbuf *out, int32_t offset, size_t n)
{
	if (n == 1 && !offset)
		strbuf_addch(out, 'Z');
	else if (n == 3 && !offset)
		strbuf_addstr(out, "UTC");
	else if (n == 3 || n == 4)
		add_offset(out, offset, "");
	else if (n == 1 || n == 5)
		add_offset(out, offset, ":");
	else
		return false;
	return true;
}

static struct value *bad_verb(const struct func_call *call, const char *verb, size_t n,
			      struct error **err)
{
	static const struct {
		char letter;
		const char *rule;
	} rules[] = {
		{ 'Y', "year must either be \"YY\" or \"YYYY\"" },
		{ 'M', "month must be \"M\", \"MM\", \"MMM\", or \"MMMM\"" },
		{ 'D', "day of month must either be \"D\" or \"DD\"" },
		{ 'E', "day of week must either be \"EEE\" or \"EEEE\"" },
		{ 'h', "24-hour must either be \"h\" or \"hh\"" },
		{ 'H', "12-hour must either be \"H\" or \"HH\"" },
		{ 'A', "must be \"AA\"" },
		{ 'a', "must be \"aa\"" },
		{ 'm', "minute must either be \"m\" or \"mm\"" },
		{ 's', "second must either be \"s\" or \"ss\"" },
		{ 'Z', "timezone must be Z, ZZZZ, or ZZZZZ" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].letter == *verb)
			return fail_arg(call, 0, err, "invalid date format verb \"%.*s\": %s",
					(int)n, verb, rules[i].rule);
	return fail_arg(call, 0, err, "invalid date format verb \"%.*s\"", (int)n, verb);
}

/* 'text' with '' for a quote; returns the end, or NULL if it has none. */
static const char *add_quoted(struct strbuf *out, const char *p)
{
	for (p++; *p; p++) {
		if (*p != '\'') {
			strbuf_addch(out, *p);
			continue;
		}
		if (p[1] != '\'')
			return p + 1;
		strbuf_addch(out, *p++);
	}
	return NULL;
}

static struct value *call_formatdate(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	const char *p = arg_text(call, 0);
	struct stamp t;
	struct civil c;

	if (!read_stamp(call, 1, &t, err))
		return NULL;
	local_civil(&c, &t);
	while (*p) {
		size_t n = 1;

		if (p[0] == '\'' && p[1] == '\'') {
			strbuf_addch(&out, '\'');
			p += 2;
			continue;
		}
		if (*p == '\'') {
			p = add_quoted(&out, p);
			if (!p)
				return fail_arg(call, 0, err, "unterminated literal '");
			continue;
		}
		if (!isalpha((unsigned char)*p)) {
			strbuf_addch(&out, *p++);
			continue;
		}
		while (p[n] == *p)
			n++;
		if (!add_date_verb(&out, &c, *p, n) && !add_time_verb(&out, &c, *p, n) &&
		    !(*p == 'Z' && add_zone_verb(&out, t.offset, n)))
			return bad_verb(call, p, n, err);
		p += n;
	}
	return text_value(&out);
}

static struct value *call_timeadd(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	struct stamp t;
	int64_t ns;

	if (rfc3339_parse_text(arg_text(call, 0), &t, err) < 0 ||
	    duration_parse(arg_text(call, 1), &ns, err) < 0)
		return NULL;
	if (__builtin_add_overflow(t.ns, ns, &t.ns))
		return fail(err, "the result is out of range");
	rfc3339_format(&out, &t);
	return text_value(&out);
}

/* ISO 8601: the year and number of the week that holds this week's Thursday. */
static void iso_week(const struct civil *c, int64_t *ret_year, int *ret_week)
{
	int64_t day = civil_to_days(c->year, c->month, c->day);
	int64_t thursday = day - (c->weekday + 6) % 7 + 3;
	struct civil t;

	civil_from_ns(&t, thursday * 86400 * NSEC_PER_SEC);
	*ret_year = t.year;
	*ret_week = (t.year_day - 1) / 7 + 1;
}

static struct value *stamp_object(const struct stamp *t, bool with_text)
{
	struct map m;
	struct civil c;
	int64_t iso_year;
	int week;

	local_civil(&c, t);
	iso_week(&c, &iso_year, &week);
	value_map_init(&m);
	map_set(&m, "year", value_int(c.year));
	map_set(&m, "year_day", value_int(c.year_day));
	map_set(&m, "day", value_int(c.day));
	map_set(&m, "month", value_int(c.month));
	map_set(&m, "month_name", value_string(civil_months[c.month - 1]));
	map_set(&m, "weekday", value_int(c.weekday));
	map_set(&m, "weekday_name", value_string(civil_weekdays[c.weekday]));
	map_set(&m, "hour", value_int(c.hour));
	map_set(&m, "minute", value_int(c.minute));
	map_set(&m, "second", value_int(c.second));
	map_set(&m, "iso_year", value_int(iso_year));
	map_set(&m, "iso_week", value_int(week));
	if (with_text) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		rfc3339_format(&text, t);
		map_set(&m, "rfc3339", text_value(&text));
	} else {
		int64_t s = t->ns / NSEC_PER_SEC - (t->ns % NSEC_PER_SEC < 0);

		map_set(&m, "unix", value_int(s));
	}
	return value_object_take(&m);
}

static struct value *call_rfc3339_parse(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	AUTO(error) struct error *why = NULL;
	struct stamp t;

	strbuf_addstr(&text, arg_text(call, 0));
	/* One space instead of the T is fine here. */
	if (text.len > 10 && text.buf[10] == ' ')
		text.buf[10] = 'T';
	if (rfc3339_parse_text(text.buf, &t, &why) == 0)
		return stamp_object(&t, false);
	encode_go_quoted(&quoted, arg_text(call, 0), arg_size(call, 0));
	return fail_arg(call, 0, err, "%s is not a valid RFC3339 timestamp", quoted.buf);
}

static struct value *call_unix_timestamp_parse(const struct func_call *call, struct error **err)
{
	struct stamp t = { 0 };
	int64_t seconds;

	if (!arg_int(call, 0, &seconds, err)) {
		error_prefix(err, "unix_timestamp must be a whole number of seconds representable "
				  "as a 64-bit integer");
		*call->ret_bad_arg = 0;
		return NULL;
	}
	if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &t.ns))
		return fail_arg(call, 0, err, "unix_timestamp is out of range");
	return stamp_object(&t, true);
}

const struct func_def func_formatdate = {
	.name = "formatdate",
	.params = PARAMS({ "format", &type_string, 0 }, { "time", &type_string, 0 }),
	.call = call_formatdate,
	.returns = &type_string,
	.doc = "Writes a time stamp in another format.",
	.example = "formatdate(\"YYYY-MM-DD\", \"2020-01-02T03:04:05Z\")",
	.result = "\"2020-01-02\"",
};

const struct func_def func_legacy_isotime = {
	.name = "legacy_isotime",
	.is_fresh = true,
	.variadic = VARIADIC("format", &type_string, 0),
	.call = call_legacy_isotime,
	.returns = &type_string,
	.doc = "Gives the time ingot was started, in a layout like \"2006-01-02\".",
	.example = "legacy_isotime(\"2006-01-02\")",
	.result = "\"2020-01-02\"",
};

const struct func_def func_legacy_strftime = {
	.name = "legacy_strftime",
	.is_fresh = true,
	.variadic = VARIADIC("format", &type_string, 0),
	.call = call_legacy_strftime,
	.returns = &type_string,
	.doc = "Gives the time ingot was started, in a format like \"%Y-%m-%d\".",
	.example = "legacy_strftime(\"%Y-%m-%d\")",
	.result = "\"2020-01-02\"",
};

const struct func_def func_rfc3339_parse = {
	.name = "rfc3339_parse",
	.params = PARAMS({ "timestamp", &type_string, 0 }),
	.call = call_rfc3339_parse,
	.doc = "Takes a time stamp apart.",
	.example = "rfc3339_parse(\"2020-01-02T03:04:05Z\").weekday_name",
	.result = "\"Thursday\"",
};

const struct func_def func_timeadd = {
	.name = "timeadd",
	.params = PARAMS({ "timestamp", &type_string, 0 }, { "duration", &type_string, 0 }),
	.call = call_timeadd,
	.returns = &type_string,
	.doc = "Adds a duration such as \"1h30m\" to a time stamp.",
	.example = "timeadd(\"2020-01-02T03:04:05Z\", \"90s\")",
	.result = "\"2020-01-02T03:05:35Z\"",
};

const struct func_def func_timestamp = {
	.name = "timestamp",
	.is_fresh = true,
	.call = call_timestamp,
	.returns = &type_string,
	.doc = "Gives the present time, each time anew.",
	.example = "timestamp()",
	.result = "\"2020-01-02T03:04:05Z\"",
};

const struct func_def func_unix_timestamp_parse = {
	.name = "unix_timestamp_parse",
	.params = PARAMS({ "unix_timestamp", &type_number, 0 }),
	.call = call_unix_timestamp_parse,
	.doc = "Takes apart a time given in seconds since 1970.",
	.example = "unix_timestamp_parse(86400).rfc3339",
	.result = "\"1970-01-02T00:00:00Z\"",
};
