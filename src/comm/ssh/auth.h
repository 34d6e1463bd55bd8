/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in on a fresh connection (communicators.md 5). */
#pragma once

#include "comm/ssh/link.h"

/* NULL members are not tried. All borrowed for the call. */
struct sshauth {
	const char *user;
	const char *agent_socket;
	const char *key_files[2];
	const char *certificate_file; /* belongs to every key */
	const char *key_pem;
	const char *password; /* also answers every keyboard-interactive prompt */
};

/*
 * ERROR_AUTH when the server refused everything: the message names the methods
 * tried, the hint what the server would have accepted. ERROR_DISCONNECTED when
 * the connection broke. ERROR_INVALID when a key cannot be used.
 */
MUST_CHECK int sshauth_login(struct sshlink *l, const struct sshauth *a, int64_t deadline,
			     struct cancel *c, struct error **err);
