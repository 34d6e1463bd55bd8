/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 16 * 1024 };

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct on_free {
	struct on_free *next;
	arena_destroy_fn destroy;
	void *p;
};

struct arena {
	struct block *blocks;
	struct on_free *on_free;
};

struct arena *arena_new(void)
{
	return NEW(struct arena);
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct on_free *f = a->on_free; f; f = f->next)
		f->destroy(f->p);
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->blocks;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!b || b->size - b->used < size) {
		size_t room = MAX(size, (size_t)ARENA_BLOCK);

		b = xmalloc(sizeof(*b) + room);
		*b = (struct block){ .next = a->blocks, .size = room };
		a->blocks = b;
	}

	void *p = (char *)b->data + b->used;

	b->used += size;
	memset(p, 0, size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	assert(fmt); /* also tells gcc's format checks, which UBSan's null checks mislead */
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);

	char *s = arena_alloc(a, (size_t)n + 1);

	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

void arena_on_free(struct arena *a, arena_destroy_fn destroy, void *p)
{
	struct on_free *f = ARENA_NEW(a, struct on_free);

	*f = (struct on_free){ a->on_free, destroy, p };
	a->on_free = f;
}
