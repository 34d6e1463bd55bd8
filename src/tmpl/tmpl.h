/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `{{ }}` template engine of legacy templates (legacy-json.md 7), which
 * also lives on inside HCL strings: `{{ .Path }}` in execute_command,
 * boot_command, qemuargs, output names. Data is an object value: `.Name` looks
 * a field up; an absent one prints `<no value>`.
 *
 * The language is that of Go's text/template without methods and complex
 * numbers: pipelines, variables, if / range / with / define / template / block,
 * the built-in functions, and those of legacy-json.md 7.5. Work, memory and
 * nesting are limited.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "value/function.h"
#include "value/value.h"

struct tmpl_func; /* tmpl/func.h */

/* What an execution looked at. */
enum tmpl_use {
	TMPL_USES_FIELD,    /* `.Name` of the data; "": the data as a whole */
	TMPL_USES_BUILD,    /* {{ build `Name` }} */
	TMPL_USES_FUNCTION, /* its name */
};

struct tmpl_ctx {
	struct value *data;    /* object for `.Name`; NULL: no fields */
	const char *data_type; /* a name for it: then an absent field is an error; or NULL */
	const struct func_world *world;      /* NULL: functions of the world are not available */
	const char *build_name, *build_type; /* NULL: not known */
	struct value *user;                  /* object of user variables; NULL: none */
	const struct map *user_texts;        /* the same as name -> text; NULL: `user` counts */
	struct value *build;                 /* object for {{ build `X` }}; NULL: `data` */
	const char *const *build_names;      /* absent ones of these print `<no value>`; or NULL */
	const char *packer_version;          /* NULL: not known */
	/* Defaults of variables: `env` and what else stands only there is available, and a user
	 * variable that is not in `user` is an error. */
	bool in_variables;
	const struct tmpl_func *extra; /* of a component; name NULL ends; NULL: none */
	/* Is told all that an execution uses; NULL: nobody. */
	void (*used)(void *data, enum tmpl_use what, struct str name);
	void *used_data;
};

/* In the message of an execution that failed because `user` has no such variable. */
extern const char tmpl_unset_variable[];
/* In the text of data that is known only later: `build` then gives `{{.NAME}}`. */
extern const char tmpl_placeholder[];
/* The text that stands for a value of `build` until there is one; heap. */
char *tmpl_placeholder_of(const char *name);

/* Heap string; NULL with the place and cause in *err. Text without "{{" is copied. */
char *tmpl_render(const char *text, const struct tmpl_ctx *ctx, struct error **err);
/* Is the syntax right? `ctx` only for its functions, may be NULL. */
MUST_CHECK int tmpl_check(const char *text, const struct tmpl_ctx *ctx, struct error **err);
