/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8proc knows categories, normalization and grapheme clusters but not the
 * UAX #31 identifier properties; those are derived from the categories as the
 * standard defines them, with its short lists of exceptions.
 */
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD, FIRST_COMBINING = 0x300, VARIATION_EMOJI = 0xFE0F };

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	utf8proc_int32_t cp;

	if (!len)
		return 0;
	if ((unsigned char)*s < 0x80) {
		*ret = (unsigned char)*s;
		return 1;
	}

	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)MIN(len, 4u), &cp);

	if (n <= 0)
		return 0;
	*ret = (uint32_t)cp;
	return (size_t)n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		return 0;
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)cp, (utf8proc_uint8_t *)out);
}

bool utf8_is_valid(const char *s, size_t len)
{
	while (len) {
		uint32_t cp;
		size_t n = utf8_decode(s, len, &cp);

		if (!n)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static utf8proc_category_t category(uint32_t cp)
{
	return cp > 0x10FFFF ? UTF8PROC_CATEGORY_CN : utf8proc_category((utf8proc_int32_t)cp);
}

static bool is_between(uint32_t cp, uint32_t first, uint32_t last)
{
	return cp >= first && cp <= last;
}

bool utf8_is_letter(uint32_t cp)
{
	utf8proc_category_t c = category(cp);

	return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool utf8_is_id_start(uint32_t cp)
{
	if (cp < 0x80)
		return is_between(cp | 0x20, 'a', 'z');
	if (cp == 0x2E2F) /* a letter, but Pattern_Syntax */
		return false;
	if (utf8_is_letter(cp) || category(cp) == UTF8PROC_CATEGORY_NL)
		return true;
	/* Other_ID_Start */
	return is_between(cp, 0x1885, 0x1886) || cp == 0x2118 || cp == 0x212E ||
	       is_between(cp, 0x309B, 0x309C);
}

bool utf8_is_id_continue(uint32_t cp)
{
	if (utf8_is_id_start(cp))
		return true;
	switch (category(cp)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_PC:
		return true;
	default: /* Other_ID_Continue */
		return cp == 0xB7 || cp == 0x387 || is_between(cp, 0x1369, 0x1371) || cp == 0x19DA;
	}
}

bool utf8_is_space(uint32_t cp)
{
	return is_between(cp, '\t', '\r') || cp == ' ' || cp == 0x85 || cp == 0xA0 ||
	       cp == 0x1680 || is_between(cp, 0x2000, 0x200A) || is_between(cp, 0x2028, 0x2029) ||
	       cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool utf8_is_upper(uint32_t cp)
{
	return category(cp) == UTF8PROC_CATEGORY_LU;
}

bool utf8_is_digit(uint32_t cp)
{
	return category(cp) == UTF8PROC_CATEGORY_ND;
}

bool utf8_is_printable(uint32_t cp)
{
	if (cp < 0x80)
		return cp >= ' ' && cp < 0x7F;

	utf8proc_category_t c = category(cp);

	/* letters, marks, numbers, punctuation, symbols */
	return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_SO;
}

uint32_t utf8_to_upper(uint32_t cp)
{
	/* Unicode has no simple upper case for sharp s; utf8proc makes one up. */
	if (cp > 0x10FFFF || cp == 0xDF)
		return cp;
	return (uint32_t)utf8proc_toupper((utf8proc_int32_t)cp);
}

uint32_t utf8_to_title(uint32_t cp)
{
	if (cp > 0x10FFFF || cp == 0xDF)
		return cp;
	return (uint32_t)utf8proc_totitle((utf8proc_int32_t)cp);
}

uint32_t utf8_to_lower(uint32_t cp)
{
	return cp > 0x10FFFF ? cp : (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

/* As utf8_decode(), but a bad byte counts as one replacement character. */
static size_t decode_lossy(const char *s, size_t len, uint32_t *ret)
{
	size_t n = utf8_decode(s, len, ret);

	if (!n && len) {
		*ret = REPLACEMENT;
		return 1;
	}
	return n;
}

size_t utf8_grapheme(const char *s, size_t len)
{
	utf8proc_int32_t state = 0;
	uint32_t before, cp;
	size_t at = decode_lossy(s, len, &before);

	while (at < len) {
		size_t n = decode_lossy(s + at, len - at, &cp);

		if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)cp,
						     &state))
			break;
		before = cp;
		at += n;
	}
	return at;
}

size_t utf8_grapheme_count(const char *s, size_t len)
{
	size_t count = 0;

	for (size_t n; len; s += n, len -= n, count++)
		n = utf8_grapheme(s, len);
	return count;
}

/* A cluster is drawn in one place: as wide as its widest code point. */
static size_t cluster_width(const char *s, size_t len)
{
	size_t width = 0;
	uint32_t first = 0, cp;

	for (size_t at = 0, n; at < len; at += n) {
		n = decode_lossy(s + at, len - at, &cp);
		if (!at)
			first = cp;
		/* an emoji by selector, or a flag of two regional indicators */
		if (at && (cp == VARIATION_EMOJI || (is_between(first, 0x1F1E6, 0x1F1FF) &&
						     is_between(cp, 0x1F1E6, 0x1F1FF))))
			return 2;

		int w = utf8proc_charwidth((utf8proc_int32_t)cp);

		width = MAX(width, (size_t)MAX(w, 0));
	}
	return width;
}

size_t utf8_width(const char *s, size_t len)
{
	size_t width = 0;

	for (size_t n; len; s += n, len -= n) {
		n = utf8_grapheme(s, len);
		width += cluster_width(s, n);
	}
	return width;
}

/* True if `s` is valid and nothing in it composes, decomposes or is reordered. */
static bool is_plainly_nfc(const char *s, size_t len)
{
	while (len) {
		uint32_t cp;
		size_t n = utf8_decode(s, len, &cp);

		if (!n || cp >= FIRST_COMBINING)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

void utf8_nfc(struct strbuf *out, const char *s, size_t len)
{
	if (is_plainly_nfc(s, len)) {
		strbuf_add(out, s, len);
		return;
	}

	AUTO(strbuf) struct strbuf valid = STRBUF_INIT;
	utf8proc_uint8_t *nfc = NULL;

	for (size_t n; len; s += n, len -= n) {
		uint32_t cp;
		char bytes[4];

		n = decode_lossy(s, len, &cp);
		strbuf_add(&valid, bytes, utf8_encode(cp, bytes));
	}

	utf8proc_ssize_t n =
		utf8proc_map((const utf8proc_uint8_t *)valid.buf, (utf8proc_ssize_t)valid.len, &nfc,
			     (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));

	if (n >= 0)
		strbuf_add(out, nfc, (size_t)n);
	else /* it ran out of memory: the text is right, only not normalized */
		strbuf_add(out, valid.buf, valid.len);
	free(nfc);
}
