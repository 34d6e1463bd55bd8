/* SPDX-License-Identifier: Apache-2.0 */
/* What keep.c (which states are kept) and keep_start.c (where a build begins) and
 * keep_late.c (completing them beside the machine) share; theirs only. */
#pragma once

#include "core/keep.h"
#include "core/reuse.h"

#include <pthread.h>

/* A state that is being completed; while its thread runs, all but `thread` and `end_fd` are that one's. */
struct late_state {
	struct checkpoint cp;
	struct store *store;
	struct store_stage stage;
	struct json_t *meta;
	char *key;
	bool is_passing;   /* a key that only this run can have */
	int claim_fd;      /* until it is published */
	const char *build; /* for the log */
	struct cancel *cancel;
	struct error *err; /* when it has ended: why not */
	pthread_t thread;
	int end_fd, done_fd; /* of a pipe: a byte when it is published; closed in any case */
	int before_fd;       /* end_fd of the one before; -1: that is published already */
};
VEC_DECLARE(late_list, struct late_state *);
enum { LATE_MAX = 2 };

struct keep {
	struct key_maker maker;
	struct reuse_policy policy;
	struct reuse reuse;
	struct history *history;
	struct store_entry *entry; /* what we start from; held to the end */
	struct checkpoint from;
	int claim_fd;          /* of the state being made */
	int artifact_fd;       /* claim of the artifact: one build at a time makes it */
	struct step_key next;  /* of that state; as it was when the step began */
	struct late_list late; /* oldest first */
	char *last;          /* key of the last state that is kept or being completed; NULL: none */
	char *kept;          /* of the last one that is complete */
	struct strv passing; /* keys that only this run can have */
	struct strv useless; /* keys of what was kept and did not work: removed at the end */
	struct strv built_files; /* what tells whether the artifact is as the builder left it */
	char *start_key;
	struct int64_list ran;
	bool memory_failed; /* of what we start from: it did not go on, and its disk is booted */
	bool can;           /* keep states: until it fails once */
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

/* Mark of a kept state: its disk is booted, its memory does not go on. */
#define KEEP_BOOT_ONLY "boot-only"

/* What it starts from, and its claims. */
void keep_let_go(struct keep *k);
/* If it is to be had; else somebody makes it, too. */
void keep_claim_quietly(struct keep *k, const struct step_key *key);
/* Completes it on a thread of its own; taken, but for an error. */
MUST_CHECK int keep_late_add(struct build_run *run, struct late_state *s, struct error **err);
/* Until at most `left` are being completed. */
void keep_late_wait(struct build_run *run, size_t left);
/* One warning, and no more are kept. */
void keep_late_failed(struct build_run *run, struct error **err);
void keep_late_free(struct late_state *s, struct build_ctx *ctx);
/* A key that nobody else has; heap. */
char *keep_own_key(const struct build_run *run, size_t state);
