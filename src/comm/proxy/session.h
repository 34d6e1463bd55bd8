/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of a proxy, their connections and what they ask for. Nothing
 * here waits: clients_move() does what can be done at once, and the descriptor
 * of the list is readable when there is more to do.
 *
 * A client that has gone is freed by the next clients_move(), unless its
 * request is the one in work: that says so with request_is_gone().
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stdint.h>

enum { CLIENTS_MAX = 32, REQUESTS_MAX = 32 };

enum request_kind { REQUEST_NONE, REQUEST_COMMAND, REQUEST_SFTP };

/* A session channel, and what shall be done over it. */
struct request {
	struct client *client;
	ssh_channel ch;
	struct ssh_channel_callbacks_struct callbacks;
	enum request_kind kind;
	char *command;
	struct strbuf input; /* from input_at on it is not read yet; bounded by the window */
	size_t input_at;
	uint64_t number; /* in the order in which they were asked */
	bool ended;      /* its client will send no more */
	bool closed;
	bool done; /* answered */
};

struct client;
struct clients {
	int listen_fd, epoll_fd;
	int arrived_fd; /* readable when something came for the request in work */
	const char *user;
	ssh_key user_key;
	ssh_bind bind;
	struct client *items[CLIENTS_MAX];
	size_t len;
	uint64_t asked;
	struct request *in_work; /* or NULL */
};

/* The rest of the members is the caller's to set: first to nothing, -1 for descriptors. */
MUST_CHECK int clients_init(struct clients *l, struct error **err);
void clients_release(struct clients *l);
/* Also wakes whoever waits for epoll_fd when `fd` is readable. */
void clients_watch(struct clients *l, int fd);
void clients_move(struct clients *l);
/* The one that was asked first of those that are not done; NULL: none. */
struct request *clients_next(struct clients *l);
/* This one is in work now; NULL: none. */
void clients_work(struct clients *l, struct request *q);

bool request_is_gone(const struct request *q);
/* What is there of its input, at most `len` bytes; 0: nothing yet, or (q->ended) no more. */
size_t request_read(struct request *q, void *buf, size_t len);
/* How much of it is on its way; perhaps nothing. */
size_t request_write(struct request *q, bool is_stderr, const void *bytes, size_t len);
void request_end(struct request *q, int status);
