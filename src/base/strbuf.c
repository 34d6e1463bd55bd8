/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char strbuf_empty[1];

void strbuf_init(struct strbuf *sb)
{
	*sb = (struct strbuf)STRBUF_INIT;
}

void strbuf_init_max(struct strbuf *sb, size_t max)
{
	*sb = (struct strbuf)STRBUF_INIT_MAX(max);
}

void strbuf_release(struct strbuf *sb)
{
	size_t max = sb->max;

	if (sb->cap)
		free(sb->buf);
	strbuf_init_max(sb, max);
}

/* Room for n more bytes plus the NUL, however the limit is. */
static void grow(struct strbuf *sb, size_t n)
{
	size_t need = sb->len + n + 1;

	if (need <= sb->cap)
		return;

	size_t cap = MAX(sb->cap * 2, (size_t)64);

	cap = MAX(cap, need);
	sb->buf = xreallocarray(sb->cap ? sb->buf : NULL, cap, 1);
	sb->cap = cap;
	sb->buf[sb->len] = '\0';
}

static bool fits(struct strbuf *sb, size_t n)
{
	if (n <= sb->max && sb->len <= sb->max - n)
		return true;
	sb->overflow = true;
	return false;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (!len || !fits(sb, len))
		return;
	grow(sb, len);
	memcpy(sb->buf + sb->len, data, len);
	strbuf_advance(sb, len);
}

void strbuf_addstr(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addch(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addchars(struct strbuf *sb, char c, size_t n)
{
	if (!n || !fits(sb, n))
		return;
	grow(sb, n);
	memset(sb->buf + sb->len, c, n);
	strbuf_advance(sb, n);
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(n >= 0);
	if (!fits(sb, (size_t)n))
		return;
	grow(sb, (size_t)n);
	vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, ap);
	sb->len += (size_t)n;
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

void strbuf_replace(struct strbuf *sb, const char *from, const char *to)
{
	size_t from_len = strlen(from);
	struct strbuf out = STRBUF_INIT_MAX(sb->max);
	const char *p = sb->buf, *end = sb->buf + sb->len, *hit;

	assert(from_len);
	while ((hit = memmem(p, (size_t)(end - p), from, from_len))) {
		strbuf_add(&out, p, (size_t)(hit - p));
		strbuf_addstr(&out, to);
		p = hit + from_len;
	}
	if (p == sb->buf) {
		strbuf_release(&out);
		return;
	}
	strbuf_add(&out, p, (size_t)(end - p));
	out.overflow |= sb->overflow;
	strbuf_release(sb);
	*sb = out;
}

void strbuf_insert(struct strbuf *sb, size_t at, const void *data, size_t len)
{
	assert(at <= sb->len);
	if (!len || !fits(sb, len))
		return;
	grow(sb, len);
	memmove(sb->buf + at + len, sb->buf + at, sb->len - at + 1);
	memcpy(sb->buf + at, data, len);
	sb->len += len;
}

void strbuf_remove(struct strbuf *sb, size_t at, size_t len)
{
	assert(at <= sb->len && len <= sb->len - at);
	if (!len)
		return;
	memmove(sb->buf + at, sb->buf + at + len, sb->len - at - len + 1);
	sb->len -= len;
}

void strbuf_truncate(struct strbuf *sb, size_t len)
{
	assert(len <= sb->len);
	sb->len = len;
	if (sb->cap)
		sb->buf[len] = '\0';
}

char *strbuf_reserve(struct strbuf *sb, size_t n)
{
	grow(sb, n);
	return sb->buf + sb->len;
}

void strbuf_advance(struct strbuf *sb, size_t n)
{
	assert(sb->len + n < sb->cap);
	sb->len += n;
	sb->buf[sb->len] = '\0';
}

void strbuf_rtrim(struct strbuf *sb)
{
	size_t len = sb->len;

	while (len && strchr(" \t\r\n\v\f", sb->buf[len - 1]) && sb->buf[len - 1])
		len--;
	strbuf_truncate(sb, len);
}

char *strbuf_detach(struct strbuf *sb)
{
	grow(sb, 0);

	char *s = sb->buf;
	size_t max = sb->max;

	strbuf_init_max(sb, max);
	return s;
}
