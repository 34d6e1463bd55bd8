/* SPDX-License-Identifier: Apache-2.0 */
/* How the clients of cloud/ behave when servers do not: retries, limits, cancellation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "../../fakes/http_origin.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "cloud/consul.h"
#include "cloud/vault.h"
#include "os/clock.h"
#include "os/wait.h"

static struct origin *origin;
static const char *vault_retries;

static const char *environment(const char *name)
{
	if (text_eq(name, "CONSUL_HTTP_ADDR") || text_eq(name, "VAULT_ADDR"))
		return origin_url(origin);
	if (text_eq(name, "VAULT_MAX_RETRIES"))
		return vault_retries;
	return text_eq(name, "VAULT_TOKEN") ? "token" : "";
}

static struct cloud_ctx ctx = {
	.getenv = environment,
	.now = clock_wall,
	.retry_pause = NSEC_PER_MSEC,
};

static int start(void **state)
{
	origin = origin_new();
	ctx.cancel = NULL;
	vault_retries = NULL;
	return 0;
}

static int stop(void **state)
{
	size_t left = origin_left(origin);

	origin_free(origin);
	return left ? -1 : 0;
}

static void expect_requests(size_t n)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(origin, &requests);
	assert_int_equal(requests.len, n);
}

/* ---- retries --------------------------------------------------------------------------- */

static void test_a_busy_server_is_asked_three_times(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	origin_reply(origin, "503 Busy", "", "");
	origin_reply(origin, "429 Slow down", "", "");
	origin_reply(origin, "200 OK", "", "[{\"Value\": \"aGk=\"}]");
	assert_int_equal(consul_read(&ctx, "k", &text, &err), 0);
	assert_string_equal(text.buf, "hi");
	expect_requests(3);
}

static void test_the_last_answer_counts(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < 3; i++)
		origin_reply(origin, "500 No", "", i < 2 ? "first" : "last");
	assert_int_equal(consul_read(&ctx, "k", &text, &err), -1);
	assert_string_equal(err->message,
			    "error reading consul key: Unexpected response code: 500 (last)");
}

static void test_a_lost_connection_is_made_again(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	origin_reply_cut(origin, "200 OK", "", "[{\"Value\": \"aGk=\"}]", 3);
	origin_reply(origin, "200 OK", "", "[{\"Value\": \"aGk=\"}]");
	assert_int_equal(consul_read(&ctx, "k", &text, &err), 0);
	expect_requests(2);
}

static void test_refusals_are_final(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *text = NULL;

	origin_reply(origin, "403 No", "", "{\"errors\": [\"one\", \"two\", 3]}");
	assert_int_equal(vault_read(&ctx, "a b/c", "k", &text, &err), -1);
	assert_int_equal(err->kind, ERROR_AUTH);

	AUTO_FREE char *want = xasprintf("Error reading vault secret: Error making API request.\n\n"
					 "URL: GET %s/v1/a%%20b/c\nCode: 403. Errors:\n\n"
					 "* one\n* two",
					 origin_url(origin));

	assert_string_equal(err->message, want);
}

static void test_vault_counts_retries_as_it_is_told(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *text = NULL;

	vault_retries = "0";
	origin_reply(origin, "502 No", "", "");
	assert_int_equal(vault_read(&ctx, "p", "k", &text, &err), -1);
	expect_requests(1);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void test_secrets_are_registered(void **state)
{
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	AUTO_FREE char *text = NULL;
	struct cloud_ctx with = ctx;

	with.redactor = redactor;
	origin_reply(origin, "200 OK", "", "{\"data\": {\"data\": {\"k\": \"hush-hush\"}}}");
	assert_int_equal(vault_read(&with, "p", "k", &text, &err), 0);
	assert_string_equal(text, "hush-hush");
	strbuf_addstr(&out, "a hush-hush b");
	redactor_filter(redactor, &out);
	assert_string_equal(out.buf, "a <sensitive> b");
}

static void test_answers_of_the_wrong_shape(void **state)
{
	static const char *const bodies[] = {
		"null", "[]",   "[1]",  "{}",     "[{\"Value\": 1}]",    "[{\"Value\": \"*\"}]",
		"\"\"", "[[]]", "[{}]", "[null]", "[{\"Value\": \"\"}]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(error) struct error *err = NULL;
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		AUTO(error) struct error *why = NULL;
		AUTO_FREE char *secret = NULL;

		origin_reply(origin, "200 OK", "", bodies[i]);
		assert_int_equal(consul_read(&ctx, "k", &text, &err), -1);
		origin_reply(origin, "200 OK", "", bodies[i]);
		assert_int_equal(vault_read(&ctx, "p", "k", &secret, &why), -1);
		assert_null(secret);
	}
}

/* ---- cancellation -------------------------------------------------------------------------- */

static void *trigger(void *token)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv requests = STRV_INIT;

	while (!requests.len) {
		strv_release(&requests);
		origin_requests(origin, &requests);
		if (io_pause(clock_deadline(NSEC_PER_MSEC), NULL, &err) < 0)
			break;
	}
	cancel_trigger(token);
	return NULL;
}

static void expect_cancelled(void)
{
	AUTO(cancel) struct cancel *token = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	int64_t begun = clock_monotonic();
	pthread_t thread;

	ctx.cancel = token;
	assert_int_equal(pthread_create(&thread, NULL, trigger, token), 0);
	assert_int_equal(consul_read(&ctx, "k", &text, &err), -1);
	pthread_join(thread, NULL);
	ctx.cancel = NULL;
	assert_int_equal(err->kind, ERROR_CANCELLED);
	assert_true(clock_monotonic() - begun < 20 * NSEC_PER_SEC);
}

static void test_a_silent_server_is_left_at_once(void **state)
{
	origin_reply_stall(origin, "", "[{}]", 1);
	expect_cancelled();
}

static void test_pauses_end_at_once(void **state)
{
	ctx.retry_pause = 60 * NSEC_PER_SEC;
	origin_reply(origin, "503 Busy", "", "");
	expect_cancelled();
	ctx.retry_pause = NSEC_PER_MSEC;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_busy_server_is_asked_three_times, start,
						stop),
		cmocka_unit_test_setup_teardown(test_the_last_answer_counts, start, stop),
		cmocka_unit_test_setup_teardown(test_a_lost_connection_is_made_again, start, stop),
		cmocka_unit_test_setup_teardown(test_refusals_are_final, start, stop),
		cmocka_unit_test_setup_teardown(test_vault_counts_retries_as_it_is_told, start,
						stop),
		cmocka_unit_test_setup_teardown(test_secrets_are_registered, start, stop),
		cmocka_unit_test_setup_teardown(test_answers_of_the_wrong_shape, start, stop),
		cmocka_unit_test_setup_teardown(test_a_silent_server_is_left_at_once, start, stop),
		cmocka_unit_test_setup_teardown(test_pauses_end_at_once, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
