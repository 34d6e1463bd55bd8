/* SPDX-License-Identifier: Apache-2.0 */
#include "func/rfc3339.h"

#include "base/duration.h"
#include "base/encode.h"
#include "base/gotime.h"

#include <ctype.h>
#include <string.h>

struct reader {
	const char *p;
	struct error **err;
};

static int complain(struct reader *r, const char *what)
{
	return error_set(r->err, ERROR_INVALID, "not a valid RFC3339 timestamp%s", what);
}

static int complain_part(struct reader *r, const char *at, const char *part)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!*at) {
		strbuf_addf(&text, ": end of string before %s", part);
	} else {
		strbuf_addstr(&text, ": cannot use ");
		encode_go_quoted(&text, at, strlen(at));
		strbuf_addf(&text, " as %s", part);
	}
	return complain(r, text.buf);
}

static int read_digits(struct reader *r, int count, const char *part, int *ret)
{
	const char *at = r->p;

	*ret = 0;
	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)r->p[i]))
			return complain_part(r, at, part);
		*ret = *ret * 10 + (r->p[i] - '0');
	}
	r->p += count;
	return 0;
}

static int read_literal(struct reader *r, char c)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (*r->p == c) {
		r->p++;
		return 0;
	}
	if (c == 'T')
		return complain(r, ": missing required time introducer 'T'");
	if (!*r->p) {
		strbuf_addf(&text, ": end of string where \"%c\" is expected", c);
	} else {
		strbuf_addstr(&text, ": found ");
		encode_go_quoted(&text, r->p, strlen(r->p));
		strbuf_addf(&text, " where \"%c\" is expected", c);
	}
	return complain(r, text.buf);
}

static int days_in_month(int64_t year, int month)
{
	int64_t next =
		month == 12 ? civil_to_days(year + 1, 1, 1) : civil_to_days(year, month + 1, 1);

	return (int)(next - civil_to_days(year, month, 1));
}

static int read_date(struct reader *r, int64_t *ret_days)
{
	int year = 0, month = 0, day = 0;

	if (read_digits(r, 4, "year", &year) < 0 || read_literal(r, '-') < 0 ||
	    read_digits(r, 2, "month", &month) < 0)
		return -1;
	if (month < 1 || month > 12)
		return complain_part(r, r->p, "month");
	if (read_literal(r, '-') < 0 || read_digits(r, 2, "day of month", &day) < 0)
		return -1;
	if ((day < 1 || day > days_in_month(year, month)) && *r->p == 'T')
		return complain(r, ": day out of range");
	*ret_days = civil_to_days(year, month, day);
	return read_literal(r, 'T');
}

static int read_hour(struct reader *r, int *ret)
{
	if (isdigit((unsigned char)*r->p) && r->p[1] == ':')
		return complain(r, ": hour must have exactly two digits");
	if (read_digits(r, 2, "hour", ret) < 0)
		return -1;
	if (*ret > 23)
		return complain(r, ": hour must be between 0 and 23 inclusive");
	return 0;
}

static int read_minute(struct reader *r, int *ret)
{
	if (isdigit((unsigned char)*r->p) && r->p[1] == ':')
		return complain(r, ": minute must have exactly two digits");
	if (read_digits(r, 2, "minute", ret) < 0)
		return -1;
	return *ret > 59 ? complain_part(r, r->p, "minute") : 0;
}

static int read_fraction(struct reader *r, struct stamp *t)
{
	int64_t scale = NSEC_PER_SEC / 10;

	if (*r->p == ',')
		return complain(r, ": cannot use \",\" as timestamp segment");
	if (*r->p != '.' || !isdigit((unsigned char)r->p[1]))
		return 0;
	t->has_fraction = true;
	for (r->p++; isdigit((unsigned char)*r->p); r->p++) {
		t->ns += (*r->p - '0') * scale;
		scale /= 10;
	}
	return 0;
}

static int read_offset(struct reader *r, struct stamp *t)
{
	const char *at = r->p;
	int hours, minutes;
	int sign = *at == '-' ? -1 : 1;
	bool digits = true;

	if (*at == 'Z') {
		r->p++;
		return 0;
	}
	if (*at != '+' && *at != '-')
		return complain_part(r, at, "UTC offset");
	for (int i = 1; i < 6 && digits; i++)
		digits = i == 3 ? at[i] == ':' : isdigit((unsigned char)at[i]) != 0;
	if (!digits)
		return complain_part(r, at, "UTC offset");
	hours = (at[1] - '0') * 10 + (at[2] - '0');
	minutes = (at[4] - '0') * 10 + (at[5] - '0');
	if (hours > 23 || minutes > 59)
		return complain_part(r, at, "UTC offset");
	t->offset = sign * (hours * 3600 + minutes * 60);
	r->p += 6;
	return 0;
}

int rfc3339_parse_text(const char *s, struct stamp *ret, struct error **err)
{
	struct reader r = { s, err };
	struct stamp t = { 0 };
	int64_t days = 0, seconds;
	int hour = 0, minute = 0, second = 0;

	if (read_date(&r, &days) < 0 || read_hour(&r, &hour) < 0 || read_literal(&r, ':') < 0 ||
	    read_minute(&r, &minute) < 0 || read_literal(&r, ':') < 0 ||
	    read_digits(&r, 2, "second", &second) < 0)
		return -1;
	if (second > 59)
		return complain_part(&r, r.p, "second");
	if (read_fraction(&r, &t) < 0 || read_offset(&r, &t) < 0)
		return -1;
	if (*r.p)
		return complain_part(&r, r.p, "timestamp segment");
	seconds = days * 86400 + hour * 3600 + minute * 60 + second - t.offset;
	if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &seconds) ||
	    __builtin_add_overflow(seconds, t.ns, &t.ns))
		return complain(&r, ": year out of range");
	*ret = t;
	return 0;
}

void rfc3339_format(struct strbuf *sb, const struct stamp *t)
{
	struct civil c;
	int32_t off = t->offset < 0 ? -t->offset : t->offset;

	civil_from_ns(&c, t->ns + (int64_t)t->offset * NSEC_PER_SEC);
	strbuf_addf(sb, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month, c.day,
		    c.hour, c.minute, c.second);
	if (!t->offset)
		strbuf_addch(sb, 'Z');
	else
		strbuf_addf(sb, "%c%02d:%02d", t->offset < 0 ? '-' : '+', off / 3600,
			    off / 60 % 60);
}
