/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts get PACKER_BUILD_NAME and PACKER_BUILDER_TYPE in their environment. If that counted in each
 * key, two builds could never share a step; so it counts only from where on something could look:
 * names one of them, or prints or reads the environment as a whole. Too much is found rather than too little.
 */
#include "core/key_making.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

struct look {
	const char *text, *end;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What follows the word at `p`; NULL: there is no such word. */
static const char *after_word(const struct look *l, const char *p, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(l->end - p) < n || memcmp(p, word, n) != 0)
		return NULL;
	if ((p > l->text && is_word(p[-1])) || (p + n < l->end && is_word(p[n])))
		return NULL;
	return p + n;
}

static const char *skip_blanks(const struct look *l, const char *p)
{
	while (p < l->end && is_blank(*p))
		p++;
	return p;
}

/* Is the command complete with what was read? */
static bool ends_command(const struct look *l, const char *p)
{
	const char *next = skip_blanks(l, p);
	if (next == l->end || strchr("\r\n|;&)>`", *next))
		return true;
	return next == p && strchr("'\"", *p); /* sh -c 'set' */
}

/* NAME=VALUE at `p`; NULL: something else. */
static const char *skip_assignment(const struct look *l, const char *p)
{
	const char *name = p;
	while (p < l->end && is_word(*p))
		p++;
	if (p == name || p == l->end || *p != '=')
		return NULL;
	while (p < l->end && !isspace((unsigned char)*p) && !strchr("|;&)>`", *p))
		p++;
	return p;
}

/* `env` prints unless a command or an assignment follows: `#!/usr/bin/env python3`. */
static bool is_env(const struct look *l, const char *p)
{
	const char *rest = after_word(l, p, "env");
	if (!rest)
		return false;
	const char *next = skip_blanks(l, rest);
	for (const char *after; (after = skip_assignment(l, next)); next = skip_blanks(l, after))
		if (ends_command(l, after))
			return true;
	return next == rest || next == l->end || !(is_word(*next) || strchr("./\"'${", *next));
}

/* Can a command begin here? After the words of a sentence none does. */
static bool begins_command(const struct look *l, const char *p)
{
	static const char *const before[] = { "then",    "do",   "else", "builtin",
					      "command", "time", "eval" };
	while (p > l->text && is_blank(p[-1]))
		p--;
	if (p == l->text || strchr("\r\n;|&(){}`!\"':", p[-1]))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		size_t n = strlen(before[i]);
		if ((size_t)(p - l->text) >= n && after_word(l, p - n, before[i]) == p)
			return true;
	}
	return false;
}

static bool is_listing(const struct look *l, const char *p)
{
	static const char *const commands[] = { "export", "declare", "typeset", "readonly" };
	if (!begins_command(l, p))
		return false;
	const char *rest = after_word(l, p, "set");
	if (rest && ends_command(l, rest))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		rest = after_word(l, p, commands[i]);
		if (!rest)
			continue;
		if (ends_command(l, rest))
			return true;
		rest = skip_blanks(l, rest);
		for (const char *o = rest; o < l->end && *o == '-'; o = skip_blanks(l, o))
			for (o++; o < l->end && is_word(*o); o++)
				if (*o == 'p' || *o == 'x')
					return true;
	}
	return false;
}

static bool is_reader(const struct look *l, const char *p)
{
	static const char *const words[] = { "printenv", "compgen", "environ",    "ENV",
					     "getenv",   "Env",     "os_environ", "ENVIRON" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (after_word(l, p, words[i]))
			return true;
	return is_env(l, p) || is_listing(l, p);
}

/* "PACKER_", in one piece or put together; what is served is in the key of the machine. */
static bool names_packer(const char *text, size_t len)
{
	const char *end = text + len;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "PACKER_", 7)); p += 7)
		if ((size_t)(end - p) < 12 || memcmp(p, "PACKER_HTTP_", 12) != 0)
			return true;
	return memmem(text, len, "BUILD_NAME", 10) || memmem(text, len, "BUILDER_TYPE", 12) ||
	       memmem(text, len, "packer_build", 12);
}

bool key_names_build(const char *text, size_t len)
{
	const struct look l = { text, text + len };
	if (names_packer(text, len) || memmem(text, len, "${!", 3))
		return true;
	for (const char *p = text; p < l.end; p++)
		if (strchr("pcegEsdtor", *p) && *p && (p == text || !is_word(p[-1])) &&
		    is_reader(&l, p))
			return true;
	return false;
}
