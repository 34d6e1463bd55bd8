/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection carries besides our own channels (communicators.md 9):
 * local and remote tunnels and the way back to the local SSH agent.
 */
#pragma once

#include "comm/config.h"
#include "comm/ssh/link.h"

/* Sets all up on a logged-in link, which owns it. agent_socket NULL: no forwarding. */
MUST_CHECK int tunnel_setup(struct sshlink *l, const struct comm_config *cfg,
			    const char *agent_socket, struct cancel *c, struct error **err);
