/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of -only and -except. Braces are expanded first, so what is left is
 * matched with one backtracking point and cannot take exponential time.
 */
#include "base/alloc.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "core/plan.h"

enum { MAX_EXPANDED = 1024, MAX_BRACES = 64 };

/* One past a `[…]` that starts at p, or NULL if it never ends. */
static const char *class_end(const char *p)
{
	p += p[1] == '!' ? 2 : 1;
	for (bool is_first = true; *p && (*p != ']' || is_first); is_first = false)
		p += *p == '\\' && p[1] ? 2 : 1;
	return *p ? p + 1 : NULL;
}

/* Steps over one element of a pattern; NULL with *err when it is malformed. */
static const char *skip_element(const char *p, struct error **err)
{
	const char *end = p + 1;
	if (*p == '\\')
		end = p[1] ? p + 2 : NULL;
	else if (*p == '[')
		end = class_end(p);
	if (!end)
		error_set(err, ERROR_INVALID,
			  *p == '[' ? "'[' is never closed" : "nothing follows '\\'");
	return end;
}

/* The alternatives between `open` and its closing brace; NULL with *err. */
static const char *split_alternatives(const char *open, struct strv *ret, struct error **err)
{
	const char *start = open + 1;
	int depth = 1;
	for (const char *p = start; *p;) {
		if (*p == '{') {
			depth++;
		} else if (*p == '}') {
			depth--;
		}
		if (depth == 0 || (depth == 1 && *p == ',')) {
			strv_push_take(ret, xstrndup(start, (size_t)(p - start)));
			start = p + 1;
		}
		if (depth == 0)
			return p + 1;
		p = skip_element(p, err);
		if (!p)
			return NULL;
	}
	error_set(err, ERROR_INVALID, "'{' is never closed");
	return NULL;
}

static int expand(const char *pattern, int braces, struct strv *ret, struct error **err)
{
	const char *p = pattern;
	while (*p && *p != '{') {
		p = skip_element(p, err);
		if (!p)
			return -1;
	}
	if (!*p) {
		if (ret->len >= MAX_EXPANDED)
			return error_set(err, ERROR_INVALID, "too many alternatives");
		strv_push(ret, pattern);
		return 0;
	}
	if (braces == MAX_BRACES)
		return error_set(err, ERROR_INVALID, "too many braces");
	AUTO(strv) struct strv alternatives = STRV_INIT;
	const char *rest = split_alternatives(p, &alternatives, err);
	for (size_t i = 0; rest && i < alternatives.len; i++) {
		AUTO_FREE char *one =
			xasprintf("%.*s%s%s", (int)(p - pattern), pattern, alternatives.v[i], rest);
		if (expand(one, braces + 1, ret, err) < 0)
			return -1;
	}
	return rest ? 0 : -1;
}

static size_t next_char(const char *s, uint32_t *ret)
{
	size_t n = utf8_decode(s, strlen(s), ret);
	if (n > 0)
		return n;
	*ret = (unsigned char)*s;
	return 1;
}

static const char *class_char(const char *p, uint32_t *ret)
{
	if (*p == '\\' && p[1])
		p++;
	return p + next_char(p, ret);
}

static bool class_has(const char *p, uint32_t c)
{
	const char *end = class_end(p) - 1;
	bool is_negated = p[1] == '!', found = false;
	for (p += is_negated ? 2 : 1; p < end;) {
		uint32_t from, to;
		p = class_char(p, &from);
		to = from;
		if (*p == '-' && p + 1 < end)
			p = class_char(p + 1, &to);
		found = found || (c >= from && c <= to);
	}
	return found != is_negated;
}

/* One element against one character; moves both on when they agree. */
static bool match_one(const char **p, const char **t)
{
	uint32_t c, want;
	size_t n = next_char(*t, &c);
	const char *pattern = *p;
	if (!*pattern)
		return false;
	if (*pattern == '[') {
		if (!class_has(pattern, c))
			return false;
		*p = class_end(pattern);
	} else if (*pattern == '?') {
		*p = pattern + 1;
	} else {
		const char *after = class_char(pattern, &want);
		if (want != c)
			return false;
		*p = after;
	}
	*t += n;
	return true;
}

static bool match_plain(const char *p, const char *t)
{
	const char *star = NULL, *resume = NULL;
	while (*t) {
		if (*p == '*') {
			star = ++p;
			resume = t;
		} else if (!match_one(&p, &t)) {
			uint32_t skipped;
			if (!star)
				return false;
			resume += next_char(resume, &skipped);
			p = star;
			t = resume;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

int glob_match(const char *pattern, const char *text, bool *ret, struct error **err)
{
	AUTO(strv) struct strv plain = STRV_INIT;
	if (expand(pattern, 0, &plain, err) < 0)
		return -1;
	*ret = false;
	for (size_t i = 0; i < plain.len; i++)
		*ret = *ret || match_plain(plain.v[i], text);
	return 0;
}
