/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *strv_empty[1];

void strv_init(struct strv *sv)
{
	*sv = (struct strv)STRV_INIT;
}

void strv_release(struct strv *sv)
{
	for (size_t i = 0; i < sv->len; i++)
		free(sv->v[i]);
	if (sv->cap)
		free(sv->v);
	strv_init(sv);
}

void strv_push_take(struct strv *sv, char *s)
{
	if (sv->len + 2 > sv->cap) {
		size_t cap = MAX(sv->cap * 2, (size_t)8);

		sv->v = xreallocarray(sv->cap ? sv->v : NULL, cap, sizeof(char *));
		sv->cap = cap;
	}
	sv->v[sv->len++] = s;
	sv->v[sv->len] = NULL;
}

void strv_push(struct strv *sv, const char *s)
{
	strv_push_take(sv, xstrdup(s));
}

void strv_pushf(struct strv *sv, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	strv_push_take(sv, strbuf_detach(&sb));
}

void strv_pushl(struct strv *sv, ...)
{
	va_list ap;
	const char *s;

	va_start(ap, sv);
	while ((s = va_arg(ap, const char *)))
		strv_push(sv, s);
	va_end(ap);
}

void strv_pushv(struct strv *sv, char *const *strings)
{
	for (; *strings; strings++)
		strv_push(sv, *strings);
}

void strv_remove(struct strv *sv, size_t at)
{
	assert(at < sv->len);
	free(sv->v[at]);
	memmove(sv->v + at, sv->v + at + 1, (sv->len - at) * sizeof(char *));
	sv->len--;
}

bool strv_contains(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->len; i++)
		if (!strcmp(sv->v[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *sv)
{
	if (sv->len > 1)
		qsort(sv->v, sv->len, sizeof(char *), compare);
}

char *strv_join(const struct strv *sv, const char *separator)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < sv->len; i++) {
		if (i)
			strbuf_addstr(&sb, separator);
		strbuf_addstr(&sb, sv->v[i]);
	}
	return strbuf_detach(&sb);
}

char **strv_detach(struct strv *sv)
{
	char **v = sv->cap ? sv->v : xcalloc(1, sizeof(char *));

	strv_init(sv);
	return v;
}

void strv_free_raw(char **v)
{
	if (!v)
		return;
	for (char **p = v; *p; p++)
		free(*p);
	free(v);
}
