/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion and unification (language.md 6). "Safe" conversions cannot fail
 * on the value; "unsafe" ones (text -> number, map -> object, from a type that
 * is not known yet …) may.
 */
#pragma once

#include "base/error.h"
#include "value/value.h"

/* Safe and unsafe conversions; NULL with the texts of 6.2/6.4. Attributes
 * missing from an object become null where `want` has them optional; their
 * defaults are value_apply_defaults()'s business, which comes first. */
struct value *value_convert(struct value *v, struct type *want, struct error **err);
/* Fills in the defaults of optional attributes; converts nothing. */
struct value *value_apply_defaults(struct value *v, struct type *constraint);

/* Whether there is a conversion at all; an unsafe one may still fail on the value. */
bool type_can_convert(const struct type *got, const struct type *want, bool unsafe);
/* The type a null or unknown value of type `got` has after conversion; owned. */
struct type *type_after_convert(struct type *got, struct type *want);
/* Why `got` is no `want` (6.4). */
void type_mismatch(struct strbuf *sb, const struct type *got, const struct type *want);
/* The common type, owned, or NULL; `unsafe` as conditionals use it. */
struct type *type_unify(struct type *const *types, size_t n, bool unsafe);
/* The common element type of a sequence made of these: type_unify(), but NULL
 * where only "any" would be common to elements whose types are known. */
struct type *type_unify_elements(struct type *const *types, size_t n, bool unsafe);
