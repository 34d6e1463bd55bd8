/* SPDX-License-Identifier: Apache-2.0 */
/* Running commands on the machine for a provisioner, and trying again (provisioners.md 3). */
#pragma once

#include "core/component.h"

/* Output goes to the user line by line. *began tells whether the command may have begun. */
MUST_CHECK int remote_run(struct provision_ctx *ctx, const char *command, bool *began,
			  int *ret_status, struct error **err);
/* Output is dropped. */
MUST_CHECK int remote_run_quietly(struct provision_ctx *ctx, const char *command, int *ret_status,
				  struct error **err);

/*
 * Calls `fn` until it succeeds; half a second between two calls. A machine that cannot be
 * reached is waited for up to `timeout` (<= 0: for ever); other refusals
 * (permission denied, no such directory) do not pass by waiting and get 10 s.
 * The last error is returned, at once when the build is over.
 */
typedef int (*remote_fn)(void *data, struct provision_ctx *ctx, struct error **err);
MUST_CHECK int remote_retry(struct provision_ctx *ctx, int64_t timeout, remote_fn fn, void *data,
			    struct error **err);
