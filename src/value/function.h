/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function is, for the evaluator that calls it and the folder func/
 * that implements it: one table row. Arguments reach `call` converted to the
 * parameter types, known and non-null (unless the row says otherwise) and
 * unmarked; the evaluator puts marks and unknowns back on the result.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "os/cancel.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PARAM_NULL = 1 << 0,    /* null is allowed */
	PARAM_UNKNOWN = 1 << 1, /* unknown is passed in */
	PARAM_LAZY = 1 << 2,    /* not evaluated: try(), can(), convert()'s type */
	PARAM_DYNAMIC = 1 << 3, /* a bare null, whose type is not known, is passed in;
				 * otherwise it makes the result unknown */
};

struct param {
	const char *name;
	struct type *const *type; /* &type_string …; NULL: any */
	unsigned flags;
};

struct func_def;

/* What functions may know of the world; filled once per load. Thread-safe to share. */
struct func_world {
	const char *base_dir; /* of the template: file(), templatefile(), … */
	const char *cwd;
	const char *home;   /* NULL: unknown */
	int64_t start_time; /* process start, ns since the epoch */
	int64_t (*now)(void);
	const char *(*getenv)(const char *name);
	/* templatefile(): parses and renders text with exactly these variables.
	 * An error of kind INVALID is about `vars` (the caller blames that
	 * argument), any other about the template. */
	struct value *(*render)(const struct func_world *w, const char *name, const char *text,
				struct value *vars, struct error **err);
	void *render_data;
	struct cancel *cancel;     /* ends the waits for servers; NULL: they last to their limits */
	struct redactor *redactor; /* gets the secrets that functions fetch; NULL: none */
	/* Is told of each function that an expression calls; NULL: nobody. */
	void (*called)(void *data, const struct func_def *def);
	void *called_data;
};

/* The same world, as the clients in cloud/ want it. */
struct cloud_ctx;
void func_world_cloud(const struct func_world *w, struct cloud_ctx *ret);

struct func_call {
	const struct func_world *world;
	const char *name;
	struct value *const *args; /* borrowed; lazy ones are NULL */
	size_t argc;
	/* For PARAM_LAZY parameters. The message of an evaluation that fails is
	 * one "- SUMMARY (at RANGE)\n  DETAIL\n" per mistake, as try() prints
	 * them. What type_lazy finds wrong is reported by the evaluator itself,
	 * in place of the error that the function then returns. */
	struct value *(*eval_lazy)(const struct func_call *call, size_t arg, struct error **err);
	struct type *(*type_lazy)(const struct func_call *call, size_t arg, struct error **err);
	void *eval_data;
	int *ret_bad_arg; /* set to the argument an error is about; starts as -1 */
};

struct func_def {
	const char *name;
	const struct param *params;   /* name NULL ends */
	const struct param *variadic; /* NULL: none */
	/* NULL with *err (the bare text of language.md 20) on failure. */
	struct value *(*call)(const struct func_call *call, struct error **err);
	/* Type of the result when an argument is unknown; NULL row: dynamic. */
	struct type *const *returns;
	bool is_fresh;       /* another result in each run: a clock, chance */
	const char *doc;     /* one sentence */
	const char *example; /* `upper("a")` … */
	/* … gives `"A"`, as an expression; a test checks it with the files of tests/data/examples, at
	 * 2020-01-02T03:04:05Z, and with servers that have what is asked for. */
	const char *result;
};

/*
 * The protocol of a call (language.md 7.10, 20.1) around `call`, for arguments
 * that are evaluated but neither converted nor unmarked; their number has been
 * checked. Converts, refuses nulls, lets unknowns make an unknown result, and
 * marks the result sensitive when an argument was.
 */
struct value *func_invoke(const struct func_def *def, const struct func_call *call,
			  struct error **err);
/* The parameter that takes argument `i`; NULL: too many arguments. */
const struct param *func_param(const struct func_def *def, size_t i);
size_t func_param_count(const struct func_def *def); /* without the variadic one */

/* The table is sorted by name; NULL ends. */
const struct func_def *func_find(const struct func_def *const *table, const char *name);
