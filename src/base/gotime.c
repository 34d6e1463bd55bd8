/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gotime.h"

#include "base/duration.h"

#include <string.h>

const char *const civil_months[12] = {
	"January", "February", "March",     "April",   "May",      "June",
	"July",    "August",   "September", "October", "November", "December",
};
const char *const civil_weekdays[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

/* Counts years from March, so that the leap day ends one. */
int64_t civil_to_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719468;
}

void civil_from_ns(struct civil *ret, int64_t ns)
{
	int64_t per_day = 86400 * NSEC_PER_SEC;
	int64_t days = ns / per_day - (ns % per_day < 0);
	int64_t rest = ns - days * per_day;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t day_of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t mp = (5 * day_of_year + 2) / 153;
	int64_t seconds = rest / NSEC_PER_SEC;

	ret->day = (int)(day_of_year - (153 * mp + 2) / 5 + 1);
	ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	ret->year = y + era * 400 + (ret->month <= 2);
	ret->hour = (int)(seconds / 3600);
	ret->minute = (int)(seconds / 60 % 60);
	ret->second = (int)(seconds % 60);
	ret->nanosecond = (int)(rest % NSEC_PER_SEC);
	ret->weekday = (int)(((days % 7) + 11) % 7);
	ret->year_day = (int)(days - civil_to_days(ret->year, 1, 1) + 1);
}

/* ---- Go layouts ------------------------------------------------------------- */

enum token {
	T_YEAR,
	T_YEAR2,
	T_MONTH_NAME,
	T_MONTH_SHORT,
	T_MONTH02,
	T_MONTH1,
	T_DAY02,
	T_DAY_SPACE,
	T_DAY,
	T_YEAR_DAY02,
	T_YEAR_DAY_SPACE,
	T_WEEKDAY,
	T_WEEKDAY_SHORT,
	T_HOUR24,
	T_HOUR12_02,
	T_HOUR12,
	T_MINUTE02,
	T_MINUTE,
	T_SECOND02,
	T_SECOND,
	T_PM,
	T_PM_LOWER,
	T_ZONE,
	T_ZULU,
	T_OFFSET_SECONDS_COLON,
	T_OFFSET_COLON,
	T_OFFSET,
	T_OFFSET_HOUR,
};

/* Longest first where one starts another. */
static const struct {
	const char *text;
	enum token token;
} tokens[] = {
	{ "January", T_MONTH_NAME },
	{ "Monday", T_WEEKDAY },
	{ "Z07:00", T_ZULU },
	{ "-07:00", T_OFFSET_COLON },
	{ "Z0700", T_ZULU },
	{ "-0700", T_OFFSET },
	{ "2006", T_YEAR },
	{ "Jan", T_MONTH_SHORT },
	{ "Mon", T_WEEKDAY_SHORT },
	{ "MST", T_ZONE },
	{ "Z07", T_ZULU },
	{ "-07", T_OFFSET_HOUR },
	{ "002", T_YEAR_DAY02 },
	{ "__2", T_YEAR_DAY_SPACE },
	{ "01", T_MONTH02 },
	{ "02", T_DAY02 },
	{ "03", T_HOUR12_02 },
	{ "04", T_MINUTE02 },
	{ "05", T_SECOND02 },
	{ "06", T_YEAR2 },
	{ "15", T_HOUR24 },
	{ "_2", T_DAY_SPACE },
	{ "PM", T_PM },
	{ "pm", T_PM_LOWER },
	{ "1", T_MONTH1 },
	{ "2", T_DAY },
	{ "3", T_HOUR12 },
	{ "4", T_MINUTE },
	{ "5", T_SECOND },
};

static int hour12(const struct civil *c)
{
	return c->hour % 12 ? c->hour % 12 : 12;
}

/* check: long switch */
static void put_token(struct strbuf *sb, const struct civil *c, enum token token)
{
	switch (token) {
	case T_YEAR:
		strbuf_addf(sb, "%04lld", (long long)c->year);
		break;
	case T_YEAR2:
		strbuf_addf(sb, "%02lld", (long long)(c->year % 100));
		break;
	case T_MONTH_NAME:
		strbuf_addstr(sb, civil_months[c->month - 1]);
		break;
	case T_MONTH_SHORT:
		strbuf_add(sb, civil_months[c->month - 1], 3);
		break;
	case T_MONTH02:
		strbuf_addf(sb, "%02d", c->month);
		break;
	case T_MONTH1:
		strbuf_addf(sb, "%d", c->month);
		break;
	case T_DAY02:
		strbuf_addf(sb, "%02d", c->day);
		break;
	case T_DAY_SPACE:
		strbuf_addf(sb, "%2d", c->day);
		break;
	case T_DAY:
		strbuf_addf(sb, "%d", c->day);
		break;
	case T_YEAR_DAY02:
		strbuf_addf(sb, "%03d", c->year_day);
		break;
	case T_YEAR_DAY_SPACE:
		strbuf_addf(sb, "%3d", c->year_day);
		break;
	case T_WEEKDAY:
		strbuf_addstr(sb, civil_weekdays[c->weekday]);
		break;
	case T_WEEKDAY_SHORT:
		strbuf_add(sb, civil_weekdays[c->weekday], 3);
		break;
	case T_HOUR24:
		strbuf_addf(sb, "%02d", c->hour);
		break;
	case T_HOUR12_02:
		strbuf_addf(sb, "%02d", hour12(c));
		break;
	case T_HOUR12:
		strbuf_addf(sb, "%d", hour12(c));
		break;
	case T_MINUTE02:
		strbuf_addf(sb, "%02d", c->minute);
		break;
	case T_MINUTE:
		strbuf_addf(sb, "%d", c->minute);
		break;
	case T_SECOND02:
		strbuf_addf(sb, "%02d", c->second);
		break;
	case T_SECOND:
		strbuf_addf(sb, "%d", c->second);
		break;
	case T_PM:
		strbuf_addstr(sb, c->hour >= 12 ? "PM" : "AM");
		break;
	case T_PM_LOWER:
		strbuf_addstr(sb, c->hour >= 12 ? "pm" : "am");
		break;
	case T_ZONE:
		strbuf_addstr(sb, "UTC");
		break;
	case T_ZULU:
		strbuf_addch(sb, 'Z');
		break;
	case T_OFFSET_SECONDS_COLON:
		strbuf_addstr(sb, "+00:00:00");
		break;
	case T_OFFSET_COLON:
		strbuf_addstr(sb, "+00:00");
		break;
	case T_OFFSET:
		strbuf_addstr(sb, "+0000");
		break;
	case T_OFFSET_HOUR:
		strbuf_addstr(sb, "+00");
		break;
	}
}

/* `.000`, `,000` (fixed) or `.999` (trailing zeros dropped); returns bytes of the layout used. */
static size_t put_fraction(struct strbuf *sb, const struct civil *c, const char *p)
{
	size_t n = 1;

	if ((*p != '.' && *p != ',') || (p[1] != '0' && p[1] != '9'))
		return 0;
	while (p[n] == p[1])
		n++;
	if (p[n] >= '0' && p[n] <= '9')
		return 0;

	size_t digits = n - 1 > 9 ? 9 : n - 1;
	char text[10];

	snprintf(text, sizeof(text), "%09d", c->nanosecond);
	text[digits] = '\0';
	if (p[1] == '9')
		while (digits && text[digits - 1] == '0')
			text[--digits] = '\0';
	if (digits)
		strbuf_addf(sb, "%c%s", *p, text);
	return n;
}

void gotime_format(struct strbuf *sb, int64_t ns, const char *layout)
{
	struct civil c;

	civil_from_ns(&c, ns);
	for (const char *p = layout; *p;) {
		size_t used = put_fraction(sb, &c, p);

		for (size_t i = 0; !used && i < ARRAY_LEN(tokens); i++) {
			size_t n = strlen(tokens[i].text);

			if (strncmp(p, tokens[i].text, n))
				continue;
			put_token(sb, &c, tokens[i].token);
			used = n;
		}
		if (!used) {
			strbuf_addch(sb, *p);
			used = 1;
		}
		p += used;
	}
}

void gotime_strftime(struct strbuf *sb, int64_t ns, const char *format)
{
	static const char letters[] = "BbmAadHIMSYypZzL%";
	static const char *const layouts[] = {
		"January", "Jan",  "01", "Monday", "Mon", "02",    "15",   "03", "04",
		"05",      "2006", "06", "PM",     "MST", "-0700", ".000", "%",
	};

	for (const char *p = format; *p; p++) {
		const char *hit = *p == '%' && p[1] ? strchr(letters, p[1]) : NULL;

		if (!hit) {
			strbuf_addch(sb, *p);
			continue;
		}
		gotime_format(sb, ns, layouts[hit - letters]);
		p++;
	}
}
