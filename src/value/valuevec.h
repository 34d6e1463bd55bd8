/* SPDX-License-Identifier: Apache-2.0 */
/* A growable array of owned values, for what becomes a sequence in the end. */
#pragma once

#include "base/vec.h"
#include "value/value.h"

VEC_DECLARE(value_vec, struct value *);

static inline void auto_value_vec(struct value_vec *v)
{
	for (size_t i = 0; i < v->len; i++)
		value_unref(v->items[i]);
	vec_release(v);
}

/* These move the values out and leave the array empty. */
static inline struct value *value_vec_tuple(struct value_vec *v)
{
	size_t n = v->len;

	v->len = 0;
	return value_tuple_take(v->items, n);
}

static inline struct value *value_vec_list(struct value_vec *v, struct type *element)
{
	size_t n = v->len;

	v->len = 0;
	return value_list_take(element, v->items, n);
}

static inline struct value *value_vec_set(struct value_vec *v, struct type *element)
{
	size_t n = v->len;

	v->len = 0;
	return value_set_take(element, v->items, n);
}
