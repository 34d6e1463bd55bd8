/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A jump host: a logged-in connection to it, and on that a forwarded
 * connection to the machine whose other end looks like a socket to us.
 */
#pragma once

#include "comm/config.h"
#include "comm/ssh/link.h"
#include "comm/ssh/probe.h"

struct bastion_options {
	const struct comm_config *cfg;
	const char *agent_socket;
	const char *host; /* of the machine, as the jump host sees it */
	int port;
};
/* *ret_fd is ours; *ret_side must be added to the link made on it, which then owns it. */
MUST_CHECK int bastion_connect(const struct bastion_options *o, int64_t deadline, struct cancel *c,
			       struct probe_report *report, int *ret_fd,
			       struct sshlink_side *ret_side, struct error **err);
