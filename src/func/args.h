/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every function does with its arguments, which func_invoke() has checked
 * and converted. Failures return NULL (or false) with *err set.
 */
#pragma once

#include "value/function.h"
#include "value/valuevec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS(...)                                                                                \
	(const struct param[])                                                                     \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define VARIADIC(...)                                                                              \
	&(const struct param)                                                                      \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

const char *arg_text(const struct func_call *call, size_t i);
size_t arg_size(const struct func_call *call, size_t i); /* bytes of the text */
/* A machine integer, or the error of language.md 20.1. */
bool arg_int(const struct func_call *call, size_t i, int64_t *ret, struct error **err);
bool args_wholly_known(const struct func_call *call);

bool is_sequence(const struct type *t);      /* list, set, tuple */
bool is_list_or_tuple(const struct type *t); /* has indices */
bool is_mapping(const struct type *t);       /* map, object */

/* These return NULL, for `return`. */
PRINTF(2, 3) struct value *fail(struct error **err, const char *fmt, ...);
/* The error is about argument i. */
PRINTF(4, 5)
struct value *fail_arg(const struct func_call *call, size_t i, struct error **err, const char *fmt,
		       ...);
