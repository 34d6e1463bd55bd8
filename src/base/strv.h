/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NULL-terminated array of owned strings: argument vectors, environments,
 * lists of names. `v` is never NULL after init and v[len] is always NULL.
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t len;
	size_t cap; /* 0 while v is the shared empty vector */
};

extern char *strv_empty[1];
#define STRV_INIT                                                                                  \
	{                                                                                          \
		.v = strv_empty                                                                    \
	}

void strv_init(struct strv *sv);
void strv_release(struct strv *sv); /* frees the strings; leaves it empty and usable */
static inline void auto_strv(struct strv *sv)
{
	strv_release(sv);
}

void strv_push(struct strv *sv, const char *s); /* copies */
void strv_push_take(struct strv *sv, char *s);  /* takes ownership */
PRINTF(2, 3) void strv_pushf(struct strv *sv, const char *fmt, ...);
SENTINEL void strv_pushl(struct strv *sv, ...);         /* strings, then NULL; copies */
void strv_pushv(struct strv *sv, char *const *strings); /* NULL-terminated; copies */
void strv_remove(struct strv *sv, size_t at);
bool strv_contains(const struct strv *sv, const char *s);
void strv_sort(struct strv *sv);                               /* bytewise */
char *strv_join(const struct strv *sv, const char *separator); /* heap */
char **strv_detach(struct strv *sv);                           /* heap, free with strv_free_raw() */
void strv_free_raw(char **v);
