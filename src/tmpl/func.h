/* SPDX-License-Identifier: Apache-2.0 */
/* What a function of templates is: one table row. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "tmpl/data.h"
#include "tmpl/tmpl.h"

struct tmpl_call {
	const struct tmpl_ctx *ctx;
	struct arena *arena; /* of the execution */
	const struct tmpl_value *args;
	size_t n;
	struct error **err;
};

struct tmpl_func {
	const char *name;
	int min_args, max_args; /* max -1: any number */
	/* Per argument, the last one for all that follow: s text, i integer, a anything. */
	const char *types;
	/* False with the bare text in *call->err. */
	bool (*run)(const struct tmpl_call *call, struct tmpl_value *ret);
};

/* Of a component (`extra`, may be NULL), else one of the tables below; NULL if unknown. */
const struct tmpl_func *tmpl_func_find(const struct tmpl_func *extra, struct str name);
extern const struct tmpl_func tmpl_builtins[];  /* builtin.c; name NULL ends */
extern const struct tmpl_func tmpl_functions[]; /* func.c */

/* Returns false, for `return tmpl_complain(call, …);` */
PRINTF(2, 3) bool tmpl_complain(const struct tmpl_call *call, const char *fmt, ...);
/* Moves the text into the arena; true. */
bool tmpl_return_text(const struct tmpl_call *call, struct strbuf *sb, struct tmpl_value *ret);
