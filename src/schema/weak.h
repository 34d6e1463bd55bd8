/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of schema/ only: the weak conversions of component options
 * (legacy-json.md 8) from any value to a C type. Each returns NULL when it
 * worked, else the reason ("a number is required"), static or in the arena.
 * Values are known and not null.
 */
#pragma once

#include "schema/schema.h"

const char *weak_string(const struct value *v, struct arena *arena, const char **ret);
const char *weak_int(const struct value *v, int64_t *ret, bool *ret_truncated);
const char *weak_bool(const struct value *v, bool *ret);
const char *weak_duration(const struct value *v, struct arena *arena, int64_t *ret);

/* Why a value is nothing for a row, as the reference's decoder tells it (legacy-json.md 8). */
void explain_mismatch(struct strbuf *sb, const struct attr *a, const char *path,
		      const struct value *v);
