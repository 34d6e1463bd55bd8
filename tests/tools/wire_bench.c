/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the wire to plugins is, between two ends of ours: one JSON object.
 *   wire-bench [MIB] [CALLS]
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/wait.h"
#include "plugin/wire/broker.h"
#include "plugin/wire/rpc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PIECE = 256 * 1024 };

struct bench {
	int64_t bytes, calls;
	struct broker *client, *server;
};

static _Noreturn void die(const struct error *err)
{
	fprintf(stderr, "wire-bench: %s\n", err ? err->message : "out of order");
	exit(1);
}

/* The plugin: takes all bytes of stream 1, then serves calls on stream 2. */
static void *be_plugin(void *data)
{
	AUTO(error) struct error *err = NULL;
	struct bench *b = data;
	AUTO_FREE char *buf = xmalloc(PIECE);
	struct stream *s = broker_accept(b->server, 0, NULL, &err);
	int64_t left = b->bytes;

	if (!s)
		die(err);
	while (left > 0) {
		ssize_t n = stream_read(s, buf, (size_t)MIN(left, (int64_t)PIECE), DEADLINE_NEVER,
					NULL, &err);

		if (n <= 0)
			die(err);
		left -= n;
	}

	struct rpc_server *server = rpc_server_new(s);

	for (;;) {
		AUTO(rpc_request) struct rpc_request *r = NULL;
		int n = rpc_next(server, &r, &err);

		if (n < 0)
			break;
		if (n == 0 &&
		    io_wait(rpc_server_fd(server), POLLIN, DEADLINE_NEVER, NULL, &err) < 0)
			die(err);
		if (n > 0 && rpc_reply(server, r, NULL, NULL, &err) < 0)
			die(err);
	}
	rpc_server_free(server);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double send_bytes(struct bench *b, struct stream *s)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *buf = xcalloc(PIECE, 1);
	int64_t begin = clock_monotonic();

	for (int64_t left = b->bytes; left > 0; left -= PIECE)
		if (stream_write(s, buf, (size_t)MIN(left, (int64_t)PIECE), DEADLINE_NEVER, NULL,
				 &err) < 0)
			die(err);
	return (double)(clock_monotonic() - begin) / NSEC_PER_SEC;
}

/* Nanoseconds of each call, sorted. */
static int64_t *time_calls(struct bench *b, struct rpc_caller *caller)
{
	int64_t *times = xcalloc((size_t)b->calls, sizeof(*times));

	for (int64_t i = 0; i < b->calls; i++) {
		AUTO(error) struct error *err = NULL;
		AUTO(arena) struct arena *arena = arena_new();
		int64_t begin = clock_monotonic();

		if (!rpc(caller, "Ui.Say", NULL, arena, DEADLINE_NEVER, NULL, &err))
			die(err);
		times[i] = clock_monotonic() - begin;
	}
	qsort(times, (size_t)b->calls, sizeof(*times), by_size);
	return times;
}

int main(int argc, char **argv)
{
	AUTO(error) struct error *err = NULL;
	struct bench b = { 0 };
	int64_t mib = 1024;
	int fds[2];
	pthread_t plugin;

	b.calls = 10000;
	if ((argc > 1 && (!parse_int64(argv[1], 10, &mib) || mib < 1)) ||
	    (argc > 2 && (!parse_int64(argv[2], 10, &b.calls) || b.calls < 1))) {
		fprintf(stderr, "usage: wire-bench [MIB] [CALLS]\n");
		return 2;
	}
	b.bytes = mib * 1024 * 1024;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die(NULL);

	struct mux *client = mux_new(fds[0], MUX_CLIENT, "plugin", &err);
	struct mux *server = client ? mux_new(fds[1], MUX_SERVER, "core", &err) : NULL;

	if (!server || !(b.client = broker_new(client, &err)) ||
	    !(b.server = broker_new(server, &err)) ||
	    pthread_create(&plugin, NULL, be_plugin, &b) != 0)
		die(err);

	struct stream *s = broker_dial(b.client, 0, NULL, &err);

	if (!s)
		die(err);

	double seconds = send_bytes(&b, s);
	struct rpc_caller *caller = rpc_caller_new(s);
	AUTO_FREE int64_t *times = time_calls(&b, caller);

	rpc_caller_free(caller);
	pthread_join(plugin, NULL);
	printf("{\"mib\": %lld, \"mb_per_s\": %.0f, \"calls\": %lld, \"p50_us\": %.1f, "
	       "\"p99_us\": %.1f}\n",
	       (long long)mib, (double)b.bytes / 1e6 / seconds, (long long)b.calls,
	       (double)times[b.calls / 2] / 1e3, (double)times[b.calls * 99 / 100] / 1e3);
	broker_free(b.client);
	broker_free(b.server);
	mux_free(client);
	mux_free(server);
	return 0;
}
