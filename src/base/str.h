/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed piece of text: pointer and length, not NUL-terminated. Also the
 * strict text -> integer conversions that replace atoi() and strtol().
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
/* For printf("%.*s", STR_FMT(s)) */
#define STR_FMT(s) (int)(s).len, (s).p

struct str str_of(const char *s); /* NULL gives the empty piece */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
struct str str_trim(struct str s); /* ASCII white space, both ends */
char *str_dup(struct str s);
/* Splits at the first `sep`: head before it, *tail after it (empty if absent). */
struct str str_split(struct str s, char sep, struct str *tail);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
static inline bool text_is_empty(const char *s)
{
	return !s || !*s;
}
static inline const char *text_or_empty(const char *s)
{
	return s ? s : "";
}
bool text_eq(const char *a, const char *b); /* NULL equals NULL only */

/* The whole text must be a number in range; otherwise false and *ret untouched. */
bool parse_int64(const char *s, int base, int64_t *ret);
bool parse_uint64(const char *s, int base, uint64_t *ret);
