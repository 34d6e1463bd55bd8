/* SPDX-License-Identifier: Apache-2.0 */
/* Which kept machine 'ingot attach' means: from the records of runs and the store of finished steps. */
#pragma once

#include "cache/store.h"
#include "cli/command.h"

struct attach_wish {
	const char *run;   /* beginning of an id; NULL: the newest run that left a machine */
	const char *build; /* NULL: the only one that failed */
	int64_t step;      /* the state before this provisioner; 0: before the one that failed */
};

struct attach_target {
	char *run_id, *build;
	bool interrupted;          /* it did not fail by itself */
	char *failure;             /* "step 2 (shell harden)" */
	char *error;               /* its message; NULL: not known */
	int64_t ended;             /* wall, ns; when the run started, if that is not known */
	struct store_entry *entry; /* held */
	int64_t state;             /* how many provisioners have run in it */
	int64_t made;              /* wall, ns */
};
void attach_target_release(struct attach_target *t);
static inline void auto_attach_target(struct attach_target *t)
{
	attach_target_release(t);
}

/* `store` may be NULL: there is none. ERROR_NOT_FOUND, ERROR_EXISTS (the run is in progress), ERROR_INVALID
 * (which one?), with what to do in the hint. */
MUST_CHECK int attach_pick(const struct command_ctx *ctx, const struct attach_wish *wish,
			   struct store *store, struct cancel *c, struct attach_target *ret,
			   struct error **err);
/* Prints the runs that can be attached to. */
MUST_CHECK int attach_list(struct command_ctx *ctx, struct store *store, struct error **err);
