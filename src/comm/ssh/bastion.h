/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jump hosts: a logged-in connection to each, made through the one before,
 * and on the last a forwarded connection to the machine whose other end looks
 * like a socket to us.
 */
#pragma once

#include "comm/config.h"
#include "comm/ssh/link.h"
#include "comm/ssh/probe.h"
#include "core/event.h"

struct bastion_options {
	const struct comm_config *cfg;
	const char *agent_socket;
	const char *host; /* of the machine, as the last jump host sees it */
	int port;
	int64_t login_max; /* ns for each connection; not counted while a person is asked */
	struct ui *ui;     /* NULL: nobody can be asked */
};
/*
 * *ret_fd is ours; *ret_side must be added to the link made on it, which then owns it. Errors
 * begin with "Error connecting to bastion: " and name the host. ERROR_INVALID: trying again is
 * useless, for a jump host does not come up with the machine: it refused the login, or to forward.
 */
MUST_CHECK int bastion_connect(const struct bastion_options *o, int64_t deadline, struct cancel *c,
			       struct probe_report *report, int *ret_fd,
			       struct sshlink_side *ret_side, struct error **err);
