/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *s)
{
	return (struct str){ s ? s : "", s ? strlen(s) : 0 };
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

bool str_is(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (!prefix.len || !memcmp(s.p, prefix.p, prefix.len));
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       (!suffix.len || !memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len));
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.len && is_space(s.p[0]))
		s.p++, s.len--;
	while (s.len && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

char *str_dup(struct str s)
{
	char *copy = xmalloc(s.len + 1);

	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct str str_split(struct str s, char sep, struct str *tail)
{
	const char *hit = s.len ? memchr(s.p, sep, s.len) : NULL;

	if (!hit) {
		*tail = (struct str){ s.p + s.len, 0 };
		return s;
	}
	*tail = (struct str){ hit + 1, (size_t)(s.p + s.len - hit - 1) };
	return (struct str){ s.p, (size_t)(hit - s.p) };
}

bool text_starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool text_ends_with(const char *s, const char *suffix)
{
	return str_ends_with(str_of(s), str_of(suffix));
}

bool text_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool parse_int64(const char *s, int base, int64_t *ret)
{
	char *end;

	if (!s || !*s || is_space(*s))
		return false;
	errno = 0;

	long long n = strtoll(s, &end, base);

	if (errno || *end || end == s)
		return false;
	*ret = n;
	return true;
}

bool parse_uint64(const char *s, int base, uint64_t *ret)
{
	char *end;

	if (!s || !isxdigit((unsigned char)*s))
		return false;
	errno = 0;

	unsigned long long n = strtoull(s, &end, base);

	if (errno || *end || end == s)
		return false;
	*ret = n;
	return true;
}
