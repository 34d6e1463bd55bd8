/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session channel: a remote command or subsystem with its three streams.
 * What arrives goes either to an output function at once (commands) or into a
 * buffer that the protocols (scp.h, sftp3.h) read from.
 *
 * Errors: ERROR_DISCONNECTED when the connection is gone, ERROR_REMOTE when
 * the server refused or the other side ended early.
 */
#pragma once

#include "base/strbuf.h"
#include "comm/ssh/link.h"
#include "core/comm.h"

#include <libssh/callbacks.h>

struct sshchan {
	struct sshlink *link;
	ssh_channel ch;
	struct ssh_channel_callbacks_struct callbacks;
	comm_output_fn output;   /* NULL: buffer */
	bool pull;               /* neither: it stays with the library until sshchan_read() */
	bool arrived;            /* with pull: something came since this was last made false */
	struct strbuf pulled[2]; /* stdout, stderr: from pulled_at on it is unread */
	size_t pulled_at[2];
	void *output_data;
	struct strbuf in; /* stdout from in_at on is unread */
	size_t in_at;
	struct strbuf complaint; /* the end of stderr, when buffered */
	bool opened;             /* else the server has none to close: it would hang up */
	bool eof, closed;
	bool have_status;
	int status;      /* exit status, or 128 + signal */
	int64_t started; /* monotonic: the command was asked for */
	char *loss;      /* heap; NULL: the connection was not lost */
};

/* A refusal too is ERROR_DISCONNECTED, but the link is not lost: link.refused. */
MUST_CHECK int sshchan_open(struct sshlink *l, struct sshchan **ret, struct cancel *c,
			    struct error **err);
void sshchan_free(struct sshchan *k); /* asks the server to close, does not wait */
DEFINE_AUTO(sshchan, struct sshchan *, sshchan_free);

void sshchan_set_output(struct sshchan *k, comm_output_fn fn, void *data);
MUST_CHECK int sshchan_request_pty(struct sshchan *k, struct cancel *c, struct error **err);
/* One like a person's: its type (TERM) and size; resize() when that has changed. */
struct sshchan_terminal {
	const char *term;
	int columns, rows;
};
MUST_CHECK int sshchan_request_terminal(struct sshchan *k, const struct sshchan_terminal *t,
					struct cancel *c, struct error **err);
void sshchan_resize(struct sshchan *k, int columns, int rows);
/* The user's own shell. */
MUST_CHECK int sshchan_shell(struct sshchan *k, struct cancel *c, struct error **err);
MUST_CHECK int sshchan_exec(struct sshchan *k, const char *command, struct cancel *c,
			    struct error **err);
MUST_CHECK int sshchan_subsystem(struct sshchan *k, const char *name, struct cancel *c,
				 struct error **err);

/* With `pull`: what is there now, at most `size` bytes; 0: nothing. The other side is held back when
 * nobody reads. */
size_t sshchan_read(struct sshchan *k, bool is_stderr, void *buf, size_t size);
/* What the windows take without waiting, perhaps nothing. */
MUST_CHECK int sshchan_try_write(struct sshchan *k, const void *data, size_t len,
				 size_t *ret_written, struct error **err);
/* As much as the windows allow right now, at least one byte; *ret_written of len. */
MUST_CHECK int sshchan_write_some(struct sshchan *k, const void *data, size_t len,
				  size_t *ret_written, struct cancel *c, struct error **err);
MUST_CHECK int sshchan_write(struct sshchan *k, const void *data, size_t len, struct cancel *c,
			     struct error **err);
MUST_CHECK int sshchan_send_eof(struct sshchan *k, struct cancel *c, struct error **err);

size_t sshchan_unread(const struct sshchan *k);
const char *sshchan_peek(const struct sshchan *k); /* sshchan_unread() bytes */
void sshchan_consume(struct sshchan *k, size_t n);
/* Waits until n bytes are unread (n <= 1 MiB). The stream's end is ERROR_REMOTE. */
MUST_CHECK int sshchan_need(struct sshchan *k, size_t n, struct cancel *c, struct error **err);

/* The command is of no use any more: where the server can, it ends. For callers that do not wait for it. */
void sshchan_end_command(struct sshchan *k);
/* The other side will say no more, and whether it went well is known, or never will be. */
bool sshchan_has_ended(const struct sshchan *k);
/*
 * Until the channel is closed. *ret_status is COMM_DISCONNECTED when neither a
 * status nor a signal came, or the connection was lost meanwhile; k->loss then
 * says why.
 */
MUST_CHECK int sshchan_wait_exit(struct sshchan *k, struct cancel *c, int *ret_status,
				 struct error **err);
