/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar time in UTC, and its text in Go layouts and strftime (language.md 21.4, 21.5). */
#pragma once

#include "base/strbuf.h"

#include <stdint.h>

struct civil {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second, nanosecond;
	int weekday;  /* 0 = Sunday */
	int year_day; /* from 1 */
};

/* ns since the epoch, UTC; proleptic Gregorian calendar. */
void civil_from_ns(struct civil *ret, int64_t ns);
int64_t civil_to_days(int64_t year, int month, int day); /* since 1970-01-01 */
extern const char *const civil_months[12];               /* "January" … */
extern const char *const civil_weekdays[7];              /* "Sunday" … */

/* `layout` in terms of Go's reference time, 2006-01-02 15:04:05. */
void gotime_format(struct strbuf *sb, int64_t ns, const char *layout);
void gotime_strftime(struct strbuf *sb, int64_t ns, const char *format);
