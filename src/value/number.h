/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the language (language.md 5.2): binary floats with a precision of
 * their own, up to 512 bits, printed as the shortest decimal. Immutable. The
 * only place that sees MPFR.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number; /* reference-counted, atomic */

struct number *number_from_int(int64_t n);
struct number *number_from_uint(uint64_t n);
struct number *number_from_double(double d);                   /* precision 53 */
struct number *number_parse(const char *text, size_t len);     /* 512 bits; NULL if malformed */
struct number *number_parse_int(const char *digits, int base); /* exact; NULL if malformed */
struct number *number_infinity(bool negative);
/* 0.MANTISSA x 2^exponent, exactly what a Go big.Float of that precision (in bits) is made of; the
 * mantissa is big-endian. NULL if it is zero, too long, or out of range. */
struct number *number_from_mantissa(const unsigned char *mantissa, size_t len, int32_t exponent,
				    uint32_t precision, bool negative);
struct number *number_ref(struct number *n);
void number_unref(struct number *n);
DEFINE_AUTO(number, struct number *, number_unref);

/* NULL with the language's own error text (5.3) when there is no result. */
struct number *number_add(const struct number *a, const struct number *b, struct error **err);
struct number *number_sub(const struct number *a, const struct number *b, struct error **err);
struct number *number_mul(const struct number *a, const struct number *b, struct error **err);
struct number *number_div(const struct number *a, const struct number *b, struct error **err);
struct number *number_mod(const struct number *a, const struct number *b, struct error **err);
struct number *number_neg(const struct number *a);
struct number *number_abs(const struct number *a);
struct number *number_floor(const struct number *a);
struct number *number_ceil(const struct number *a);

int number_compare(const struct number *a, const struct number *b); /* <0, 0, >0 */
bool number_equal(const struct number *a, const struct number *b);  /* the rule of 5.2 */
bool number_is_integer(const struct number *a);
bool number_is_infinite(const struct number *a);
int number_sign(const struct number *a);
bool number_to_int(const struct number *a, int64_t *ret); /* false: fraction or out of range */
double number_to_double(const struct number *a);
void number_format(struct strbuf *sb, const struct number *a); /* shortest, no exponent */
/* Go's %.Ng of the double; digits < 0: the fewest that read back. */
void number_format_g(struct strbuf *sb, const struct number *a, int digits);
/* The double as Go's JSON encoder prints it: an exponent below 1e-6 and from 1e21 on. */
void number_format_json(struct strbuf *sb, const struct number *a);
/* The double without an exponent. */
void number_format_double(struct strbuf *sb, const struct number *a);
/* Verb e, f or g of the number itself; digits < 0 (only g): the fewest that read back. */
void number_format_float(struct strbuf *sb, const struct number *a, char verb, int digits);
/* A whole number in base 2 … 36, lower case. */
void number_format_base(struct strbuf *sb, const struct number *a, int base);
