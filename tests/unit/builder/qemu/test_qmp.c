/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "base/strbuf.h"
#include "builder/qemu/qmp.h"
#include "os/clock.h"
#include "os/fd.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The peer writes its part ahead: what it says does not depend on when it is asked. */
struct talk {
	int peer;
	struct qmp *q;
	char events[256];
};

static void on_event(void *data, const struct qmp_event *ev)
{
	struct talk *t = data;
	size_t len = strlen(t->events);
	const char *reason = qmp_event_text(ev, "reason");

	snprintf(t->events + len, sizeof(t->events) - len, "%s(%s%s) ", qmp_event_name(ev),
		 reason ? reason : "", qmp_event_flag(ev, "nospace") ? " nospace" : "");
}

static void say(struct talk *t, const char *text)
{
	assert_int_equal(write(t->peer, text, strlen(text)), strlen(text));
}

static int setup(void **state)
{
	static struct talk t;
	int fds[2];

	t = (struct talk){ .peer = -1 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	t.peer = fds[0];
	t.q = qmp_new(fds[1], on_event, &t);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct talk *t = *state;

	fd_close(t->peer);
	qmp_free(t->q);
	return 0;
}

static int64_t soon(void)
{
	return clock_deadline(5 * NSEC_PER_SEC);
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define OK(id)   "{\"return\": {}, \"id\": " #id "}\r\n"

static void test_handshake(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;
	char sent[256] = "";

	say(t, GREETING);
	assert_int_equal(qmp_pump(t->q, &err), 0);
	say(t, OK(1));
	assert_int_equal(qmp_handshake(t->q, soon(), NULL, &err), 0);
	assert_true(read(t->peer, sent, sizeof(sent) - 1) > 0);
	assert_string_equal(sent, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
}

static void test_events_between(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;

	say(t, "{\"event\": \"STOP\", \"timestamp\": {}}\n"
	       "{\"event\": \"BLOCK_IO_ERROR\", \"data\": {\"reason\": \"x\", \"nospace\": "
	       "true}}\n" OK(1) "{\"event\": \"RESUME\"}\n");
	assert_int_equal(qmp_command(t->q, "stop", soon(), NULL, &err), 0);
	assert_int_equal(qmp_pump(t->q, &err), 0);
	assert_string_equal(t->events, "STOP() BLOCK_IO_ERROR(x nospace) RESUME() ");
}

static void test_refusal(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;

	say(t,
	    "{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}}\n");
	assert_int_equal(qmp_command(t->q, "foo", soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_REMOTE);
	assert_string_equal(err->message, "QEMU refused foo: no such thing");
}

static void test_stale_answer_is_dropped(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(qmp_command(t->q, "late", clock_deadline(NSEC_PER_MSEC), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "expected");
	say(t, "{\"id\": 1, \"error\": {\"desc\": \"too late\"}}\n" OK(2));
	assert_int_equal(qmp_command(t->q, "next", soon(), NULL, &err), 0);
}

static void test_argument_is_encoded(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;
	char sent[256] = "";

	say(t, OK(1));
	assert_int_equal(qmp_command_arg(t->q, "change-vnc-password",
					 &(struct qmp_arg){ "password", "a\"b\\c" }, soon(), NULL,
					 &err),
			 0);
	assert_true(read(t->peer, sent, sizeof(sent) - 1) > 0);
	assert_string_equal(sent, "{\"execute\":\"change-vnc-password\",\"id\":1,"
				  "\"arguments\":{\"password\":\"a\\\"b\\\\c\"}}\n");
}

static void test_key(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;
	char sent[256] = "";

	say(t, OK(1));
	const struct qmp_key keys[] = { { "ret", true }, { "ret", false } };

	assert_int_equal(qmp_send_keys(t->q, keys, 2, soon(), NULL, &err), 0);
	assert_true(read(t->peer, sent, sizeof(sent) - 1) > 0);
	assert_string_equal(sent,
			    "{\"execute\":\"input-send-event\",\"id\":1,\"arguments\":{\"events\":"
			    "[{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":"
			    "\"qcode\",\"data\":\"ret\"}}},{\"type\":\"key\",\"data\":{\"down\":"
			    "false,\"key\":{\"type\":\"qcode\",\"data\":\"ret\"}}}]}}\n");
}

static void test_peer_dies(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;

	say(t, GREETING);
	fd_close(t->peer);
	t->peer = -1;
	assert_int_equal(qmp_handshake(t->q, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_DISCONNECTED);
}

static void test_answer_and_hang_up(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;

	say(t, OK(1));
	assert_int_equal(shutdown(t->peer, SHUT_WR), 0);
	assert_int_equal(qmp_command(t->q, "quit", soon(), NULL, &err), 0);
}

static void check_nonsense(struct talk *t, const char *text)
{
	AUTO(error) struct error *err = NULL;

	say(t, text);
	assert_int_equal(qmp_pump(t->q, &err), -1);
	assert_int_equal(err->kind, ERROR_REMOTE);
}

static void test_nonsense(void **state)
{
	struct talk *t = *state;

	check_nonsense(t, "hello\n");
	check_nonsense(t, "[1]\n");
	check_nonsense(t, "{}\n");
}

static void test_cancel(void **state)
{
	struct talk *t = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);

	cancel_trigger(c);
	assert_int_equal(qmp_handshake(t->q, DEADLINE_NEVER, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_answer_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_argument_is_encoded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_and_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
