/* SPDX-License-Identifier: Apache-2.0 */
/* A session against bytes. The peer is a plugin, we are the client, unless said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire_script.h"

static struct stream *open_first(struct script *p)
{
	AUTO(error) struct error *err = NULL;
	struct stream *s = mux_open(p->mux, &err);

	assert_non_null(s);
	script_expect(p, "00 01 0001 00000001 00000000");
	return s;
}

static void expect_read(struct stream *s, const char *text)
{
	AUTO(error) struct error *err = NULL;
	char buf[64] = "";

	assert_int_equal(stream_read(s, buf, sizeof(buf) - 1, soon(), NULL, &err),
			 (ssize_t)strlen(text));
	assert_string_equal(buf, text);
}

/* Whatever came before it is dealt with when a ping is answered. */
static void settle(struct script *p)
{
	script_say(p, "00 02 0001 00000000 00c0ffee");
	script_expect(p, "00 02 0002 00000000 00c0ffee");
}

static void test_open_and_talk(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	/* not confirmed yet, and it may already say something */
	assert_int_equal(stream_write(s, "hello", 5, soon(), NULL, &err), 0);
	script_expect(&p, "00 00 0000 00000001 00000005 68656c6c6f");
	script_say(&p, "00 01 0002 00000001 00000000 00 00 0000 00000001 00000002 6f6b");
	expect_read(s, "ok");

	AUTO(stream) struct stream *next = mux_open(p.mux, &err);

	script_expect(&p, "00 01 0001 00000003 00000000");
	stream_close(next);
	next = NULL;
	script_expect(&p, "00 01 0004 00000003 00000000");
	stream_close(s);
	script_expect(&p, "00 01 0004 00000001 00000000");
	script_close(&p);
}

static void test_half_close(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	char c;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	stream_finish(s);
	stream_finish(s);
	assert_int_equal(stream_write(s, "x", 1, soon(), NULL, &err), -1);
	assert_string_equal(err->message, "the stream to 'demo' is finished");
	error_ignore(&err, "looked at");
	script_expect(&p, "00 01 0004 00000001 00000000");
	/* the other half goes on; its end comes with the last data */
	script_say(&p, "00 00 0004 00000001 00000003 656e64");
	expect_read(s, "end");
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), 0);
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), 0);
	stream_close(s);
	/* FIN once: the next thing said is the answer to a ping */
	settle(&p);
	/* what comes late for a stream that is over is dropped, payload included */
	script_say(&p, "00 00 0000 00000001 00000004 64656164 00 01 0000 00000001 00000007");
	settle(&p);
	script_close(&p);
}

static void test_peer_opens(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct inbox box;

	script_open(&p, MUX_CLIENT);
	inbox_open(&box, p.mux);
	script_say(&p, "00 01 0001 00000002 00000000");
	script_expect(&p, "00 01 0002 00000002 00000000"); /* ACK, once */

	struct stream *a = inbox_get(&box);

	/* SYN together with data */
	script_say(&p, "00 00 0001 00000004 00000002 6869");
	script_expect(&p, "00 01 0002 00000004 00000000");

	struct stream *b = inbox_get(&box);

	expect_read(b, "hi");
	assert_int_equal(stream_write(a, "a", 1, soon(), NULL, &err), 0);
	script_expect(&p, "00 00 0000 00000002 00000001 61");
	stream_abort(b);
	script_expect(&p, "00 01 0008 00000004 00000000");
	stream_close(a);
	script_expect(&p, "00 01 0004 00000002 00000000");
	script_close(&p);
	inbox_close(&box);
}

static void test_peer_opens_at_a_server(void **state)
{
	struct script p;
	struct inbox box;

	script_open(&p, MUX_SERVER);
	inbox_open(&box, p.mux);
	script_say(&p, "00 01 0001 00000001 00000000");
	script_expect(&p, "00 01 0002 00000001 00000000");
	stream_close(inbox_get(&box));
	script_expect(&p, "00 01 0004 00000001 00000000");
	script_close(&p);
	inbox_close(&box);
}

static void test_refused(void **state)
{
	struct script p;

	script_open(&p, MUX_CLIENT);
	mux_on_incoming(p.mux, NULL, NULL);
	script_say(&p, "00 01 0001 00000002 00000000");
	script_expect(&p, "00 01 0008 00000002 00000000");
	script_close(&p);
}

static void test_too_many_streams(void **state)
{
	enum { MOST = 1024 };
	struct script p;
	struct inbox box;
	char hex[64];
	struct stream *s[MOST];

	script_open(&p, MUX_CLIENT);
	inbox_open(&box, p.mux);
	for (int i = 0; i < MOST; i++) {
		snprintf(hex, sizeof(hex), "00 01 0001 %08x 00000000", 2 * i + 2);
		script_say(&p, hex);
		snprintf(hex, sizeof(hex), "00 01 0002 %08x 00000000", 2 * i + 2);
		script_expect(&p, hex);
		s[i] = inbox_get(&box);
	}
	script_say(&p, "00 01 0001 00000802 00000000");
	script_expect(&p, "00 01 0008 00000802 00000000");
	for (int i = 0; i < MOST; i++)
		stream_abort(s[i]);
	script_close(&p);
	inbox_close(&box);
}

static void test_unconfirmed_streams(void **state)
{
	enum { MOST = 256 };
	AUTO(error) struct error *err = NULL;
	struct script p;
	struct stream *s[MOST];

	script_open(&p, MUX_CLIENT);
	for (int i = 0; i < MOST; i++)
		assert_non_null(s[i] = mux_open(p.mux, &err));
	assert_null(mux_open(p.mux, &err));
	assert_string_equal(err->message, "'demo' has not confirmed 256 streams");
	error_ignore(&err, "looked at");
	for (int i = 0; i < MOST; i++)
		script_get(&p, (char[12]){ 0 }, 12);
	script_say(&p, "00 01 0002 00000001 00000000");
	settle(&p);

	AUTO(stream) struct stream *more = mux_open(p.mux, &err);

	assert_non_null(more);
	for (int i = 0; i < MOST; i++)
		stream_abort(s[i]);
	script_close(&p);
}

static void test_credit_of_ours(void **state)
{
	enum { CREDIT = 262144 };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *data = calloc(1, CREDIT + 1);
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);
	size_t seen = 0;
	int credit = stream_credit_fd(s);

	assert_true(is_readable(credit));
	assert_int_equal(stream_credit(s), CREDIT);
	/* small enough pieces that nobody has to read meanwhile */
	for (size_t sent = 0; sent < CREDIT; sent += CREDIT / 4) {
		assert_int_equal(stream_write(s, data, CREDIT / 4, soon(), NULL, &err), 0);
		for (size_t n = 0; n < CREDIT / 4;) {
			unsigned char h[12];

			script_get(&p, h, sizeof(h));
			assert_memory_equal(h, "\0\0\0\0\0\0\0\1\0", 9);

			size_t len = (size_t)h[9] << 16 | (size_t)h[10] << 8 | h[11];

			script_get(&p, data, len);
			n += len;
			seen += len;
		}
	}
	assert_int_equal(seen, CREDIT);
	assert_int_equal(stream_credit(s), 0);
	assert_false(is_readable(credit));
	assert_int_equal(stream_write(s, "x", 1, clock_deadline(NSEC_PER_MSEC), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	error_ignore(&err, "looked at");
	settle(&p); /* nothing was sent */
	script_say(&p, "00 01 0000 00000001 00000002");
	assert_int_equal(io_wait(credit, POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(stream_credit(s), 2);

	const void *at = "abc";
	size_t left = 3;

	assert_int_equal(
		stream_write_part(s, &at, &left, clock_deadline(NSEC_PER_MSEC), NULL, &err), -1);
	assert_int_equal(left, 1);
	assert_string_equal(at, "c");
	script_expect(&p, "00 00 0000 00000001 00000002 6162");
	stream_close(s);
	script_close(&p);
}

static void test_credit_of_theirs(void **state)
{
	enum { CREDIT = 262144 };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *data = calloc(1, CREDIT);
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	/* all of it in one frame */
	script_say_zeros(&p, 1, CREDIT);
	settle(&p);
	/* no news before half is read */
	assert_int_equal(stream_read(s, data, CREDIT / 2 - 1, soon(), NULL, &err), CREDIT / 2 - 1);
	settle(&p);
	assert_int_equal(stream_read(s, data, 1, soon(), NULL, &err), 1);
	script_expect(&p, "00 01 0000 00000001 00020000");
	assert_int_equal(stream_read(s, data, CREDIT, soon(), NULL, &err), CREDIT / 2);
	script_expect(&p, "00 01 0000 00000001 00020000");
	/* one who closes lets the rest come and go */
	script_say_zeros(&p, 1, CREDIT);
	stream_close(s);
	script_expect(&p, "00 01 0004 00000001 00000000");

	size_t granted = 0;

	while (granted < CREDIT) {
		unsigned char h[12];

		script_get(&p, h, sizeof(h));
		assert_int_equal(h[1], 1);
		granted += (size_t)h[9] << 16 | (size_t)h[10] << 8 | h[11];
	}
	assert_int_equal(granted, CREDIT);
	script_close(&p);
}

/* What epoll sees is exact at any time. */
static void test_level(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	char buf[2];

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);
	int fd = stream_fd(s);

	assert_false(is_readable(fd));
	assert_int_equal(stream_read_some(s, buf, 2, &err), -1);
	assert_null(err);
	script_say(&p, "00 00 0000 00000001 00000003 616263");
	assert_int_equal(io_wait(fd, POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(stream_read_some(s, buf, 2, &err), 2);
	assert_true(is_readable(fd));
	assert_int_equal(stream_read_some(s, buf, 2, &err), 1);
	assert_false(is_readable(fd));
	script_say(&p, "00 01 0004 00000001 00000000");
	assert_int_equal(io_wait(fd, POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(stream_read_some(s, buf, 2, &err), 0);
	assert_true(is_readable(fd));
	stream_close(s);
	script_close(&p);
}

static void test_reset(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	char c;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	script_say(&p, "00 00 0000 00000001 00000001 61 00 01 0008 00000001 00000000");
	settle(&p);
	assert_true(is_readable(stream_credit_fd(s)));
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), 1);
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "'demo' has dropped the stream");
	error_ignore(&err, "looked at");
	assert_int_equal(stream_write(s, "x", 1, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	stream_close(s);
	settle(&p); /* neither FIN nor RST in return */
	script_close(&p);
}

static void test_cancel_ends_waits(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct script p;
	char byte;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	cancel_trigger(c);
	assert_int_equal(stream_read(s, &byte, 1, DEADLINE_NEVER, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	stream_close(s);
	script_close(&p);
}

static void test_last_words(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	char c;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	script_say(&p, "00 00 0000 00000001 00000001 61");
	fd_close(fd_take(&p.fd));
	script_ends(&p, "'demo' closed the connection");
	/* what came before the end is still there */
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), 1);
	assert_int_equal(stream_read(s, &c, 1, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	error_ignore(&err, "looked at");
	assert_int_equal(stream_write(s, &c, 1, soon(), NULL, &err), -1);
	error_ignore(&err, "looked at");
	assert_null(mux_open(p.mux, &err));
	assert_string_equal(err->message, "'demo' closed the connection");
	mux_free(p.mux);
	/* a stream may outlive its session */
	error_ignore(&err, "looked at");
	assert_int_equal(stream_read_some(s, &c, 1, &err), -1);
	stream_close(s);
}

static void test_go_away(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	script_say(&p, "00 03 0000 00000000 00000000");
	settle(&p);
	assert_null(mux_open(p.mux, &err));
	assert_string_equal(err->message, "'demo' takes no new streams");
	script_say(&p, "00 00 0000 00000001 00000001 61");
	expect_read(s, "a");
	stream_close(s);
	script_close(&p);
}

/* Rules whose violation ends the session at once, and what is said then. */
static const struct {
	const char *says, *reason;
} broken_rules[] = {
	{ "01 00 0000 00000001 00000000", "'demo' sent a frame of version 1, which is unknown" },
	{ "00 04 0000 00000001 00000000", "'demo' sent a frame of type 4, which is unknown" },
	{ "00 00 0010 00000001 00000000", "'demo' sent a frame with unknown flags (0x10)" },
	{ "00 00 0000 00000001 00040001",
	  "'demo' sent a frame of 262145 bytes, 262144 are allowed" },
	{ "00 00 0000 00000001 ffffffff",
	  "'demo' sent a frame of 4294967295 bytes, 262144 are allowed" },
	{ "00 00 0000 00000001 00000001 61  00 00 0000 00000001 00040000",
	  "'demo' sent 262144 bytes on stream 1 where 262143 are allowed" },
	{ "00 01 0004 00000001 00000000  00 01 0004 00000001 00000000",
	  "'demo' ended stream 1 twice" },
	{ "00 01 0004 00000001 00000000  00 00 0004 00000001 00000000",
	  "'demo' ended stream 1 twice" },
	{ "00 01 0004 00000001 00000000  00 00 0000 00000001 00000001 61",
	  "'demo' sent data on stream 1 after its end" },
	{ "00 00 0000 00000003 00000001 61",
	  "'demo' sent a frame for stream 3, which does not exist" },
	{ "00 00 0000 00000002 00000001 61",
	  "'demo' sent a frame for stream 2, which does not exist" },
	{ "00 00 0000 00000000 00000001 61",
	  "'demo' sent a frame for stream 0, which does not exist" },
	{ "00 01 0000 00000001 ffffffff", "'demo' allowed more on stream 1 than can be counted" },
	{ "00 01 0001 00000003 00000000",
	  "'demo' opened a stream with the number 3, which is not its to use" },
	{ "00 01 0001 00000000 00000000",
	  "'demo' opened a stream with the number 0, which is not its to use" },
	{ "00 01 0001 00000004 00000000  00 01 0001 00000004 00000000",
	  "'demo' opened a stream with the number 4, which is not its to use" },
	{ "00 01 0001 00000004 00000000  00 01 0001 00000002 00000000",
	  "'demo' opened a stream with the number 2, which is not its to use" },
	{ "00 03 0000 00000000 00000001",
	  "'demo' ended the connection because of a protocol error of ours" },
	{ "00 03 0000 00000000 00000002",
	  "'demo' ended the connection because of an internal error" },
	{ "00 03 0000 00000000 00000009", "'demo' ended the connection with the unknown code 9" },
};

static void test_broken_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(broken_rules); i++) {
		AUTO(error) struct error *err = NULL;
		struct script p;

		script_open(&p, MUX_CLIENT);
		mux_on_incoming(p.mux, NULL, NULL);

		struct stream *s = open_first(&p);

		script_say(&p, broken_rules[i].says);
		/* a wait that knows nothing of it ends, too */
		while (stream_read(s, (char[8]){ 0 }, 8, soon(), NULL, &err) > 0)
			;
		script_ends(&p, broken_rules[i].reason);
		stream_close(s);
		script_close(&p);
	}
}

static void test_tells_who_breaks_a_rule(void **state)
{
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	script_say(&p, "01 00 0000 00000001 00000000");
	script_expect(&p, "00 03 0000 00000000 00000001");
	stream_close(s);
	script_close(&p);
}

static struct mux_patience quick(void)
{
	return (struct mux_patience){ .silence = 5 * NSEC_PER_MSEC,
				      .answer = 50 * NSEC_PER_MSEC,
				      .stall = 50 * NSEC_PER_MSEC };
}

static void test_silent_peer(void **state)
{
	struct script p;

	script_open(&p, MUX_CLIENT);

	struct stream *s = open_first(&p);

	mux_set_patience(p.mux, quick());
	script_expect(&p, "00 02 0001 00000000 00000000");
	script_say(&p, "00 02 0002 00000000 00000000");
	/* it lives, and is asked again */
	script_expect(&p, "00 02 0001 00000000 00000001");
	script_ends(&p, "'demo' does not answer");
	stream_close(s);
	script_close(&p);
}

static void test_peer_that_does_not_read(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *data = calloc(1, 262144);
	struct script p;
	int small = 4096;

	script_open(&p, MUX_CLIENT);

	struct stream *a = open_first(&p);
	struct mux_patience patience = quick();

	assert_int_equal(setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	patience.silence = DEADLINE_NEVER / 4;
	mux_set_patience(p.mux, patience);

	struct stream *b = mux_open(p.mux, &err);

	/* the socket is full before credit is used up */
	if (stream_write(a, data, 262144, soon(), NULL, &err) == 0)
		assert_int_equal(stream_write(b, data, 262144, soon(), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "'demo' does not read what is sent to it");
	stream_close(a);
	stream_close(b);
	script_close(&p);
}

/* Asks and asks and never reads: what it gets in return is bounded. */
static void test_flood_of_pings(void **state)
{
	enum { MANY = 4096, MOST = 1000 };
	struct script p;
	AUTO_FREE unsigned char *pings = calloc(MANY, 12);
	AUTO(error) struct error *err = NULL;

	script_open(&p, MUX_CLIENT);
	mux_on_incoming(p.mux, NULL, NULL);
	for (size_t i = 0; i < MANY; i++)
		memcpy(pings + 12 * i, "\0\2\0\1", 4);
	for (int i = 0; i < MOST && !is_readable(mux_ended_fd(p.mux)); i++)
		if (io_write_all(p.fd, pings, 12 * MANY, soon(), NULL, &err) < 0)
			break;
	script_ends(&p, "'demo' does not read the answers to what it sends");
	script_close(&p);
}

static bool count(void *data)
{
	int *fds = data;
	char c[8];

	return read(fds[0], c, 1) == 1 && write(fds[3], c, 1) == 1;
}

static void test_also_read(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct script p;
	int fds[4];
	char c;

	assert_int_equal(fd_pipe(fds, &err), 0);
	assert_int_equal(fd_pipe(fds + 2, &err), 0);
	script_open(&p, MUX_CLIENT);
	mux_on_incoming(p.mux, NULL, NULL);
	mux_also_read(p.mux, fds[0], count, fds);
	assert_int_equal(write(fds[1], "a", 1), 1);
	assert_int_equal(io_wait(fds[2], POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(read(fds[2], &c, 1), 1);
	/* also after the end */
	fd_close(fd_take(&p.fd));
	script_ends(&p, "'demo' closed the connection");
	assert_int_equal(write(fds[1], "b", 1), 1);
	assert_int_equal(io_wait(fds[2], POLLIN, soon(), NULL, &err), 0);
	mux_read_no_more(p.mux, fds[0]);
	assert_int_equal(write(fds[1], "c", 1), 1);
	script_close(&p);
	assert_true(is_readable(fds[0]));
	for (int i = 0; i < 4; i++)
		fd_close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_talk),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_peer_opens),
		cmocka_unit_test(test_peer_opens_at_a_server),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many_streams),
		cmocka_unit_test(test_unconfirmed_streams),
		cmocka_unit_test(test_credit_of_ours),
		cmocka_unit_test(test_credit_of_theirs),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_cancel_ends_waits),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_go_away),
		cmocka_unit_test(test_broken_rules),
		cmocka_unit_test(test_tells_who_breaks_a_rule),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_peer_that_does_not_read),
		cmocka_unit_test(test_flood_of_pings),
		cmocka_unit_test(test_also_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
