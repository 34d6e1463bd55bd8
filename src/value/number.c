/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two representations behind one type: what fits a machine integer is one, so
 * that counting, indexing and printing never enter MPFR; everything else is an
 * mpfr_t of the value's own precision. `prec` is kept for both, because the
 * precision of a result is decided by its operands (language.md 5.2). A number
 * is always in the small form when it can be, except negative zero.
 */
#include "value/number.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <gmp.h>
#include <limits.h>
#include <math.h>
#include <mpfr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PREC_MAX = 512, /* of literals and of products */
	PREC_INT = 64,  /* least precision of integers made internally */
	PREC_DOUBLE = 53,
	PREC_MANTISSA = 1 << 16, /* of a number from outside */
	PRINT_MAX = 1 << 20,     /* longest positional text; beyond it an exponent is used */
	EXPONENT_MAX = 1 << 30,  /* of a literal, in digits */
};

struct number {
	atomic_int refs;
	bool big;
	mpfr_prec_t prec;
	int64_t i;
	mpfr_t f; /* only if big */
};

static struct number *new_small(int64_t i, mpfr_prec_t prec)
{
	struct number *n = NEW(struct number);

	atomic_init(&n->refs, 1);
	n->prec = prec;
	n->i = i;
	return n;
}

static struct number *new_big(mpfr_prec_t prec)
{
	struct number *n = NEW(struct number);

	atomic_init(&n->refs, 1);
	n->big = true;
	n->prec = prec;
	mpfr_init2(n->f, prec);
	return n;
}

/* Falls back to the small form where the value allows it; takes n. */
static struct number *settle(struct number *n)
{
	if (!mpfr_number_p(n->f) || !mpfr_integer_p(n->f) || !mpfr_fits_intmax_p(n->f, MPFR_RNDN))
		return n;
	if (mpfr_zero_p(n->f) && mpfr_signbit(n->f))
		return n;
	n->i = mpfr_get_sj(n->f, MPFR_RNDN);
	mpfr_clear(n->f);
	n->big = false;
	return n;
}

/* As settle(), and a zero that came out of arithmetic has no sign. */
static struct number *settle_result(struct number *n)
{
	if (mpfr_zero_p(n->f))
		mpfr_setsign(n->f, n->f, 0, MPFR_RNDN);
	return settle(n);
}

struct number *number_from_int(int64_t n)
{
	return new_small(n, PREC_INT);
}

struct number *number_from_uint(uint64_t n)
{
	if (n <= INT64_MAX)
		return new_small((int64_t)n, PREC_INT);

	struct number *r = new_big(PREC_INT);

	mpfr_set_uj(r->f, n, MPFR_RNDN);
	return r;
}

struct number *number_from_double(double d)
{
	assert(!isnan(d));

	struct number *n = new_big(PREC_DOUBLE);

	mpfr_set_d(n->f, d, MPFR_RNDN);
	return settle(n);
}

struct number *number_infinity(bool negative)
{
	struct number *n = new_big(PREC_MAX);

	mpfr_set_inf(n->f, negative ? -1 : 1);
	return n;
}

struct number *number_from_mantissa(const unsigned char *mantissa, size_t len, int32_t exponent,
				    uint32_t precision, bool negative)
{
	struct number *n;
	mpz_t z;

	if (!precision || precision > PREC_MANTISSA || len > PREC_MANTISSA / 8)
		return NULL;
	mpz_init(z);
	mpz_import(z, len, 1, 1, 1, 0, mantissa);
	if (negative)
		mpz_neg(z, z);
	n = new_big((mpfr_prec_t)precision);
	mpfr_set_z_2exp(n->f, z, (mpfr_exp_t)exponent - (mpfr_exp_t)len * 8, MPFR_RNDN);
	mpz_clear(z);
	if (mpfr_regular_p(n->f))
		return settle(n);
	number_unref(n);
	return NULL;
}

struct number *number_ref(struct number *n)
{
	atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
	return n;
}

void number_unref(struct number *n)
{
	if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (n->big)
		mpfr_clear(n->f);
	free(n);
}

/*
 * The pieces of a decimal literal: sign, digits with at most one point, and an
 * exponent of ten ('e') or two ('p').
 */
struct literal {
	bool negative, infinite, fraction;
	const char *digits;
	size_t len; /* of the digits, point included */
	char exponent_mark;
	long exponent;
};

static bool scan_exponent(const char *p, const char *end, struct literal *l)
{
	bool negative = p < end && *p == '-';
	long e = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		if (e > EXPONENT_MAX)
			return false;
		e = e * 10 + (*p - '0');
	}
	l->exponent = negative ? -e : e;
	return true;
}

static bool scan_literal(const char *p, size_t len, struct literal *l)
{
	const char *end = p + len;
	size_t digits = 0;

	*l = (struct literal){ 0 };
	if (p < end && (*p == '-' || *p == '+'))
		l->negative = *p++ == '-';
	if (end - p == 3 && (*p == 'I' || *p == 'i') && p[1] == 'n' && p[2] == 'f') {
		l->infinite = true;
		return true;
	}
	l->digits = p;
	for (; p < end; p++) {
		if (isdigit((unsigned char)*p))
			digits++;
		else if (*p == '.' && !l->fraction)
			l->fraction = true;
		else
			break;
	}
	l->len = (size_t)(p - l->digits);
	if (!digits)
		return false;
	if (p == end)
		return true;
	l->exponent_mark = (char)tolower((unsigned char)*p);
	if (l->exponent_mark != 'e' && l->exponent_mark != 'p')
		return false;
	return scan_exponent(p + 1, end, l);
}

static struct number *literal_to_big(const struct literal *l)
{
	struct number *n = new_big(PREC_MAX);
	AUTO_FREE char *text = NULL;

	if (l->exponent_mark == 'e')
		text = xasprintf("%s%.*se%ld", l->negative ? "-" : "", (int)l->len, l->digits,
				 l->exponent);
	else
		text = xasprintf("%s%.*s", l->negative ? "-" : "", (int)l->len, l->digits);
	mpfr_strtofr(n->f, text, NULL, 10, MPFR_RNDN);
	if (l->exponent_mark == 'p')
		mpfr_mul_2si(n->f, n->f, l->exponent, MPFR_RNDN);
	return settle(n);
}

struct number *number_parse(const char *text, size_t len)
{
	struct literal l;

	if (len > INT_MAX / 2 || !scan_literal(text, len, &l))
		return NULL;
	if (l.infinite)
		return number_infinity(l.negative);
	if (l.fraction || l.exponent_mark || l.len > 18)
		return literal_to_big(&l);

	int64_t i = 0;

	for (size_t k = 0; k < l.len; k++)
		i = i * 10 + (l.digits[k] - '0');
	if (!i && l.negative)
		return literal_to_big(&l);
	return new_small(l.negative ? -i : i, PREC_MAX);
}

static int digit_value(char c, int base)
{
	int v = 99;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if (c >= 'a' && c <= 'z')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'Z')
		v = c - 'A' + (base <= 36 ? 10 : 36);
	return v < base ? v : -1;
}

struct number *number_parse_int(const char *digits, int base)
{
	bool negative = *digits == '-';
	mpz_t z;

	if (*digits == '-' || *digits == '+')
		digits++;
	if (!*digits)
		return NULL;
	for (const char *p = digits; *p; p++)
		if (digit_value(*p, base) < 0)
			return NULL;
	mpz_init(z);
	for (const char *p = digits; *p; p++) {
		mpz_mul_ui(z, z, (unsigned long)base);
		mpz_add_ui(z, z, (unsigned long)digit_value(*p, base));
	}
	if (negative)
		mpz_neg(z, z);

	size_t bits = mpz_sizeinbase(z, 2);
	struct number *n = new_big((mpfr_prec_t)MAX(bits, (size_t)PREC_INT));

	mpfr_set_z(n->f, z, MPFR_RNDN);
	mpz_clear(z);
	return settle(n);
}

/* A readable mpfr_t of either form; `tmp` is room for it. */
struct operand {
	mpfr_srcptr f;
	mpfr_t tmp;
	mp_limb_t limbs[1 + (64 - 1) / GMP_NUMB_BITS];
};

static mpfr_srcptr load(const struct number *n, struct operand *o)
{
	if (n->big)
		return n->f;
	mpfr_custom_init_set(o->tmp, MPFR_ZERO_KIND, 0, 64, o->limbs);
	mpfr_set_sj(o->tmp, n->i, MPFR_RNDN);
	return o->tmp;
}

/* True if `i` needs no rounding at `prec`: then the small form is exact. */
static bool exact_at(int64_t i, mpfr_prec_t prec)
{
	return prec >= 63 || (i < (INT64_C(1) << 52) && i > -(INT64_C(1) << 52));
}

struct number *number_add(const struct number *a, const struct number *b, struct error **err)
{
	mpfr_prec_t prec = MAX(a->prec, b->prec);
	int64_t i;

	if (!a->big && !b->big && !__builtin_add_overflow(a->i, b->i, &i) && exact_at(i, prec))
		return new_small(i, prec);
	if (number_is_infinite(a) && number_is_infinite(b) && number_sign(a) != number_sign(b)) {
		error_set(err, ERROR_INVALID, "can't compute sum of opposing infinities");
		return NULL;
	}

	struct operand oa, ob;
	struct number *n = new_big(prec);

	mpfr_add(n->f, load(a, &oa), load(b, &ob), MPFR_RNDN);
	return settle_result(n);
}

struct number *number_sub(const struct number *a, const struct number *b, struct error **err)
{
	mpfr_prec_t prec = MAX(a->prec, b->prec);
	int64_t i;

	if (!a->big && !b->big && !__builtin_sub_overflow(a->i, b->i, &i) && exact_at(i, prec))
		return new_small(i, prec);
	if (number_is_infinite(a) && number_is_infinite(b) && number_sign(a) == number_sign(b)) {
		error_set(err, ERROR_INVALID, "can't subtract infinity from itself");
		return NULL;
	}

	struct operand oa, ob;
	struct number *n = new_big(prec);

	mpfr_sub(n->f, load(a, &oa), load(b, &ob), MPFR_RNDN);
	return settle_result(n);
}

struct number *number_mul(const struct number *a, const struct number *b, struct error **err)
{
	mpfr_prec_t prec = MAX(a->prec, b->prec);
	int64_t i;

	if (!a->big && !b->big && !__builtin_mul_overflow(a->i, b->i, &i) && exact_at(i, prec))
		return new_small(i, prec);
	if ((number_is_infinite(a) && !number_sign(b)) ||
	    (number_is_infinite(b) && !number_sign(a))) {
		error_set(err, ERROR_INVALID, "can't multiply zero by infinity");
		return NULL;
	}

	struct operand oa, ob;
	mpfr_srcptr fa = load(a, &oa), fb = load(b, &ob);
	struct number *exact = new_big(mpfr_get_prec(fa) + mpfr_get_prec(fb));

	mpfr_mul(exact->f, fa, fb, MPFR_RNDN);
	if (mpfr_number_p(exact->f) && !mpfr_zero_p(exact->f))
		prec = MAX(prec, MIN(mpfr_min_prec(exact->f), PREC_MAX));
	exact->prec = prec;
	mpfr_prec_round(exact->f, prec, MPFR_RNDN);
	return settle_result(exact);
}

struct number *number_div(const struct number *a, const struct number *b, struct error **err)
{
	mpfr_prec_t prec = MAX(a->prec, b->prec);

	if (!a->big && !b->big && b->i && b->i != -1 && a->i % b->i == 0 &&
	    exact_at(a->i / b->i, prec))
		return new_small(a->i / b->i, prec);
	if ((!number_sign(a) && !number_sign(b)) ||
	    (number_is_infinite(a) && number_is_infinite(b))) {
		error_set(err, ERROR_INVALID, "can't divide zero by zero or infinity by infinity");
		return NULL;
	}

	struct operand oa, ob;
	struct number *n = new_big(prec);

	mpfr_div(n->f, load(a, &oa), load(b, &ob), MPFR_RNDN);
	return settle_result(n);
}

/*
 * a - b*trunc(a/b). The intermediate product and the result have the precision
 * of the dividend, as in the released tool.
 */
static struct number *big_mod(const struct number *a, const struct number *b)
{
	struct operand oa, ob;
	mpfr_srcptr fa = load(a, &oa), fb = load(b, &ob);
	mpfr_t q;

	mpfr_init2(q, MAX(a->prec, b->prec));
	mpfr_div(q, fa, fb, MPFR_RNDN);
	mpfr_trunc(q, q);

	struct number *n = new_big(a->prec);

	mpfr_mul(n->f, fb, q, MPFR_RNDN);
	mpfr_sub(n->f, fa, n->f, MPFR_RNDN);
	mpfr_clear(q);
	return settle_result(n);
}

struct number *number_mod(const struct number *a, const struct number *b, struct error **err)
{
	if (number_is_infinite(b) || (number_is_infinite(a) && !number_sign(b))) {
		error_set(err, ERROR_INVALID, "can't use modulo with zero and infinity");
		return NULL;
	}
	if (number_is_infinite(a))
		return number_infinity(number_sign(a) * number_sign(b) < 0);
	if (!number_sign(b))
		return number_ref((struct number *)a);
	if (!a->big && !b->big)
		return new_small(b->i == -1 ? 0 : a->i % b->i, a->prec);
	return big_mod(a, b);
}

struct number *number_neg(const struct number *a)
{
	if (!a->big && a->i && a->i != INT64_MIN)
		return new_small(-a->i, a->prec);

	struct operand oa;
	struct number *n = new_big(a->prec);

	mpfr_neg(n->f, load(a, &oa), MPFR_RNDN);
	return settle(n);
}

struct number *number_abs(const struct number *a)
{
	return number_sign(a) < 0 || (a->big && mpfr_signbit(a->f))
		       ? number_neg(a)
		       : number_ref((struct number *)a);
}

static struct number *round_to(const struct number *a, mpfr_rnd_t how)
{
	if (!a->big || mpfr_inf_p(a->f))
		return number_ref((struct number *)a);

	struct number *n = new_big(a->prec);

	mpfr_rint(n->f, a->f, how);
	return settle_result(n);
}

struct number *number_floor(const struct number *a)
{
	return round_to(a, MPFR_RNDD);
}

struct number *number_ceil(const struct number *a)
{
	return round_to(a, MPFR_RNDU);
}

int number_compare(const struct number *a, const struct number *b)
{
	if (!a->big && !b->big)
		return (a->i > b->i) - (a->i < b->i);

	struct operand oa, ob;

	return mpfr_cmp(load(a, &oa), load(b, &ob));
}

bool number_equal(const struct number *a, const struct number *b)
{
	if (!a->big && !b->big)
		return a->i == b->i;
	if (number_is_integer(a) != number_is_integer(b))
		return false;
	if (number_is_integer(a) || a->prec == b->prec || number_is_infinite(a))
		return number_compare(a, b) == 0;

	AUTO(strbuf) struct strbuf ta = STRBUF_INIT, tb = STRBUF_INIT;

	number_format(&ta, a);
	number_format(&tb, b);
	return ta.len == tb.len && !memcmp(ta.buf, tb.buf, ta.len);
}

bool number_is_integer(const struct number *a)
{
	return !a->big || mpfr_integer_p(a->f);
}

bool number_is_infinite(const struct number *a)
{
	return a->big && mpfr_inf_p(a->f);
}

int number_sign(const struct number *a)
{
	return a->big ? mpfr_sgn(a->f) : (a->i > 0) - (a->i < 0);
}

bool number_to_int(const struct number *a, int64_t *ret)
{
	if (a->big) {
		if (!mpfr_zero_p(a->f))
			return false;
		*ret = 0;
		return true;
	}
	*ret = a->i;
	return true;
}

double number_to_double(const struct number *a)
{
	return a->big ? mpfr_get_d(a->f, MPFR_RNDN) : (double)a->i;
}

/*
 * Decimal digits of a value: 0.DIGITS x 10^exponent, no trailing zeros. `raw`
 * is what MPFR gave and owns the text.
 */
struct decimal {
	char *raw;
	const char *digits;
	size_t len;
	mpfr_exp_t exponent;
	bool negative;
};

static void take_digits(struct decimal *d, mpfr_srcptr f, size_t count)
{
	mpfr_exp_t e;

	d->raw = mpfr_get_str(NULL, &e, 10, count, f, MPFR_RNDN);
	d->negative = d->raw[0] == '-';
	d->digits = d->raw + d->negative;
	d->len = strlen(d->digits);
	while (d->len > 1 && d->digits[d->len - 1] == '0')
		d->len--;
	d->exponent = e;
}

static bool reads_back(const struct decimal *d, mpfr_srcptr f)
{
	AUTO_FREE char *text = xasprintf("%s.%.*se%ld", d->negative ? "-" : "", (int)d->len,
					 d->digits, (long)d->exponent);
	mpfr_t t;

	mpfr_init2(t, mpfr_get_prec(f));
	mpfr_strtofr(t, text, NULL, 10, MPFR_RNDN);

	bool same = mpfr_equal_p(t, f);

	mpfr_clear(t);
	return same;
}

/*
 * The fewest digits that read back. Up to floor((p-1) log10 2) digits survive
 * the way decimal -> binary -> decimal, so rounding to that many gives any
 * shorter form, padded with zeros; only one to three more can be needed.
 */
static void shortest(struct decimal *d, mpfr_srcptr f)
{
	size_t count = (size_t)((double)(mpfr_get_prec(f) - 1) * 0.30102999566398120);

	count = MAX(count, (size_t)2);
	for (;; count++) {
		take_digits(d, f, count);
		if (reads_back(d, f))
			return;
		mpfr_free_str(d->raw);
	}
}

static void add_scientific(struct strbuf *sb, const struct decimal *d, int exponent_digits)
{
	long e = (long)d->exponent - 1;

	strbuf_addch(sb, d->digits[0]);
	if (d->len > 1) {
		strbuf_addch(sb, '.');
		strbuf_add(sb, d->digits + 1, d->len - 1);
	}
	strbuf_addf(sb, "e%c%0*ld", e < 0 ? '-' : '+', exponent_digits, labs(e));
}

static void add_positional(struct strbuf *sb, const struct decimal *d)
{
	if (d->exponent <= 0) {
		strbuf_addstr(sb, "0.");
		strbuf_addchars(sb, '0', (size_t)-d->exponent);
		strbuf_add(sb, d->digits, d->len);
		return;
	}

	size_t whole = (size_t)d->exponent;

	strbuf_add(sb, d->digits, MIN(whole, d->len));
	if (whole > d->len)
		strbuf_addchars(sb, '0', whole - d->len);
	if (whole < d->len) {
		strbuf_addch(sb, '.');
		strbuf_add(sb, d->digits + whole, d->len - whole);
	}
}

/* Zero and the infinities; false for everything else. */
static bool add_special(struct strbuf *sb, mpfr_srcptr f)
{
	if (mpfr_inf_p(f))
		strbuf_addstr(sb, mpfr_signbit(f) ? "-Inf" : "+Inf");
	else if (mpfr_zero_p(f))
		strbuf_addstr(sb, mpfr_signbit(f) ? "-0" : "0");
	else
		return false;
	return true;
}

static void add_shortest(struct strbuf *sb, mpfr_srcptr f, bool positional)
{
	struct decimal d;

	shortest(&d, f);
	if (d.negative)
		strbuf_addch(sb, '-');

	long exponent = (long)d.exponent;

	if (positional ? labs(exponent) > PRINT_MAX : exponent < -3 || exponent > 6)
		add_scientific(sb, &d, 2);
	else
		add_positional(sb, &d);
	mpfr_free_str(d.raw);
}

void number_format(struct strbuf *sb, const struct number *a)
{
	if (!a->big)
		strbuf_addf(sb, "%lld", (long long)a->i);
	else if (!add_special(sb, a->f))
		add_shortest(sb, a->f, true);
}

void number_format_g(struct strbuf *sb, const struct number *a, int digits)
{
	struct number *d;

	if (number_is_infinite(a)) {
		add_special(sb, a->f);
		return;
	}
	d = new_big(PREC_DOUBLE);
	mpfr_set_d(d->f, number_to_double(a), MPFR_RNDN);
	number_format_float(sb, d, 'g', digits);
	number_unref(d);
}

/* Of the double: without an exponent where the point is within these. */
static void add_double(struct strbuf *sb, const struct number *a, long low, long high)
{
	struct decimal d;
	mpfr_t f;

	mpfr_init2(f, PREC_DOUBLE);
	mpfr_set_d(f, number_to_double(a), MPFR_RNDN);
	if (!add_special(sb, f)) {
		shortest(&d, f);
		if (d.negative)
			strbuf_addch(sb, '-');
		if (d.exponent < low || d.exponent > high)
			add_scientific(sb, &d, 1);
		else
			add_positional(sb, &d);
		mpfr_free_str(d.raw);
	}
	mpfr_clear(f);
}

void number_format_json(struct strbuf *sb, const struct number *a)
{
	add_double(sb, a, -5, 21);
}

void number_format_double(struct strbuf *sb, const struct number *a)
{
	add_double(sb, a, -PRINT_MAX, PRINT_MAX);
}

void number_format_float(struct strbuf *sb, const struct number *a, char verb, int digits)
{
	static const struct {
		char verb;
		const char *format;
	} formats[] = { { 'e', "%.*RNe" }, { 'f', "%.*RNf" }, { 'g', "%.*RNg" } };
	struct operand oa;
	mpfr_srcptr f = load(a, &oa);
	char *text = NULL;

	if (mpfr_inf_p(f) || (verb == 'g' && mpfr_zero_p(f))) {
		add_special(sb, f);
		return;
	}
	if (verb == 'g' && digits < 0) {
		add_shortest(sb, f, false);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (formats[i].verb == verb)
			mpfr_asprintf(&text, formats[i].format, digits, f);
	assert(text);
	strbuf_addstr(sb, text);
	mpfr_free_str(text);
}

void number_format_base(struct strbuf *sb, const struct number *a, int base)
{
	struct operand oa;
	mpz_t z;

	assert(number_is_integer(a));
	mpz_init(z);
	mpfr_get_z(z, load(a, &oa), MPFR_RNDZ);

	char *text = strbuf_reserve(sb, mpz_sizeinbase(z, base) + 2);

	mpz_get_str(text, base, z);
	strbuf_advance(sb, strlen(text));
	mpz_clear(z);
}
