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
/* The same with < and > as they are. */
void jsontext_quote_readable(struct strbuf *sb, const char *s, size_t len);
/* Objects give objects, arrays tuples. Nesting is limited. */
struct value *jsontext_decode(const char *text, size_t len, struct error **err);
/*
 * The first value of a text that is data, not an expression: what follows it is
 * not looked at, of members with one name the last counts, and texts are not
 * normalised. Numbers are 64-bit floats.
 */
struct value *jsontext_decode_data(const char *text, size_t len, struct error **err);
/* The reverse: two spaces per level, `<` and `>` as they are, numbers as 64-bit floats.
 * No newline at the end. */
void jsontext_print(struct strbuf *sb, const struct value *v);
