/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory from the heap. Running out of memory aborts the process (one line on
 * stderr), so no caller tests for NULL; in exchange everything that is fed
 * from outside has a limit of its own (see strbuf_init_max()).
 */
#pragma once

#include "base/macro.h"

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
/* Grows or shrinks; n * size is checked for overflow. */
void *xreallocarray(void *p, size_t n, size_t size);
void *xmemdup(const void *p, size_t len);
char *xstrdup(const char *s);              /* NULL gives NULL */
char *xstrndup(const char *s, size_t len); /* at most len bytes, NUL added */
PRINTF(1, 2) char *xasprintf(const char *fmt, ...);

void auto_free_(void *pp); /* for AUTO_FREE only: frees *(void **)pp */
#define AUTO_FREE __attribute__((cleanup(auto_free_)))

#define NEW(type) ((type *)xcalloc(1, sizeof(type)))
