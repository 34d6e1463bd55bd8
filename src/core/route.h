/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How another program of this host reaches the machine as the communicator
 * does: where, as whom, with which keys. So a provisioner may start a tool that
 * speaks SSH or Docker itself instead of passing all it does through us
 * (comm_ops.route).
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"
#include "core/comm.h"

#include <stdbool.h>

enum comm_route_kind {
	COMM_ROUTE_NONE, /* only the communicator itself gets there */
	COMM_ROUTE_OPENSSH,
	COMM_ROUTE_CONTAINER,
};

/* One SSH server and how we log in to it. Texts are heap or NULL. */
struct route_host {
	char *host, *user;
	int port;
	char *key_file;
	char *key_text; /* PEM, wiped */
	char *certificate_file;
	char *password; /* answers every prompt; wiped */
	bool agent;     /* the one that SSH_AUTH_SOCK names */
};
VEC_DECLARE(route_hops, struct route_host);

struct comm_route {
	enum comm_route_kind kind;
	char *why_not; /* NONE: the reason, "it goes through a SOCKS5 proxy"; NULL: none is known */

	/* OPENSSH */
	struct route_host target;
	struct route_hops hops; /* in front of it, the first one first */
	char *host_key;         /* "TYPE BASE64", as our connection saw it; NULL: unknown */
	char *ciphers;          /* asked for by the template, comma-separated; NULL: any */
	char *key_exchange;     /* likewise */
	bool forward_agent;

	/* CONTAINER */
	char *program;   /* docker or podman */
	char *container; /* its id */
	char *exec_user; /* as whom commands run; NULL: the image's user, who is not root */
};
void comm_route_release(struct comm_route *r);
static inline void auto_comm_route(struct comm_route *r)
{
	comm_route_release(r);
}

/* Connects again first if the connection was lost: what is told leads somewhere. */
MUST_CHECK int comm_route(struct comm *m, struct comm_route *ret, struct cancel *c,
			  struct error **err);
