/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "wire_script.h"

#include "plugin/wire/broker.h"

static struct broker *begin(struct script *p)
{
	AUTO(error) struct error *err = NULL;

	script_open(p, MUX_CLIENT);

	struct broker *b = broker_new(p->mux, &err);

	assert_non_null(b);
	return b;
}

static void end(struct script *p, struct broker *b)
{
	broker_free(b);
	script_close(p);
}

/* Bytes that wait to be read from the socket are waited for on another thread. */
static void *expect_dial(void *data)
{
	struct script *p = data;

	script_expect(p, "00 01 0001 00000001 00000000  00 00 0000 00000001 00000004 04030201");
	script_say(p, "00 01 0002 00000001 00000000  00 00 0000 00000001 00000002 0403");
	script_say(p, "00 00 0000 00000001 00000003 020178");
	return NULL;
}

static void test_dial(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct broker *b = begin(&p);
	pthread_t t;
	char c;

	assert_int_equal(pthread_create(&t, NULL, expect_dial, &p), 0);

	struct stream *s = broker_dial(b, 0x01020304, NULL, &err);

	assert_non_null(s);
	pthread_join(t, NULL);
	/* what follows the echo is the stream's */
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), 1);
	assert_int_equal(c, 'x');
	stream_close(s);
	end(&p, b);
}

static const struct {
	const char *answer, *message;
	enum error_kind kind;
} bad_dials[] = {
	{ "00 00 0000 00000001 00000004 08000000",
	  "cannot connect to stream 7 of 'demo': it answers with another number", ERROR_INVALID },
	{ "00 01 0004 00000001 00000000",
	  "cannot connect to stream 7 of 'demo': nobody takes it there", ERROR_REMOTE },
	{ "00 01 0008 00000001 00000000", "'demo' has dropped the stream", ERROR_GONE },
	{ "ff00 0000 00000001 00000000", "'demo' sent a frame of version 255, which is unknown",
	  ERROR_GONE },
};

struct answer {
	struct script *script;
	const char *says;
};

static void *answer_dial(void *data)
{
	struct answer *a = data;

	script_expect(a->script,
		      "00 01 0001 00000001 00000000 00 00 0000 00000001 00000004 07000000");
	script_say(a->script, a->says);
	return NULL;
}

static void test_bad_dials(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_dials); i++) {
		AUTO(error) struct error *err = NULL;
		struct script p;
		struct broker *b = begin(&p);
		struct answer answer = { &p, bad_dials[i].answer };
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, answer_dial, &answer), 0);
		assert_null(broker_dial(b, 7, NULL, &err));
		pthread_join(t, NULL);
		assert_int_equal(err->kind, bad_dials[i].kind);
		assert_string_equal(err->message, bad_dials[i].message);
		end(&p, b);
	}
}

static void test_accept(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct broker *b = begin(&p);

	assert_int_equal(broker_expect(b), 1);
	assert_int_equal(broker_expect(b), 2);
	/* in any order, and in pieces */
	script_say(&p, "00 01 0001 00000002 00000000  00 00 0000 00000002 00000001 02");
	script_expect(&p, "00 01 0002 00000002 00000000");
	assert_null(broker_accept_now(b, 2, &err));
	assert_null(err);
	assert_false(is_readable(broker_fd(b)));
	script_say(&p, "00 01 0001 00000004 00000000  00 00 0000 00000004 00000005 01000000 61");
	script_expect(&p, "00 01 0002 00000004 00000000");
	assert_int_equal(io_wait(broker_fd(b), POLLIN, soon(), NULL, &err), 0);

	struct stream *one = broker_accept_now(b, 1, &err);

	assert_non_null(one);
	script_expect(&p, "00 00 0000 00000004 00000004 01000000");
	assert_false(is_readable(broker_fd(b)));
	script_say(&p, "00 00 0000 00000002 00000003 000000");

	struct stream *two = broker_accept(b, 2, NULL, &err);
	char c;

	assert_non_null(two);
	script_expect(&p, "00 00 0000 00000002 00000004 02000000");
	assert_int_equal(stream_read(one, &c, 1, soon(), NULL, &err), 1);
	assert_int_equal(c, 'a');
	/* a number is good for one stream */
	script_say(&p, "00 01 0001 00000006 00000000  00 00 0000 00000006 00000004 02000000");
	script_expect(&p, "00 01 0002 00000006 00000000  00 01 0008 00000006 00000000");
	stream_close(one);
	stream_close(two);
	end(&p, b);
}

/* A server's main service has a number that nobody told. */
static void test_early_dial(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;

	script_open(&p, MUX_SERVER);

	struct broker *b = broker_new(p.mux, &err);

	script_say(&p, "00 01 0001 00000001 00000000  00 00 0000 00000001 00000004 00000000");
	script_expect(&p, "00 01 0002 00000001 00000000");
	script_say(&p, "00 02 0001 00000000 00000005");
	script_expect(&p, "00 02 0002 00000000 00000005");

	AUTO(stream) struct stream *s = broker_accept(b, 0, NULL, &err);

	assert_non_null(s);
	script_expect(&p, "00 00 0000 00000001 00000004 00000000");
	end(&p, b);
}

static void test_forget(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct broker *b = begin(&p);
	uint32_t first = broker_expect(b), second = broker_expect(b);

	/* when it comes */
	broker_forget(b, first);
	script_say(&p, "00 01 0001 00000002 00000000  00 00 0000 00000002 00000004 01000000");
	script_expect(&p, "00 01 0002 00000002 00000000  00 01 0008 00000002 00000000");
	/* when it is there */
	script_say(&p, "00 01 0001 00000004 00000000  00 00 0000 00000004 00000004 02000000");
	script_expect(&p, "00 01 0002 00000004 00000000");
	assert_int_equal(io_wait(broker_fd(b), POLLIN, soon(), NULL, &err), 0);
	broker_forget(b, second);
	script_expect(&p, "00 01 0008 00000004 00000000");
	assert_false(is_readable(broker_fd(b)));
	end(&p, b);
}

static void test_nobody_comes(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct broker *b = begin(&p);
	uint32_t first = broker_expect(b), second = broker_expect(b);

	broker_set_patience(b, 5 * NSEC_PER_MSEC);
	assert_null(broker_accept(b, first, NULL, &err));
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_string_equal(err->message, "'demo' has not connected to stream 1 in time");
	error_ignore(&err, "looked at");
	assert_null(broker_accept_now(b, second, &err));
	assert_null(err);
	assert_int_equal(io_wait(broker_fd(b), POLLIN, soon(), NULL, &err), 0);
	assert_null(broker_accept_now(b, second, &err));
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_false(is_readable(broker_fd(b)));
	error_ignore(&err, "looked at");
	assert_null(broker_dial(b, 1, NULL, &err));
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	assert_string_equal(err->message, "cannot connect to stream 1 of 'demo': timed out");
	end(&p, b);
}

static void test_nobody_takes(void **state)
{
	struct script p;
	struct broker *b = begin(&p);

	broker_set_patience(b, 5 * NSEC_PER_MSEC);
	/* one with a number that may be told yet, one without any */
	script_say(&p, "00 01 0001 00000002 00000000  00 00 0000 00000002 00000004 01000000");
	script_expect(&p, "00 01 0002 00000002 00000000  00 01 0004 00000002 00000000");
	script_say(&p, "00 01 0001 00000004 00000000  00 00 0000 00000004 00000003 010000");
	script_expect(&p, "00 01 0002 00000004 00000000  00 01 0004 00000004 00000000");
	end(&p, b);
}

static void test_session_ends(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct broker *b = begin(&p);
	uint32_t id = broker_expect(b);

	fd_close(fd_take(&p.fd));
	assert_null(broker_accept(b, id, NULL, &err));
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "'demo' closed the connection");
	assert_true(is_readable(broker_fd(b)));
	end(&p, b);
}

static void test_cancel(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct script p;
	struct broker *b = begin(&p);
	uint32_t id = broker_expect(b);

	cancel_trigger(c);
	assert_null(broker_accept(b, id, c, &err));
	assert_int_equal(err->kind, ERROR_CANCELLED);
	error_ignore(&err, "looked at");
	assert_null(broker_dial(b, 1, c, &err));
	assert_int_equal(err->kind, ERROR_CANCELLED);
	/* who gave up does not want it any more */
	script_expect(&p, "00 01 0001 00000001 00000000  00 00 0000 00000001 00000004 01000000"
			  "00 01 0008 00000001 00000000");
	script_say(&p, "00 01 0001 00000002 00000000  00 00 0000 00000002 00000004 01000000");
	script_expect(&p, "00 01 0002 00000002 00000000  00 01 0008 00000002 00000000");
	end(&p, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dial),         cmocka_unit_test(test_bad_dials),
		cmocka_unit_test(test_accept),       cmocka_unit_test(test_early_dial),
		cmocka_unit_test(test_forget),       cmocka_unit_test(test_session_ends),
		cmocka_unit_test(test_cancel),       cmocka_unit_test(test_nobody_comes),
		cmocka_unit_test(test_nobody_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
