/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person's session on a channel: what they type goes there, what comes goes
 * to them, all bytes as they are. On a terminal, after an enter, `~.` hangs up,
 * `~^Z` suspends, `~?` explains, `~~` is a tilde: as OpenSSH's.
 */
#pragma once

#include "comm/ssh/chan.h"

/* On an opened channel, as comm_ops.shell. The terminal is as it was when this returns. */
MUST_CHECK int sshshell_run(struct sshchan *k, struct comm_shell *s, struct cancel *c,
			    int *ret_status, struct error **err);
