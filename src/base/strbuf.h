/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable string. `buf` is never NULL after init, always NUL-terminated at
 * buf[len], and may contain NULs. A buffer that is fed from outside must be
 * made with strbuf_init_max(): what does not fit is refused and `overflow` is
 * set (and stays set), the content so far is kept.
 */
#pragma once

#include "base/macro.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *buf;
	size_t len;
	size_t cap; /* bytes allocated, 0 while buf is the shared empty string */
	size_t max; /* largest len allowed */
	bool overflow;
};

extern char strbuf_empty[1];
#define STRBUF_INIT                                                                                \
	{                                                                                          \
		.buf = strbuf_empty, .max = (size_t)-1 / 2                                         \
	}
#define STRBUF_INIT_MAX(limit)                                                                     \
	{                                                                                          \
		.buf = strbuf_empty, .max = (limit)                                                \
	}

void strbuf_init(struct strbuf *sb);
void strbuf_init_max(struct strbuf *sb, size_t max);
void strbuf_release(struct strbuf *sb); /* contents; leaves it empty and usable */
static inline void auto_strbuf(struct strbuf *sb)
{
	strbuf_release(sb);
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addch(struct strbuf *sb, char c);
void strbuf_addchars(struct strbuf *sb, char c, size_t n);
PRINTF(2, 3) void strbuf_addf(struct strbuf *sb, const char *fmt, ...);
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap);
/* Replaces all occurrences of `from` (not empty) by `to`, in place. */
void strbuf_replace(struct strbuf *sb, const char *from, const char *to);
void strbuf_insert(struct strbuf *sb, size_t at, const void *data, size_t len);
void strbuf_remove(struct strbuf *sb, size_t at, size_t len);
void strbuf_truncate(struct strbuf *sb, size_t len); /* len <= sb->len */
/* Makes room for n more bytes and returns where to write; then strbuf_advance(). */
char *strbuf_reserve(struct strbuf *sb, size_t n);
void strbuf_advance(struct strbuf *sb, size_t n);
void strbuf_rtrim(struct strbuf *sb); /* ASCII white space at the end */
/* Hands the string over (heap, never NULL) and leaves sb empty. */
char *strbuf_detach(struct strbuf *sb);
