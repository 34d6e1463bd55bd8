/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `{{ }}` template engine of legacy templates (legacy-json.md 7), which
 * also lives on inside HCL strings: `{{ .Path }}` in execute_command,
 * boot_command, qemuargs, output names. Data is an object value: `.Name` looks
 * a field up; an absent one prints `<no value>`.
 *
 * A subset of Go's text/template: actions with pipelines, fields, variables,
 * literals, if / else if / else, range, with, comments, trim markers.
 */
#pragma once

#include "base/error.h"
#include "value/function.h"
#include "value/value.h"

struct tmpl_ctx {
	struct value *data;                  /* object for `.Name`; NULL: no fields */
	const struct func_world *world;      /* NULL: functions of the world are not available */
	const char *build_name, *build_type; /* NULL: not known */
	struct value *user;                  /* object of user variables; NULL: none */
	struct value *build;                 /* object for {{ build `X` }}; NULL: none */
};

/* Heap string; NULL with the place and cause in *err. Text without "{{" is copied. */
char *tmpl_render(const char *text, const struct tmpl_ctx *ctx, struct error **err);
/* Is the syntax right? For prepare(). */
MUST_CHECK int tmpl_check(const char *text, struct error **err);
