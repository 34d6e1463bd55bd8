/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations in Go's syntax (shared specs: language.md 21.2, cli.md 3.5), in
 * nanoseconds. int64_t holds about 292 years.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stdint.h>

#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)

/* "1h30m", "-1.5s", "300ms", "0". Error text as Go's: `time: invalid duration "x"` … */
MUST_CHECK int duration_parse(const char *s, int64_t *ret_ns, struct error **err);
/* How old something may be: the same, not negative, also with days first ("7d", "1d12h"). */
MUST_CHECK int duration_parse_age(const char *s, int64_t *ret_ns, struct error **err);
/* Go form: 1h30m0s, 1.5s, 300ms, 0s */
void duration_format(struct strbuf *sb, int64_t ns);
/* The first two non-zero units: "1 minute 5 seconds", "3 seconds 12 milliseconds". */
void duration_format_words(struct strbuf *sb, int64_t ns);
