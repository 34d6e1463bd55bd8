/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gets a TCP connection on which an SSH server has begun to speak.
 *
 * A booting machine refuses, resets, swallows or (behind QEMU's user network)
 * accepts and then closes connections. So a connection counts only when the
 * server's identification has arrived; it is looked at with MSG_PEEK and left
 * for the SSH library. A refusal is retried after 50 ms, words of something else
 * (also of an SSH server that is too busy) after 2 s. A connection that stays
 * silent says nothing: it may belong to a machine whose network was not up when
 * it was made (and will be retried by somebody's timer seconds later), or to a
 * slow server. So others are opened beside it, after half a second, then ever
 * more rarely: each may cost a busy machine a process, and the oldest is given
 * up only for the seventh. Where a sign tells that the network comes up they
 * begin anew, a tenth of a second later. The first that speaks wins.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "core/comm.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

/* The farthest that any connection got; ascending. */
enum probe_seen {
	PROBE_NOTHING,
	PROBE_UNKNOWN_HOST,
	PROBE_UNREACHABLE, /* no route, or no answer at all */
	PROBE_REFUSED,     /* the host answers, nobody listens */
	PROBE_CLOSED,      /* accepted, then closed without a word */
	PROBE_SILENT,      /* accepted, nothing came */
	PROBE_NOT_SSH,     /* something else speaks there */
	PROBE_BANNER,
	PROBE_SEEN_COUNT,
};

struct probe_report {
	enum probe_seen seen;
	char host[128]; /* who was asked: the machine, or a jump host; cut */
	int port;
	char text[128]; /* what was said, cut, printable; or the last system error */
};

struct probe_options {
	const char *host;
	int port;
	bool once; /* a refusal (by all addresses) is final */
	int64_t deadline;
	const struct comm_sign_ops *sign; /* NULL: none */
	void *sign_data;
};

/* *ret_fd: connected, non-blocking. ERROR_TIMEOUT when the deadline passed. */
MUST_CHECK int probe_connect(const struct probe_options *o, struct cancel *c,
			     struct probe_report *report, int *ret_fd, struct error **err);
/* One sentence about what was seen, for people. */
void probe_describe(const struct probe_report *r, struct strbuf *ret);
