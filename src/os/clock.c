/* SPDX-License-Identifier: Apache-2.0 */
#include "os/clock.h"

#include "base/duration.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

int64_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_deadline(int64_t ns)
{
	int64_t now = clock_monotonic(), deadline;

	if (ns <= 0)
		return now - 1;
	return __builtin_add_overflow(now, ns, &deadline) ? DEADLINE_NEVER : deadline;
}

/* Whole seconds, rounded down also before the epoch. */
static time_t seconds_of(int64_t wall_ns)
{
	return (time_t)(wall_ns / NSEC_PER_SEC - (wall_ns % NSEC_PER_SEC < 0));
}

static void add_date(struct strbuf *sb, const struct tm *tm)
{
	strbuf_addf(sb, "%04d-%02d-%02dT%02d:%02d:%02d", tm->tm_year + 1900, tm->tm_mon + 1,
		    tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec);
}

void clock_format_utc(struct strbuf *sb, int64_t wall_ns)
{
	time_t t = seconds_of(wall_ns);
	struct tm tm;

	gmtime_r(&t, &tm);
	add_date(sb, &tm);
	strbuf_addch(sb, 'Z');
}

void clock_format_local(struct strbuf *sb, int64_t wall_ns)
{
	time_t t = seconds_of(wall_ns);
	struct tm tm;

	localtime_r(&t, &tm);
	add_date(sb, &tm);

	long minutes = tm.tm_gmtoff / 60;
	char sign = minutes < 0 ? '-' : '+';

	if (minutes < 0)
		minutes = -minutes;
	if (minutes)
		strbuf_addf(sb, "%c%02ld:%02ld", sign, minutes / 60, minutes % 60);
	else
		strbuf_addch(sb, 'Z');
}
