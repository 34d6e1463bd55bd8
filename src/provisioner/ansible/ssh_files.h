/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by which OpenSSH, and so Ansible, reaches the machine as the build does:
 * a configuration with the way there, keys, the machine's host key, and a
 * program that answers the prompt for a password. All in one private folder,
 * which the caller removes. What is in the configuration holds for the machine
 * only; hosts that a playbook delegates to are reached as the user's own
 * configuration says.
 */
#pragma once

#include "base/strbuf.h"
#include "base/strv.h"
#include "core/route.h"

struct ssh_files {
	char *config;  /* for ssh -F */
	char *key;     /* private key of the machine's login; NULL: none */
	char *askpass; /* NULL: no password takes part */
	bool pinned;   /* the machine must show the host key that is known */
	char *why_not; /* set: it cannot be said to OpenSSH; nothing else is then */
};
void ssh_files_release(struct ssh_files *f);
static inline void auto_ssh_files(struct ssh_files *f)
{
	ssh_files_release(f);
}

/* `dir` exists and is ours alone. */
MUST_CHECK int ssh_files_make(const struct comm_route *r, const char *dir, const char *home,
			      struct ssh_files *ret, struct error **err);
/* The text for ANSIBLE_SSH_ARGS: ours, then the user's. Heap. */
char *ssh_files_args(const struct ssh_files *f, const char *users);
/* For the environment of ssh. */
void ssh_files_export(const struct ssh_files *f, struct strv *env);
