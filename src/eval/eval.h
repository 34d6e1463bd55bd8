/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree + scope -> value. Never fails outright: what cannot be computed is
 * reported and becomes an unknown value, so that one run reports several
 * mistakes. Results are owned and never NULL. scope NULL: "Variables not
 * allowed" (language.md 7.1).
 */
#pragma once

#include "eval/scope.h"
#include "lang/ast.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "value/value.h"

MUST_CHECK struct value *eval_expr(const struct expr *e, const struct scope *scope,
				   struct diags *diags);
/* Evaluates and converts; on failure reports summary "Unsuitable value type" … with
 * the expression as subject and gives an unknown of `want`. */
MUST_CHECK struct value *eval_expr_as(const struct expr *e, const struct scope *scope,
				      struct type *want, struct diags *diags);
/* `type = list(string)` read from syntax (language.md 11); NULL after reporting. Owned. */
struct type *eval_type_constraint(const struct expr *e, bool allow_optional,
				  const struct scope *scope, struct diags *diags);
/* A body whose `dynamic` blocks are expanded when its content is asked for (language.md 12). */
struct body *body_expand_dynamic(struct arena *arena, const struct body *b,
				 const struct scope *scope);
