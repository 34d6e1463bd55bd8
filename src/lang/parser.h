/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text -> tree. All of these report every mistake they can into `diags` and
 * always return something (EXPR_INVALID where nothing could be read), so one
 * run shows many. The arena and the source must outlive the result.
 *
 * Limits: nesting 512 deep, a file 64 MiB; deeper input is a diagnostic.
 */
#pragma once

#include "base/arena.h"
#include "lang/ast.h"
#include "lang/body.h"
#include "lang/diag.h"

struct body *parse_file(const struct source *src, struct arena *arena, struct diags *diags);
/* The whole text is one expression (console, -var, environment). */
struct expr *parse_expression(const struct source *src, struct arena *arena, struct diags *diags);
/* Part of a source is one expression. */
struct expr *parse_expression_at(const struct source *src, struct range at, struct arena *arena,
				 struct diags *diags);
/* The whole text is a template without quotes (templatefile). */
struct expr *parse_template(const struct source *src, struct arena *arena, struct diags *diags);
/* Part of a source, positions kept: for JSON strings and legacy templates. */
struct expr *parse_template_at(const struct source *src, struct range at, struct arena *arena,
			       struct diags *diags);

/* Canonical layout (cli.md 7) as a heap string; NULL after reporting when the text does not parse. */
char *hcl_format(const struct source *src, struct diags *diags);
/* The same appended to `ret`, for texts that may contain NUL bytes (comments, strings); false after
 * reporting. */
bool hcl_format_into(const struct source *src, struct strbuf *ret, struct diags *diags);
/* The same without looking whether it parses. */
char *hcl_layout(const struct source *src);

/* Roots of all traversals in an expression, for dependency graphs: calls back
 * with the EXPR_VARIABLE/ATTR/INDEX chain. Names bound by `for` are left out. */
void expr_walk_references(const struct expr *e, expr_reference_fn fn, void *data);

/* Static reading: the expression as a bare keyword ("string"), or len 0. */
struct str expr_keyword(const struct expr *e);
/* What a reader of static constructs looks at: JSON has expressions as texts and tuples as arrays.
 * Anything else is returned as it is. */
const struct expr *expr_static(const struct expr *e, struct arena *arena);
