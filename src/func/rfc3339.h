/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps as RFC 3339 writes them, read strictly (language.md 21.1). */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stdint.h>

struct stamp {
	int64_t ns;     /* since the epoch, UTC */
	int32_t offset; /* seconds east of UTC, of the text */
	bool has_fraction;
};

/* Error texts start with "not a valid RFC3339 timestamp". */
MUST_CHECK int rfc3339_parse_text(const char *s, struct stamp *ret, struct error **err);
/* In the stamp's own offset, whole seconds. */
void rfc3339_format(struct strbuf *sb, const struct stamp *t);
