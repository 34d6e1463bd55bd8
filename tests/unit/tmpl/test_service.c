/* SPDX-License-Identifier: Apache-2.0 */
/* `{{ }}` templates of variable defaults that ask Consul, Vault and AWS (legacy-json.md 7.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../fakes/http_origin.h"
#include "base/alloc.h"
#include "base/str.h"
#include "os/clock.h"
#include "tmpl/tmpl.h"

static struct origin *origin;

static const char *environment(const char *name)
{
	if (text_eq(name, "CONSUL_HTTP_ADDR") || text_eq(name, "VAULT_ADDR") ||
	    text_eq(name, "AWS_ENDPOINT_URL"))
		return origin_url(origin);
	if (text_eq(name, "AWS_REGION") || text_eq(name, "AWS_ACCESS_KEY_ID") ||
	    text_eq(name, "AWS_SECRET_ACCESS_KEY") || text_eq(name, "VAULT_TOKEN"))
		return "x";
	return NULL;
}

static int start(void **state)
{
	origin = origin_new();
	return 0;
}

static int stop(void **state)
{
	size_t left = origin_left(origin);

	origin_free(origin);
	return left ? -1 : 0;
}

static char *render(const char *text, struct redactor *redactor, struct error **err)
{
	const struct func_world world = {
		.cwd = "/",
		.getenv = environment,
		.now = clock_wall,
		.redactor = redactor,
	};
	const struct tmpl_ctx ctx = { .world = &world, .in_variables = true };

	return tmpl_render(text, &ctx, err);
}

static void expect(const char *text, const char *answer, const char *want, bool is_secret)
{
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf shown = STRBUF_INIT;

	origin_reply(origin, "200 OK", "", answer);

	AUTO_FREE char *got = render(text, redactor, &err);

	if (!got)
		fail_msg("%s", err->message);
	assert_string_equal(got, want);
	strbuf_addstr(&shown, got);
	redactor_filter(redactor, &shown);
	assert_string_equal(shown.buf, is_secret ? "<sensitive>" : want);
}

static void test_values(void **state)
{
	expect("{{consul_key `k`}}", "[{\"Value\": \"aGk=\"}]", "hi", false);
	expect("{{vault `p` `k`}}", "{\"data\": {\"k\": \"hush\"}}", "hush", true);
	expect("{{aws_secretsmanager `s`}}", "{\"SecretString\": \"{\\\"a\\\":\\\"silent\\\"}\"}",
	       "silent", true);
	expect("{{aws_secretsmanager `s` `b`}}",
	       "{\"SecretString\": \"{\\\"a\\\":\\\"x\\\",\\\"b\\\":\\\"still\\\"}\"}", "still",
	       true);
	expect("{{aws_secretsmanager_raw `s`}}", "{\"SecretString\": \"{\\\"a\\\": 1}\"}",
	       "{\"a\": 1}", true);
}

static void expect_error(const char *text, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = render(text, NULL, &err);

	assert_null(got);
	if (!text_ends_with(err->message, want))
		fail_msg("%s", err->message);
}

static void test_mistakes(void **state)
{
	origin_reply(origin, "404 None", "", "");
	expect_error("{{consul_key `k`}}", "error calling consul_key: key does not exist at the "
					   "given path: k");
	origin_reply(origin, "404 None", "", "");
	expect_error("{{vault `p` `k`}}",
		     "error calling vault: Vault Secret does not exist at the given path");
	expect_error("{{aws_secretsmanager}}",
		     "error calling aws_secretsmanager: secret name must be provided");
	expect_error("{{aws_secretsmanager `a` `b` `c`}}",
		     "only secret name and optional secret key can be provided.");
	expect_error("{{aws_secretsmanager ``}}", "At least one secret name must be provided");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, start, stop),
		cmocka_unit_test_setup_teardown(test_mistakes, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
