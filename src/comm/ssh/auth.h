/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in on a fresh connection (communicators.md 5). */
#pragma once

#include "comm/ssh/link.h"
#include "core/event.h"

/* NULL members are not tried. All borrowed for the call. */
struct sshauth {
	const char *who;     /* begins the sentence that explains a refusal: "The server" */
	const char *options; /* those by which credentials are given, "a, b or c" */
	const char *user;
	const char *agent_socket;
	const char *key_files[2];
	const char *certificate_file; /* belongs to every key */
	const char *key_pem;
	const char *password; /* also answers every keyboard-interactive prompt */
	struct ui *ui;        /* a person answers, first of all; NULL: no */
	int64_t answer_max;   /* ns for the server's part after each answer of a person */
};

/*
 * ERROR_AUTH when the server refused everything: the message names the methods
 * tried, the hint what the server would have accepted. ERROR_DISCONNECTED when
 * the connection broke. ERROR_INVALID when a key cannot be used.
 */
MUST_CHECK int sshauth_login(struct sshlink *l, const struct sshauth *a, int64_t deadline,
			     struct cancel *c, struct error **err);
