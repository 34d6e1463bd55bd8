/* SPDX-License-Identifier: Apache-2.0 */
/* What keep.c (which states are kept) and keep_start.c (where a build begins) share; theirs only. */
#pragma once

#include "core/keep.h"
#include "core/reuse.h"

struct keep {
	struct key_maker maker;
	struct reuse_policy policy;
	struct reuse reuse;
	struct history *history;
	struct store_entry *entry; /* what we start from; held to the end */
	struct checkpoint from;
	int claim_fd;            /* of the state being made */
	int artifact_fd;         /* claim of the artifact: one build at a time makes it */
	struct step_key next;    /* of that state; as it was when the step began */
	char *last;              /* key of the last state that was kept; NULL: none */
	struct strv passing;     /* keys that only this run can have */
	struct strv useless;     /* keys of what was kept and did not work: removed at the end */
	struct strv built_files; /* what tells whether the artifact is as the builder left it */
	char *start_key;
	struct int64_list ran;
	bool can; /* keep states: until it fails once */
	bool told_wait;
	bool spoiled; /* what was made differs from what its key says */
	bool tainted; /* the machine's memory may hold a secret of a step */
};

static inline struct store *store_of(const struct keep *k)
{
	return k->policy.store;
}

static inline size_t state_count(const struct keep *k)
{
	return k->reuse.len;
}

/* What it starts from, and its claims. */
void keep_let_go(struct keep *k);
/* If it is to be had; else somebody makes it, too. */
void keep_claim_quietly(struct keep *k, const struct step_key *key);
/* A key that nobody else has; heap. */
char *keep_own_key(const struct build_run *run, size_t state);
