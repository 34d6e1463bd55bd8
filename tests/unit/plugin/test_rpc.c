/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "plugin/wire/rpc.h"

#include "wire_pair.h"

/* {"ServiceMethod": "A.B", "Seq": */
#define HEADER     "ad 536572766963654d6574686f64 a3 412e42 a3 536571 "
#define REQUEST    "82 " HEADER
#define RESPONSE   "83 " HEADER
#define NO_ERROR   " a5 4572726f72 a0 "
#define WITH_ERROR " a5 4572726f72 a4 6f6f7073 "

struct talk {
	struct pair pair;
	struct stream *raw; /* the other end, for bytes by hand */
	struct rpc_caller *caller;
	struct rpc_server *server;
};

static void talk_open(struct talk *t, bool with_server)
{
	struct stream *s;

	*t = (struct talk){ 0 };
	pair_open(&t->pair);
	pair_stream(&t->pair, &s, &t->raw);
	t->caller = rpc_caller_new(s);
	if (with_server)
		t->server = rpc_server_new(TAKE(t->raw));
}

static void talk_close(struct talk *t)
{
	rpc_caller_free(t->caller);
	rpc_server_free(t->server);
	stream_close(t->raw);
	pair_close(&t->pair);
}

static void say(struct talk *t, const char *hex)
{
	AUTO(error) struct error *err = NULL;
	unsigned char bytes[512];
	size_t n = unhex(hex, bytes, sizeof(bytes));

	assert_int_equal(stream_write(t->raw, bytes, n, soon(), NULL, &err), 0);
}

static void expect(struct talk *t, const char *hex)
{
	AUTO(error) struct error *err = NULL;
	unsigned char want[512], got[512];
	size_t n = unhex(hex, want, sizeof(want));

	for (size_t i = 0; i < n;) {
		ssize_t r = stream_read(t->raw, got + i, n - i, soon(), NULL, &err);

		assert_true(r > 0);
		i += (size_t)r;
	}
	assert_memory_equal(got, want, n);
}

static struct rpc_call *call(struct talk *t, const char *method)
{
	AUTO(error) struct error *err = NULL;
	struct rpc_call *c = rpc_start(t->caller, method, NULL, NULL, &err);

	assert_non_null(c);
	return c;
}

static const struct packed *finish(struct rpc_call *c)
{
	AUTO(error) struct error *err = NULL;
	const struct packed *reply = NULL;

	if (rpc_finish(c, soon(), NULL, &reply, &err) < 0)
		fail_msg("%s", err->message);
	return reply;
}

static void test_bytes_of_a_call(void **state)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct talk t;

	talk_open(&t, false);
	rpc_call_free(call(&t, "A.B"));
	expect(&t, REQUEST "00 c0");
	pack_text(&arg, "say hello");

	AUTO(rpc_call) struct rpc_call *c = rpc_start(t.caller, "A.B", &arg, NULL, &err);

	expect(&t, REQUEST "01 a9 7361792068656c6c6f");
	/* the answer to the first was given up; it is large, of any kind, and passed over */
	say(&t, RESPONSE "00" NO_ERROR "92 01 a1 78");
	assert_int_equal(rpc_poll(c, &err), 0);
	/* members in another order, one more of them */
	say(&t, "84 a5 4572726f72 a0 a1 78 81 01 02 a3 536571 cc 01 ad 536572766963654d6574686f64 "
		"a0 07");
	assert_int_equal(finish(c)->integer, 7);
	assert_int_equal(rpc_poll(c, &err), 1);
	talk_close(&t);
}

static void test_answers_in_any_order(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct talk t;

	talk_open(&t, false);

	AUTO(rpc_call) struct rpc_call *a = call(&t, "A.B");
	AUTO(rpc_call) struct rpc_call *b = call(&t, "A.B");

	say(&t, RESPONSE "01" NO_ERROR "01 " RESPONSE "00" NO_ERROR "02");
	assert_int_equal(finish(a)->integer, 2);
	/* read together with the other: nothing is readable any more, and it is there */
	assert_int_equal(rpc_poll(b, &err), 1);
	assert_int_equal(finish(b)->integer, 1);
	talk_close(&t);
}

static void test_error_answer(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *reply = NULL;
	struct talk t;

	talk_open(&t, false);
	/* the value beside it is anything */
	say(&t, RESPONSE "00" WITH_ERROR "81 01 90");

	AUTO(rpc_call) struct rpc_call *c = call(&t, "A.B");

	assert_int_equal(rpc_finish(c, soon(), NULL, &reply, &err), -1);
	assert_int_equal(err->kind, ERROR_REMOTE);
	assert_string_equal(err->message, "oops");
	error_ignore(&err, "looked at");
	/* the stream goes on */
	say(&t, RESPONSE "01" NO_ERROR "c0");
	assert_non_null(reply = rpc(t.caller, "A.B", NULL, arena, soon(), NULL, &err));
	assert_int_equal(reply->kind, PACKED_NIL);
	talk_close(&t);
}

static const struct {
	const char *says, *message;
} bad_answers[] = {
	{ "c1", "'plugin' sent what is no message: a byte that begins no value (0xc1)" },
	{ "07", "'plugin' sent what is no answer" },
	{ "80", "'plugin' sent what is no answer" },
	{ RESPONSE "01" NO_ERROR, "'plugin' answered a call that was not made" },
	{ RESPONSE "ff" NO_ERROR, "'plugin' answered a call that was not made" },
	{ RESPONSE "a0" NO_ERROR, "'plugin' sent an answer with text where an integer belongs" },
	{ RESPONSE "00 a5 4572726f72 01",
	  "'plugin' sent an answer with an integer where text belongs" },
	{ RESPONSE "00" NO_ERROR "c6 ffffffff",
	  "'plugin' sent what is no message: a value of more than 64 MiB" },
};

static void test_bad_answers(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_answers); i++) {
		AUTO(error) struct error *err = NULL;
		const struct packed *reply;
		struct talk t;

		talk_open(&t, false);

		AUTO(rpc_call) struct rpc_call *c = call(&t, "A.B");

		say(&t, bad_answers[i].says);
		assert_int_equal(rpc_finish(c, soon(), NULL, &reply, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
		assert_string_equal(err->message, bad_answers[i].message);
		error_ignore(&err, "looked at");
		/* and stays so */
		assert_int_equal(rpc_poll(c, &err), -1);
		assert_string_equal(err->message, bad_answers[i].message);
		error_ignore(&err, "looked at");
		assert_null(rpc_start(t.caller, "A.B", NULL, NULL, &err));
		talk_close(&t);
	}
}

static void test_end_in_a_call(void **state)
{
	AUTO(error) struct error *err = NULL;
	const struct packed *reply;
	struct talk t;

	talk_open(&t, false);

	AUTO(rpc_call) struct rpc_call *c = call(&t, "A.B");

	say(&t, RESPONSE);
	stream_close(TAKE(t.raw));
	assert_int_equal(rpc_finish(c, soon(), NULL, &reply, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "'plugin' closed the stream before it answered 'A.B'");
	error_ignore(&err, "looked at");
	talk_close(&t);
	/* a call may outlive its caller */
	assert_int_equal(rpc_poll(c, &err), -1);
}

/* The name of the peer, as the server sees it, is 'core'. */
static void test_serve(void **state)
{
	AUTO(strbuf) struct strbuf reply = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct rpc_request *one = NULL, *two = NULL, *three = NULL;
	struct talk t;

	talk_open(&t, false);

	struct rpc_server *server = rpc_server_new(TAKE(t.raw));

	AUTO(rpc_call) struct rpc_call *a = call(&t, "Ui.Say");
	AUTO(rpc_call) struct rpc_call *b = call(&t, "Hook.Run");

	while (!two) {
		int r = rpc_next(server, one ? &two : &one, &err);

		assert_true(r >= 0);
		if (r == 0)
			assert_int_equal(io_wait(rpc_server_fd(server), POLLIN, soon(), NULL, &err),
					 0);
	}
	assert_string_equal(one->method, "Ui.Say");
	assert_int_equal(one->arg->kind, PACKED_NIL);
	assert_string_equal(two->method, "Hook.Run");
	assert_int_equal(two->seq, 1);
	pack_int(&reply, 5);
	/* the later one first */
	assert_int_equal(rpc_reply(server, two, &reply, NULL, &err), 0);
	assert_int_equal(finish(b)->integer, 5);
	/* who calls no more is still answered */
	rpc_caller_free(TAKE(t.caller));
	while (rpc_next(server, &three, &err) == 0)
		assert_int_equal(io_wait(rpc_server_fd(server), POLLIN, soon(), NULL, &err), 0);
	assert_null(err);
	assert_int_equal(rpc_reply_error(server, one, "too late", NULL, &err), 0);
	rpc_request_free(one);
	rpc_request_free(two);
	rpc_server_free(server);
	talk_close(&t);
}

static void test_bytes_of_an_answer(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct rpc_request *r = NULL;
	struct talk t;

	talk_open(&t, false);

	/* the roles the other way round: the caller's end is by hand */
	struct stream *s, *raw;

	pair_stream(&t.pair, &s, &raw);

	AUTO(rpc_server) struct rpc_server *server = rpc_server_new(s);

	stream_close(t.raw);
	t.raw = raw;
	say(&t, REQUEST "09 83 a4 4e616d65 a0 a4 44617461 90 a1 78 01");
	while (rpc_next(server, &r, &err) == 0)
		assert_int_equal(io_wait(rpc_server_fd(server), POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(r->seq, 9);
	assert_int_equal(packed_member(r->arg, "x")->integer, 1);
	assert_int_equal(rpc_reply(server, r, NULL, NULL, &err), 0);
	expect(&t, RESPONSE "09" NO_ERROR "c0");
	assert_int_equal(rpc_reply_error(server, r, "oops", NULL, &err), 0);
	expect(&t, RESPONSE "09" WITH_ERROR "80");
	rpc_request_free(TAKE(r));
	/* half a call is none */
	say(&t, REQUEST);
	stream_finish(t.raw);
	while (rpc_next(server, &r, &err) == 0)
		assert_int_equal(io_wait(rpc_server_fd(server), POLLIN, soon(), NULL, &err), 0);
	assert_string_equal(err->message, "'plugin' closed the stream in the middle of a call");
	talk_close(&t);
}

static void *serve_one(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct talk *t = data;
	struct rpc_request *r = NULL;

	while (rpc_next(t->server, &r, &err) == 0)
		if (io_wait(rpc_server_fd(t->server), POLLIN, soon(), NULL, &err) < 0)
			return NULL;
	if (r) {
		AUTO(strbuf) struct strbuf reply = STRBUF_INIT;

		strbuf_add(&reply, r->arg->raw, r->arg->raw_len);
		if (rpc_reply(t->server, r, &reply, NULL, &err) < 0)
			error_ignore(&err, "the caller misses it");
		rpc_request_free(r);
	}
	return NULL;
}

static void test_large_message(void **state)
{
	enum { LARGE = 5000000 };
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *bytes = xcalloc(LARGE, 1);
	const struct packed *reply = NULL;
	struct talk t;
	pthread_t thread;

	talk_open(&t, true);
	bytes[LARGE - 1] = 'x';
	pack_bytes(&arg, bytes, LARGE);
	assert_int_equal(pthread_create(&thread, NULL, serve_one, &t), 0);
	assert_non_null(reply = rpc(t.caller, "A.B", &arg, arena, soon(), NULL, &err));
	assert_int_equal(reply->bytes.len, LARGE);
	assert_int_equal(reply->bytes.p[LARGE - 1], 'x');
	pthread_join(thread, NULL);
	talk_close(&t);
}

/* Half a call would make garbage of the next one, so its rest comes first. */
static void test_given_up_in_the_middle(void **state)
{
	enum { LARGE = 300000 };
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *late = cancel_new(NULL, clock_deadline(20 * NSEC_PER_MSEC));
	AUTO_FREE char *bytes = xcalloc(LARGE, 1);
	struct talk t;

	talk_open(&t, false);
	pack_bytes(&arg, bytes, LARGE);
	assert_null(rpc_start(t.caller, "A.B", &arg, late, &err));
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "looked at");
	/* nobody reads yet: this one never begins */
	assert_null(rpc_start(t.caller, "A.B", NULL, late, &err));
	error_ignore(&err, "looked at");
	expect(&t, REQUEST "00 c6 000493e0");
	for (size_t n = LARGE - 100000; n;) {
		ssize_t r = stream_read(t.raw, bytes, n, soon(), NULL, &err);

		assert_true(r > 0);
		n -= (size_t)r;
	}

	AUTO(rpc_call) struct rpc_call *c = call(&t, "A.B");

	for (size_t n = 100000; n;) {
		ssize_t r = stream_read(t.raw, bytes, n, soon(), NULL, &err);

		assert_true(r > 0);
		n -= (size_t)r;
	}
	expect(&t, REQUEST "01 c0");
	say(&t, RESPONSE "00" NO_ERROR "c0 " RESPONSE "01" NO_ERROR "03");
	assert_int_equal(finish(c)->integer, 3);
	talk_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_a_call),
		cmocka_unit_test(test_answers_in_any_order),
		cmocka_unit_test(test_error_answer),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_end_in_a_call),
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_bytes_of_an_answer),
		cmocka_unit_test(test_large_message),
		cmocka_unit_test(test_given_up_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
