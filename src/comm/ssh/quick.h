/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way for small files. A script usually costs four remote commands:
 * copy it, set its mode, run it, remove it, each with a login shell of its
 * own. One SFTP channel that stays open does all but the running with a
 * message or three and no process. What cannot go this way (no subsystem, a
 * path that a shell would expand, any refusal) goes the usual one, so that
 * mistakes are told in the usual words.
 */
#pragma once

#include "comm/ssh/sftp3_conn.h"

struct quick {
	struct sftp3 sftp;
	bool is_open;
	bool is_off;   /* the server does not have it */
	bool is_alone; /* the server allows no other channel beside it */
};

/* Before its link is freed or replaced. */
void quick_close(struct quick *q);
/* Where a session beside a command is one too many, from now on the channel is opened for each
 * use, and ended by this before anything else is. Waits for the server's side. -1: the token's
 * reason. */
MUST_CHECK int quick_step_aside(struct quick *q, struct cancel *c, struct error **err);
/* 1: done; 0: not this way; -1: the token's reason. `data` and mode as for an upload. */
MUST_CHECK int quick_put(struct quick *q, struct sshlink *l, const struct comm_upload *up,
			 const char *dst, struct cancel *c, struct error **err);
MUST_CHECK int quick_remove(struct quick *q, struct sshlink *l, const char *path, struct cancel *c,
			    struct error **err);
