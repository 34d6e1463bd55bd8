/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of ours, connected. For unit tests, after cmocka.h. */
#pragma once

#include "plugin/wire/broker.h"
#include "wire_script.h"

struct pair {
	struct mux *client, *server;
	struct broker *at_client, *at_server;
};

static inline void pair_open(struct pair *p)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_non_null(p->client = mux_new(fds[0], MUX_CLIENT, "plugin", &err));
	assert_non_null(p->server = mux_new(fds[1], MUX_SERVER, "core", &err));
	assert_non_null(p->at_client = broker_new(p->client, &err));
	assert_non_null(p->at_server = broker_new(p->server, &err));
}

static inline void pair_close(struct pair *p)
{
	broker_free(p->at_client);
	broker_free(p->at_server);
	mux_free(p->client);
	mux_free(p->server);
}

/* Connected, without anything said about numbers: the server's and the client's end. */
static inline void pair_stream(struct pair *p, struct stream **ret_client,
			       struct stream **ret_server)
{
	AUTO(error) struct error *err = NULL;
	unsigned char id[4] = { 0 };

	/* both at once on one thread: what broker_dial() says, by hand */
	assert_non_null(*ret_client = mux_open(p->client, &err));
	assert_int_equal(stream_write(*ret_client, id, sizeof(id), soon(), NULL, &err), 0);
	assert_non_null(*ret_server = broker_accept(p->at_server, 0, NULL, &err));
	for (size_t n = 0; n < sizeof(id);) {
		ssize_t r = stream_read(*ret_client, id, sizeof(id) - n, soon(), NULL, &err);

		assert_true(r > 0);
		n += (size_t)r;
	}
}
