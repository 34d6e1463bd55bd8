/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unicode: the only place that sees utf8proc. All text is UTF-8 in `char`.
 */
#pragma once

#include "base/macro.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point; returns its length in bytes, 0 at end or on bad UTF-8. */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
size_t utf8_encode(uint32_t cp, char out[4]); /* 0 if cp is not a scalar value */
bool utf8_is_valid(const char *s, size_t len);

bool utf8_is_id_start(uint32_t cp);    /* UAX #31 ID_Start (no underscore) */
bool utf8_is_id_continue(uint32_t cp); /* UAX #31 ID_Continue */
bool utf8_is_space(uint32_t cp);       /* Unicode White_Space */
bool utf8_is_letter(uint32_t cp);
bool utf8_is_upper(uint32_t cp);     /* class Lu */
bool utf8_is_digit(uint32_t cp);     /* class Nd */
bool utf8_is_printable(uint32_t cp); /* as Go's strconv.IsPrint */
uint32_t utf8_to_upper(uint32_t cp); /* simple case mapping */
uint32_t utf8_to_title(uint32_t cp);
uint32_t utf8_to_lower(uint32_t cp);

/* Length in bytes of the first extended grapheme cluster (UAX #29); 0 at end. */
size_t utf8_grapheme(const char *s, size_t len);
size_t utf8_grapheme_count(const char *s, size_t len);
/* Columns on a terminal; control characters count 0. */
size_t utf8_width(const char *s, size_t len);

/* Appends the NFC form; bad bytes become U+FFFD. ASCII is the fast path. */
void utf8_nfc(struct strbuf *out, const char *s, size_t len);
