/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for things that die together: the AST and the resolved configuration
 * of one load. Pointers from an arena must never outlive or escape it. Not
 * thread-safe while allocating; reading what is in it is.
 */
#pragma once

#include "base/macro.h"
#include "base/str.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
DEFINE_AUTO(arena, struct arena *, arena_free);

void *arena_alloc(struct arena *a, size_t size);    /* zeroed, max_align_t aligned */
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);
PRINTF(2, 3) char *arena_printf(struct arena *a, const char *fmt, ...);
#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

typedef void (*arena_destroy_fn)(void *p);
/* Calls destroy(p) when the arena is freed, in reverse order of registration. */
void arena_on_free(struct arena *a, arena_destroy_fn destroy, void *p);
