/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as what a peer sends to a session with streams and a broker. It ends or goes on;
 * what streams give is what their frames carried, in bounds. The first byte chooses our side.
 */
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/wire/broker.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

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

static void read_all(struct stream *s)
{
	AUTO(error) struct error *err = NULL;
	char buf[1000];
	ssize_t n, total = 0;

	while ((n = stream_read_some(s, buf, sizeof(buf), &err)) > 0)
		total += n;
	require(total <= 1 << 24);
	if (n < 0 && err)
		error_ignore(&err, "anything may come");
}

/* What it sends is over when the session says so. */
static void say(int fd, const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;

	if (io_write_all(fd, data, size, soon(), NULL, &err) < 0)
		error_ignore(&err, "the session has ended");
	(void)shutdown(fd, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	if (!size || size > 1 << 20 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;

	struct mux *m = mux_new(fds[0], data[0] & 1 ? MUX_CLIENT : MUX_SERVER, "fuzz", &err);

	require(m);

	struct broker *b = broker_new(m, &err);

	require(b);

	struct stream *ours[2] = { mux_open(m, &err), mux_open(m, &err) };
	uint32_t id = broker_expect(b);

	require(ours[0] && ours[1]);
	say(fds[1], data + 1, size - 1);
	require(io_wait(mux_ended_fd(m), POLLIN, soon(), NULL, &err) == 0);
	require(mux_why_ended(m, &err) < 0 && err->kind == ERROR_GONE);
	error_ignore(&err, "that was expected");
	for (int i = 0; i < 2; i++)
		read_all(ours[i]);

	struct stream *theirs = broker_accept_now(b, id, &err);

	error_ignore(&err, "nobody may have come");
	stream_close(theirs);
	stream_close(ours[0]);
	stream_abort(ours[1]);
	broker_free(b);
	mux_free(m);
	fd_close(fds[1]);
	return 0;
}
