/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names an expression can use. Scopes nest; a child hides its parent's names.
 * A scope borrows its parent and its function table and references its values.
 */
#pragma once

#include "value/function.h"
#include "value/value.h"

struct scope;

struct scope *scope_new(const struct scope *parent); /* parent NULL: a root */
void scope_free(struct scope *s);
DEFINE_AUTO(scope, struct scope *, scope_free);

void scope_set(struct scope *s, const char *name, struct value *v); /* v is referenced */
struct value *scope_get(const struct scope *s, const char *name);   /* borrowed or NULL */
/* Functions: a sorted NULL-terminated array of rows. Without: "Function calls not allowed". */
void scope_set_functions(struct scope *s, const struct func_def *const *table,
			 const struct func_world *world);
const struct func_def *const *scope_functions(const struct scope *s,
					      const struct func_world **world);
