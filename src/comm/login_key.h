/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key by which a machine lets the build in: the user's own, or a temporary
 * one that is made before the machine starts, so that templates can hand its
 * public half over (`{{ .SSHPublicKey }}`), and that must be gone from the
 * machine before its disk is kept (communicators.md 10).
 */
#pragma once

#include "comm/config.h"
#include "comm/key.h"
#include "core/event.h"

struct login_key {
	struct keypair *pair; /* NULL: no key takes part */
	bool temporary;       /* made for this build */
};

/* Nothing for communicators other than SSH. `type` is that of a temporary key. */
MUST_CHECK int login_key_make(struct login_key *ret, const struct comm_config *c, const char *type,
			      struct ui *ui, struct error **err);
/* The temporary one that the machine knows from an earlier build. */
MUST_CHECK int login_key_adopt(struct login_key *ret, const char *pem, struct error **err);
void login_key_release(struct login_key *k);

/*
 * Takes the line of a temporary key out of authorized_keys, the user's and, where that needs no
 * password, root's; other lines, owners and modes stay. What cannot be done is a warning: a
 * machine without a POSIX shell never had the key there. -1: cancelled.
 */
MUST_CHECK int login_key_forget(const struct login_key *k, struct comm *comm, struct ui *ui,
				struct cancel *c, struct error **err);
