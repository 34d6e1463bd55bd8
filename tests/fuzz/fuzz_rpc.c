/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as the answers to two calls (first byte odd), or as the calls a server gets: each
 * call is answered, or fails for one reason; every request has a name and a value.
 */
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/wire/rpc.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int64_t soon(void)
{
	return clock_deadline(INT64_C(10000000000));
}

struct ends {
	struct mux *near, *far;
	struct stream *stream, *peer;
	int fds[2]; /* a pipe for the peer's end of the stream */
};

static bool on_incoming(void *data, struct stream *s)
{
	struct ends *e = data;

	return write(e->fds[1], &s, sizeof(s)) == sizeof(s);
}

static void open_ends(struct ends *e)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	require(fd_pipe(e->fds, &err) == 0);
	require((e->near = mux_new(fds[0], MUX_CLIENT, "fuzz", &err)));
	require((e->far = mux_new(fds[1], MUX_SERVER, "core", &err)));
	mux_on_incoming(e->far, on_incoming, e);
	require((e->stream = mux_open(e->near, &err)));
	require(io_wait(e->fds[0], POLLIN, soon(), NULL, &err) == 0);
	require(read(e->fds[0], &e->peer, sizeof(e->peer)) == sizeof(e->peer));
}

static void close_ends(struct ends *e)
{
	stream_close(e->peer);
	mux_free(e->near);
	mux_free(e->far);
	fd_close(e->fds[0]);
	fd_close(e->fds[1]);
}

static void say(struct ends *e, const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;

	require(stream_write(e->peer, data, size, soon(), NULL, &err) == 0);
	stream_finish(e->peer);
}

static void finish(struct rpc_call *call)
{
	AUTO(error) struct error *err = NULL;
	const struct packed *reply = NULL;

	if (rpc_finish(call, soon(), NULL, &reply, &err) == 0)
		require(reply && reply->raw_len);
	else
		require(err->kind != ERROR_TIMEOUT);
}

static void try_caller(struct ends *e, const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	struct rpc_caller *c = rpc_caller_new(e->stream);
	struct rpc_call *a = rpc_start(c, "A.B", NULL, NULL, &err);
	struct rpc_call *b = rpc_start(c, "A.C", NULL, NULL, &err);

	require(a && b);
	say(e, data, size);
	finish(b);
	finish(a);
	rpc_call_free(a);
	rpc_caller_free(c);
	rpc_call_free(b);
}

static void try_server(struct ends *e, const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	struct rpc_server *s = rpc_server_new(e->stream);
	int r = 0;

	say(e, data, size);
	while (r >= 0) {
		AUTO(rpc_request) struct rpc_request *request = NULL;

		r = rpc_next(s, &request, &err);
		if (r > 0)
			require(*request->method && request->arg->raw_len);
		if (r == 0)
			require(io_wait(rpc_server_fd(s), POLLIN, soon(), NULL, &err) == 0);
	}
	require(!err || err->kind == ERROR_INVALID);
	rpc_server_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ends e;

	if (!size || size > 100000)
		return 0;
	open_ends(&e);
	(data[0] & 1 ? try_caller : try_server)(&e, data + 1, size - 1);
	close_ends(&e);
	return 0;
}
