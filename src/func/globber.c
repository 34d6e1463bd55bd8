/* SPDX-License-Identifier: Apache-2.0 */
#include "func/globber.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/utf8.h"
#include "os/fs.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { DEPTH_MAX = 100, STEPS_MAX = 1000000 };

/* The end of a [class] that starts at p, or NULL. */
static const char *class_end(const char *p)
{
	const char *start = ++p;

	if (*p == '!' || *p == '^')
		start = ++p;
	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == ']' && p > start)
			return p + 1;
	}
	return NULL;
}

/* The end of a {list} that starts at p, or NULL. */
static const char *braces_end(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
		} else if (*p == '[') {
			p = class_end(p);
			if (!p)
				return NULL;
			p--;
		} else if (*p == '{') {
			depth++;
		} else if (*p == '}' && !--depth) {
			return p + 1;
		}
	}
	return NULL;
}

static bool is_wellformed(const char *p)
{
	while (*p) {
		if (*p == '[')
			p = class_end(p);
		else if (*p == '{')
			p = braces_end(p) ? p + 1 : NULL;
		else
			p += *p == '\\' && p[1] ? 2 : 1;
		if (!p)
			return false;
	}
	return true;
}

static uint32_t take_char(const char **p)
{
	uint32_t cp;
	size_t n;

	if (**p == '\\' && (*p)[1])
		(*p)++;
	n = utf8_decode(*p, strlen(*p), &cp);
	*p += n ? n : 1;
	return n ? cp : 0xfffd;
}

static bool in_class(const char *p, const char *end, uint32_t cp)
{
	bool negated = *++p == '!' || *p == '^', hit = false;

	p += negated;
	while (p < end - 1) {
		uint32_t low = take_char(&p), high = low;

		if (*p == '-' && p + 1 < end - 1) {
			p++;
			high = take_char(&p);
		}
		hit |= cp >= low && cp <= high;
	}
	return hit != negated;
}

struct glob {
	size_t steps; /* bounds the search for patterns with many stars */
};

static bool match(struct glob *g, const char *p, const char *s);

/* One of the texts of {a,b} and then the rest. */
static bool match_braces(struct glob *g, const char *p, const char *s)
{
	const char *end = braces_end(p), *start = p + 1;
	int depth = 0;

	for (p++; p < end; p++) {
		if (*p == '\\' && p[1]) {
			p++;
		} else if (*p == '{') {
			depth++;
		} else if (*p == '}' && depth) {
			depth--;
		} else if (!depth && (*p == ',' || *p == '}')) {
			AUTO_FREE char *one = xasprintf("%.*s%s", (int)(p - start), start, end);

			if (match(g, one, s))
				return true;
			start = p + 1;
		}
	}
	return false;
}

static bool match_star(struct glob *g, const char *p, const char *s)
{
	bool folders = p[1] == '*';

	p += folders ? 2 : 1;
	/* "**" with a slash behind it also stands for no folder at all. */
	if (folders && *p == '/' && match(g, p + 1, s))
		return true;
	for (;; s++) {
		if (match(g, p, s))
			return true;
		if (!*s || (*s == '/' && !folders))
			return false;
	}
}

static bool match(struct glob *g, const char *p, const char *s)
{
	for (; *p; g->steps++) {
		uint32_t cp;
		const char *end;

		if (g->steps > STEPS_MAX)
			return false;
		if (*p == '*')
			return match_star(g, p, s);
		if (*p == '{')
			return match_braces(g, p, s);
		if (!*s)
			return false;

		size_t n = utf8_decode(s, strlen(s), &cp);

		s += n ? n : 1;
		if (*p == '?') {
			p++;
			if (cp == '/')
				return false;
		} else if (*p == '[') {
			end = class_end(p);
			if (cp == '/' || !in_class(p, end, cp))
				return false;
			p = end;
		} else if (take_char(&p) != cp) {
			return false;
		}
	}
	return !*s;
}

/* How many folders deep a file that matches can be. */
static int levels(const char *pattern)
{
	int n = 0;

	if (strstr(pattern, "**") || strchr(pattern, '{'))
		return DEPTH_MAX;
	for (const char *p = pattern; (p = strchr(p, '/')); p++)
		n++;
	return MIN(n, DEPTH_MAX);
}

/* What is not there, and what we may not see, does not match; anything else is a failure. */
static int ignored(struct error **err, struct error *e)
{
	if (e->kind == ERROR_NOT_FOUND || e->os_errno == EACCES || e->os_errno == ELOOP) {
		error_free(e);
		return 0;
	}
	return error_move(err, e);
}

/* Goes at most `depth` folders deeper. */
static int walk(const char *root, const char *below, const char *pattern, int depth,
		struct strv *ret, struct error **err)
{
	AUTO_FREE char *dir = *below ? path_join(root, below) : xstrdup(root);
	AUTO(strv) struct strv names = STRV_INIT;
	struct error *e = NULL;

	if (depth < 0)
		return 0;
	if (fs_list(dir, &names, &e) < 0)
		return ignored(err, e);
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = *below ? path_join(below, names.v[i]) : xstrdup(names.v[i]);
		AUTO_FREE char *full = path_join(root, path);
		struct glob g = { 0 };
		enum fs_kind kind;

		if (fs_stat_kind(full, &kind, &e) < 0) {
			if (ignored(err, TAKE(e)) < 0)
				return -1;
			continue;
		}
		if (kind == FS_DIR && walk(root, path, pattern, depth - 1, ret, err) < 0)
			return -1;
		if (kind == FS_FILE && match(&g, pattern, path))
			strv_push(ret, path);
	}
	return 0;
}

int globber_files(const char *dir, const char *pattern, struct strv *ret, struct error **err)
{
	if (!is_wellformed(pattern))
		return error_set(err, ERROR_INVALID, "syntax error in pattern");
	if (walk(dir, "", pattern, levels(pattern), ret, err) < 0)
		return -1;
	strv_sort(ret);
	return 0;
}
