/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text of values, as jsonencode() and jsondecode() have it: exact numbers,
 * error texts of the released tool. (The JSON syntax of templates, with source
 * ranges, is in lang/.)
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "value/value.h"

#include <stddef.h>

/* A quoted string; < > & and U+2028/9 are escaped. */
void jsontext_quote(struct strbuf *sb, const char *s, size_t len);
/* Objects give objects, arrays tuples. Nesting is limited. */
struct value *jsontext_decode(const char *text, size_t len, struct error **err);
