/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a configuration and an address to a connection that is logged in. Used
 * by the connect step (again and again until it works) and once more when a
 * connection was lost in between.
 */
#pragma once

#include "comm/config.h"
#include "comm/ssh/link.h"
#include "comm/ssh/probe.h"
#include "core/component.h"

/* Everything needed to dial again; texts are copies. */
struct dialer {
	const struct comm_config *cfg; /* borrowed: outlives the machine */
	char *host;
	int port;
	char *key_pem; /* wiped */
	char *key_path;
	char *agent_socket;               /* NULL: no agent runs */
	const struct comm_sign_ops *sign; /* of the machine; NULL: none */
	void *sign_data;
	struct ui *ui; /* borrowed: outlives the machine; asks for a bastion's password */
};

void dialer_init(struct dialer *d, const struct comm_config *cfg, const struct comm_target *target,
		 char *const *environ);
void dialer_release(struct dialer *d);

/*
 * One connection: TCP until the server greets (`once`: a refusal is final),
 * then at most 60 s for key exchange and login. ERROR_TIMEOUT at `deadline`;
 * ERROR_AUTH when the server refuses us; ERROR_INVALID when trying again is
 * useless; the rest may pass by itself.
 */
MUST_CHECK int dialer_dial(struct dialer *d, bool once, int64_t deadline, struct cancel *c,
			   struct probe_report *report, struct sshlink **ret, struct error **err);
