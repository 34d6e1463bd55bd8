/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as an expression, evaluated with the builtin functions but
 * those that look at files, ask servers or are slow on purpose. The first byte
 * picks: an expression, a template, or a type constraint. Besides not
 * crashing: what comes out can be printed in every form, and a value read back
 * from its own JSON is the same value.
 */
#include "base/alloc.h"
#include "eval/eval.h"
#include "func/table.h"
#include "lang/parser.h"
#include "value/jsontext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Longer texts only make slow loops likely. */
enum { SIZE_MAX_USEFUL = 4096 };

static const char *const left_out[] = {
	"aws_secretsmanager",
	"aws_secretsmanager_raw",
	"bcrypt",
	"consul_key",
	"file",
	"filebase64",
	"fileexists",
	"fileset",
	"rsadecrypt",
	"templatefile",
	"vault",
	"vault_kv",
};

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

static int64_t no_time(void)
{
	return 0;
}

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (!strcmp(name, left_out[i]))
			return true;
	return false;
}

static const struct func_def *const *functions(struct arena *arena)
{
	size_t n = 0;

	while (builtin_functions[n])
		n++;

	const struct func_def **table = ARENA_ARRAY(arena, const struct func_def *, n + 1);

	n = 0;
	for (const struct func_def *const *f = builtin_functions; *f; f++)
		if (!is_left_out((*f)->name))
			table[n++] = *f;
	return table;
}

static void check_json(const struct value *v)
{
	AUTO(strbuf) struct strbuf once = STRBUF_INIT;
	AUTO(strbuf) struct strbuf twice = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *plain = value_unmark_deep((struct value *)v);

	value_format_json(&once, plain);

	AUTO(value) struct value *again = jsontext_decode(once.buf, once.len, &err);

	if (!again)
		return; /* infinities have no JSON; nesting is limited */
	value_format_json(&twice, again);
	if (strcmp(once.buf, twice.buf))
		abort();
}

static void check_value(const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	value_format_console(&sb, v);
	value_format_summary(&sb, v);
	type_name(&sb, value_type(v));
	type_json(&sb, value_type(v));
	if (value_is_wholly_known(v))
		check_json(v);
}

static void check_type(const struct expr *e, struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(type) struct type *t = eval_type_constraint(e, true, NULL, diags);

	if (!t)
		return;
	type_constraint_name(&sb, t);

	AUTO(type) struct type *plain = type_without_optional(t);

	type_json(&sb, plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct func_world world = {
		.base_dir = "/nonexistent",
		.cwd = "/nonexistent",
		.now = no_time,
		.getenv = no_variable,
	};
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(scope) struct scope *scope = scope_new(NULL);
	AUTO(value) struct value *unknown = value_unknown(type_dynamic);
	AUTO(value) struct value *text = value_string("te\xcc\x81xt");
	AUTO(value) struct value *secret = value_mark_sensitive(text, true);

	if (size == 0 || size > SIZE_MAX_USEFUL)
		return 0;
	scope_set_functions(scope, functions(arena), &world);
	scope_set(scope, "u", unknown);
	scope_set(scope, "s", secret);
	scope_set(scope, "t", text);

	const struct source *src = sources_add(sources, "x", (const char *)data + 1, size - 1);
	struct expr *e = data[0] % 3 == 1 ? parse_template(src, arena, &diags)
					  : parse_expression(src, arena, &diags);

	if (diags_has_errors(&diags))
		return 0;
	if (data[0] % 3 == 2) {
		check_type(e, &diags);
		return 0;
	}

	AUTO(value) struct value *v = eval_expr(e, scope, &diags);

	check_value(v);
	return 0;
}
