/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Deadlines are points of the monotonic clock in nanoseconds. */
#pragma once

#include "base/strbuf.h"

#include <stdint.h>
#include <time.h>

#define DEADLINE_NEVER INT64_MAX

int64_t clock_monotonic(void); /* ns */
int64_t clock_wall(void);      /* ns since the epoch, UTC */
int64_t clock_ns(struct timespec t);
/* clock_monotonic() + ns, saturating; ns <= 0 gives a deadline that has passed. */
int64_t clock_deadline(int64_t ns);
/* RFC 3339 with seconds; local offset or "Z". */
void clock_format_local(struct strbuf *sb, int64_t wall_ns);
void clock_format_utc(struct strbuf *sb, int64_t wall_ns);
