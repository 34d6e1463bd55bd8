/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion and unification (language.md 6). */
#pragma once

#include "base/error.h"
#include "value/value.h"

/* Safe and unsafe conversions; NULL with the texts of 6.2/6.4. Optional
 * attributes of object constraints get their defaults first when asked. */
struct value *value_convert(struct value *v, struct type *want, struct error **err);
struct value *value_apply_defaults(struct value *v, struct type *constraint);
/* Why `got` is no `want` (6.4). */
void type_mismatch(struct strbuf *sb, const struct type *got, const struct type *want);
/* The common type, owned, or NULL; `unsafe` as conditionals use it. */
struct type *type_unify(struct type *const *types, size_t n, bool unsafe);
