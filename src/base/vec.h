/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable array of one element type:
 *
 *   VEC_DECLARE(step_list, struct step);        // struct step_list
 *   struct step_list steps = { 0 };
 *   *vec_push(&steps) = (struct step){ ... };   // zeroed slot
 *   for (size_t i = 0; i < steps.len; i++) use(&steps.items[i]);
 *   vec_release(&steps);                        // the array, not what items own
 */
#pragma once

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define VEC_DECLARE(name, type)                                                                    \
	struct name {                                                                              \
		type *items;                                                                       \
		size_t len;                                                                        \
		size_t cap;                                                                        \
	}

/* Grows by one zeroed element and returns a pointer to it. */
#define vec_push(v)                                                                                \
	((v)->items = vec_grow_((v)->items, (v)->len, &(v)->cap, sizeof(*(v)->items)),             \
	 &(v)->items[(v)->len++])

#define vec_remove(v, at)                                                                          \
	do {                                                                                       \
		assert((at) < (v)->len);                                                           \
		memmove(&(v)->items[at], &(v)->items[(at) + 1],                                    \
			((v)->len - (at)-1) * sizeof(*(v)->items));                                \
		(v)->len--;                                                                        \
	} while (0)

#define vec_release(v)                                                                             \
	do {                                                                                       \
		free((v)->items);                                                                  \
		(v)->items = NULL;                                                                 \
		(v)->len = (v)->cap = 0;                                                           \
	} while (0)

static inline void *vec_grow_(void *items, size_t len, size_t *cap, size_t size)
{
	if (len == *cap) {
		*cap = *cap ? *cap * 2 : 8;
		items = xreallocarray(items, *cap, size);
	}
	memset((char *)items + len * size, 0, size);
	return items;
}
