/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SSH connection: a socket of ours, the libssh session on it, and the one
 * place where we wait for it. The session is non-blocking; whatever returns
 * "again" is repeated after sshlink_wait(), so every wait watches the cancel
 * token. While waiting the server is asked for a sign of life; twelve missed
 * ones, or silence for the read-write timeout, end the connection.
 *
 * Used by one thread. Channels (chan.h) must be closed before their link.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "os/cancel.h"
#include "schema/schema.h"

#include <libssh/libssh.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Something else that must be served while the connection is waited for (forwarded
 * connections, the pump of a bastion). */
struct sshlink_side {
	/* Before every wait: moves what can be moved at once, then says what to wait for;
	 * returns how many entries (at most max). Must not wait. */
	size_t (*serve)(void *data, struct pollfd *fds, size_t max);
	/* NULL, or: what it knows of the end of the connection (borrowed); NULL: nothing. */
	const char *(*loss)(void *data);
	void (*free)(void *data);
	void *data;
};

enum { SSHLINK_SIDES_MAX = 4, SSHLINK_POLL_MAX = 64 };

struct sshlink {
	int fd; /* ours; libssh has a duplicate */
	ssh_session session;
	ssh_event event;                   /* once the key exchange is over */
	int64_t keep_alive;                /* ns; <= 0: off */
	int64_t silence_max;               /* ns; 0: off */
	struct ssh_counter_struct traffic; /* kept by libssh */
	uint64_t heard_bytes, bytes_at_ask;
	int64_t last_heard, next_ask;
	int missed;
	bool lost;
	bool refused; /* the server did not open the last channel that was asked for */
	struct sshlink_side sides[SSHLINK_SIDES_MAX];
	size_t side_count;
};

struct sshlink_options {
	const char *user;
	const struct text_list *ciphers, *key_exchange; /* empty: our choice */
	int64_t keep_alive, silence_max;
};

/* Takes the connected socket in any case. */
MUST_CHECK int sshlink_new(int fd, const struct sshlink_options *o, struct sshlink **ret,
			   struct error **err);
/* Closes the connection at once, without a word, as a killed client would. */
void sshlink_free(struct sshlink *l);
DEFINE_AUTO(sshlink, struct sshlink *, sshlink_free);

/* Key exchange. Host keys are not checked: the machine was made a moment ago. */
MUST_CHECK int sshlink_handshake(struct sshlink *l, int64_t deadline, struct cancel *c,
				 struct error **err);
/* Starts the clock of the signs of life; before an operation on an idle link. */
void sshlink_refresh(struct sshlink *l);
/*
 * Waits until there may be progress. ERROR_DISCONNECTED when the connection is
 * gone; ERROR_TIMEOUT at the deadline.
 */
MUST_CHECK int sshlink_wait(struct sshlink *l, int64_t deadline, struct cancel *c,
			    struct error **err);
/* The same, then hands what arrived to the channels. */
MUST_CHECK int sshlink_step(struct sshlink *l, int64_t deadline, struct cancel *c,
			    struct error **err);
/* Without waiting. */
MUST_CHECK int sshlink_pump(struct sshlink *l, struct error **err);
/* "TYPE BASE64" of the server, once its key was exchanged; heap or NULL. */
char *sshlink_host_key(const struct sshlink *l);
bool sshlink_write_pending(const struct sshlink *l); /* something waits to be sent */
/* Sets ERROR_DISCONNECTED with the library's reason; returns -1. */
int sshlink_set_lost(struct sshlink *l, struct error **err);
/* Takes `side`, which is served from now on and freed with the link. */
void sshlink_add_side(struct sshlink *l, struct sshlink_side side);
/* The one with this data; it is not freed. */
void sshlink_remove_side(struct sshlink *l, const void *data);
/* Serves all sides, as struct sshlink_side.serve: for a link that nobody waits for. */
size_t sshlink_serve_sides(struct sshlink *l, struct pollfd *fds, size_t max);
/* Does a side know why the connection ended? Borrowed; NULL: no. */
const char *sshlink_side_loss(struct sshlink *l);
