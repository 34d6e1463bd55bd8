/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of ours against each other, with threads on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "wire_pair.h"

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* cmocka's assertions belong to the main thread: the others count what is wrong. */
struct job {
	struct pair *pair;
	struct stream *stream;
	uint32_t id;
	size_t size;
	pthread_t thread;
	atomic_int wrong;
};

static void *send_all(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct job *j = data;
	AUTO_FREE unsigned char *bytes = xmalloc(j->size);

	for (size_t i = 0; i < j->size; i++)
		bytes[i] = byte_at(i);
	if (stream_write(j->stream, bytes, j->size, soon(), NULL, &err) < 0)
		j->wrong++;
	stream_finish(j->stream);
	return NULL;
}

/* How many bytes came, until the end; -1 if they are not what was sent. */
static ssize_t receive_all(struct stream *s)
{
	AUTO(error) struct error *err = NULL;
	unsigned char buf[5000];
	size_t got = 0;

	for (;;) {
		ssize_t n = stream_read(s, buf, sizeof(buf), soon(), NULL, &err);

		if (n < 0)
			return -1;
		if (n == 0)
			return (ssize_t)got;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != byte_at(got++))
				return -1;
	}
}

/* Much more than a window, through a socket that is smaller. */
static void test_download(void **state)
{
	struct job j = { .size = 3000000 };
	struct stream *client, *server;
	struct pair p;

	pair_open(&p);
	pair_stream(&p, &client, &server);
	j.stream = server;
	assert_int_equal(pthread_create(&j.thread, NULL, send_all, &j), 0);
	assert_int_equal(receive_all(client), j.size);
	pthread_join(j.thread, NULL);
	assert_int_equal(j.wrong, 0);
	/* the other half still works */
	j.stream = client;
	assert_int_equal(pthread_create(&j.thread, NULL, send_all, &j), 0);
	assert_int_equal(receive_all(server), j.size);
	pthread_join(j.thread, NULL);
	stream_close(client);
	stream_close(server);
	pair_close(&p);
}

static void *echo_one(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct job *j = data;
	struct stream *s = broker_accept(j->pair->at_server, j->id, NULL, &err);
	char buf[3000];
	ssize_t n;

	if (!s) {
		j->wrong++;
		return NULL;
	}
	while ((n = stream_read(s, buf, sizeof(buf), soon(), NULL, &err)) > 0)
		if (stream_write(s, buf, (size_t)n, soon(), NULL, &err) < 0)
			n = -1;
	if (n < 0)
		j->wrong++;
	stream_close(s);
	return NULL;
}

static void *dial_one(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct job *j = data;
	struct stream *s = broker_dial(j->pair->at_client, j->id, NULL, &err);
	struct job sender = { .stream = s, .size = j->size };

	if (!s || pthread_create(&sender.thread, NULL, send_all, &sender) != 0) {
		j->wrong++;
		return NULL;
	}
	if (receive_all(s) != (ssize_t)j->size)
		j->wrong++;
	pthread_join(sender.thread, NULL);
	j->wrong += sender.wrong;
	stream_close(s);
	return NULL;
}

static void test_many_streams(void **state)
{
	enum { MANY = 12 };
	struct job dial[MANY], echo[MANY];
	struct pair p;

	pair_open(&p);
	for (int i = 0; i < MANY; i++) {
		uint32_t id = broker_expect(p.at_server);

		dial[i] = (struct job){ .pair = &p, .id = id, .size = 100000 + (size_t)i * 10000 };
		echo[i] = (struct job){ .pair = &p, .id = id };
		assert_int_equal(pthread_create(&echo[i].thread, NULL, echo_one, &echo[i]), 0);
		assert_int_equal(pthread_create(&dial[i].thread, NULL, dial_one, &dial[i]), 0);
	}
	for (int i = 0; i < MANY; i++) {
		pthread_join(dial[i].thread, NULL);
		pthread_join(echo[i].thread, NULL);
		assert_int_equal(dial[i].wrong + echo[i].wrong, 0);
	}
	pair_close(&p);
}

/* Thousands one after the other: nothing is kept of those that are over. */
static void test_streams_come_and_go(void **state)
{
	struct pair p;

	pair_open(&p);
	for (int i = 0; i < 2000; i++) {
		struct stream *client, *server;

		pair_stream(&p, &client, &server);
		stream_close(client);
		/* whoever comes first */
		i % 3 ? stream_close(server) : stream_abort(server);
	}
	pair_close(&p);
}

/* Those whose peer never comes to its end give way. */
static void test_streams_nobody_ends(void **state)
{
	enum { MANY = 400 };
	AUTO(error) struct error *err = NULL;
	struct stream *client, *server[MANY], *last;
	struct pair p;
	int dropped = 0;

	pair_open(&p);
	for (int i = 0; i < MANY; i++) {
		pair_stream(&p, &client, &server[i]);
		stream_close(client);
	}
	pair_stream(&p, &client, &last);
	for (int i = 0; i < MANY; i++) {
		char c;
		ssize_t n = stream_read(server[i], &c, 1, soon(), NULL, &err);

		assert_true(n <= 0);
		error_ignore(&err, "counted below");
		dropped += stream_write(server[i], "x", 1, soon(), NULL, &err) < 0;
		error_ignore(&err, "that was the question");
		stream_close(server[i]);
	}
	assert_true(dropped >= MANY - 260);
	stream_close(client);
	stream_close(last);
	pair_close(&p);
}

static void *wait_for_data(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct job *j = data;
	char c;

	if (stream_read(j->stream, &c, 1, soon(), NULL, &err) != -1 || err->kind != ERROR_GONE)
		j->wrong++;
	return NULL;
}

static void test_free_wakes_those_who_wait(void **state)
{
	struct stream *client, *server;
	struct pair p;

	pair_open(&p);
	pair_stream(&p, &client, &server);

	struct job a = { .stream = client }, b = { .stream = server };

	assert_int_equal(pthread_create(&a.thread, NULL, wait_for_data, &a), 0);
	assert_int_equal(pthread_create(&b.thread, NULL, wait_for_data, &b), 0);
	broker_free(p.at_client);
	mux_free(p.client);
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	assert_int_equal(a.wrong + b.wrong, 0);
	stream_close(client);
	broker_free(p.at_server);
	mux_free(p.server);
	stream_close(server);
}

/* Who is dropped while he sends, is told; the session goes on. */
static void test_abort_while_sending(void **state)
{
	struct stream *client, *server;
	struct job j = { .size = 20000000 };
	AUTO(error) struct error *err = NULL;
	struct pair p;
	char c;

	pair_open(&p);
	pair_stream(&p, &client, &server);
	j.stream = server;
	assert_int_equal(pthread_create(&j.thread, NULL, send_all, &j), 0);
	assert_int_equal(stream_read(client, &c, 1, soon(), NULL, &err), 1);
	stream_abort(client);
	pthread_join(j.thread, NULL);
	assert_int_equal(j.wrong, 1);
	stream_close(server);
	pair_stream(&p, &client, &server);
	stream_close(client);
	stream_close(server);
	pair_close(&p);
}

/* Who closes lets the peer come to its end, however much it has to say. */
static void test_close_while_it_sends(void **state)
{
	struct stream *client, *server;
	struct job j = { .size = 3000000 };
	struct pair p;

	pair_open(&p);
	pair_stream(&p, &client, &server);
	j.stream = server;
	assert_int_equal(pthread_create(&j.thread, NULL, send_all, &j), 0);
	stream_close(client);
	pthread_join(j.thread, NULL);
	assert_int_equal(j.wrong, 0);
	stream_close(server);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_download),
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_streams_come_and_go),
		cmocka_unit_test(test_streams_nobody_ends),
		cmocka_unit_test(test_free_wakes_those_who_wait),
		cmocka_unit_test(test_abort_while_sending),
		cmocka_unit_test(test_close_while_it_sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
