/* SPDX-License-Identifier: Apache-2.0 */
/* The examples in the function table do what they say. */
#include "base/alloc.h"
#include "base/str.h"
#include "eval/eval.h"
#include "eval/render.h"
#include "func/table.h"
#include "lang/parser.h"
#include "value/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../fakes/http_origin.h"

struct world {
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
};

static int64_t fixed_time(void)
{
	return 1577934245000000000; /* 2020-01-02T03:04:05Z */
}

static struct origin *origin; /* is Consul, Vault and AWS */

static const char *fixed_environment(const char *name)
{
	static const char *const addresses[] = { "CONSUL_HTTP_ADDR", "VAULT_ADDR",
						 "AWS_ENDPOINT_URL" };
	static const char *const empty[] = { "CONSUL_", "VAULT_", "AWS_", "HTTP", "SSL_" };
	static const char *const set[] = { "VAULT_TOKEN", "AWS_REGION", "AWS_ACCESS_KEY_ID",
					   "AWS_SECRET_ACCESS_KEY" };

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (text_eq(name, addresses[i]))
			return origin_url(origin);
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		if (text_eq(name, set[i]))
			return "value";
	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		if (text_starts_with(name, empty[i]))
			return NULL;
	return text_eq(name, "HOME") ? "/home/user" : "value";
}

/* What the servers say to the examples that ask them. */
static void script_answers(const char *function)
{
	static const char *const answers[][2] = {
		{ "consul_key", "[{\"Value\": \"MS4yLjM=\"}]" },
		{ "vault_kv", "{\"data\": {\"path\": \"secret/\", \"options\": "
			      "{\"version\": \"2\"}}}" },
		{ "vault_kv", "{\"data\": {\"data\": {\"foo\": \"world\"}}}" },
		{ "vault", "{\"data\": {\"data\": {\"foo\": \"world\"}}}" },
		{ "aws_secretsmanager",
		  "{\"SecretString\": \"{\\\"password\\\":\\\"correct horse\\\"}\"}" },
		{ "aws_secretsmanager_raw",
		  "{\"SecretString\": \"{\\\"password\\\":\\\"correct horse\\\"}\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (text_eq(function, answers[i][0]))
			origin_reply(origin, "200 OK", "", answers[i][1]);
}

static struct value *evaluate_text(struct world *w, const char *text, struct diags *diags)
{
	const struct source *src = sources_add(w->sources, "example", text, strlen(text));
	struct expr *e = parse_expression(src, w->arena, diags);

	return eval_expr(e, w->scope, diags);
}

/* The result is a literal, so a list is compared after it became one. */
static bool gives(const struct value *got, struct value *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(value) struct value *v = value_convert(want, value_type(got), &err);

	return v && value_is_wholly_known(got) && value_is_null(v) == value_is_null(got) &&
	       (value_is_null(v) || value_equal(v, got));
}

static bool example_holds(struct world *w, const struct func_def *def)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	script_answers(def->name);
	AUTO(value) struct value *got = evaluate_text(w, def->example, &diags);
	AUTO(value) struct value *want = evaluate_text(w, def->result, &diags);
	if (diags_has_errors(&diags))
		diags_format_error(&why, &diags);
	else if (!gives(got, want))
		value_format_console(&why, got);
	else
		return true;
	printf("# %s is not %s but %s\n", def->example, def->result, why.buf);
	return false;
}

static void check_table(const struct func_def *const *table)
{
	struct world w = { sources_new(), arena_new(), scope_new(NULL) };
	AUTO_FREE char *folder = xasprintf("%s/tests/data/examples", getenv("SRCDIR"));
	struct func_world fw = { .base_dir = folder,
				 .cwd = folder,
				 .home = "/home/user",
				 .start_time = fixed_time(),
				 .now = fixed_time,
				 .getenv = fixed_environment };
	unsigned failed = 0;

	origin = origin_new();

	render_enable(&fw, table);
	scope_set_functions(w.scope, table, &fw);
	for (size_t i = 0; table[i]; i++)
		failed += !example_holds(&w, table[i]);
	assert_int_equal(origin_left(origin), 0);
	origin_free(origin);
	scope_free(w.scope);
	arena_free(w.arena);
	sources_free(w.sources);
	assert_int_equal(failed, 0);
}

static void test_builtin_examples(void **state)
{
	check_table(builtin_functions);
}

static void test_variable_default_examples(void **state)
{
	check_table(variable_default_functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_examples),
		cmocka_unit_test(test_variable_default_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
