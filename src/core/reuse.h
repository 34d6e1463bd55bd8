/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a build need not be done again: its keys, held against the store of finished steps and
 * the outcomes of finished builds (docs/internals/reuse.md). Only looks: `build` and `plan` both
 * start here. States are counted from the start: state 0 is the machine before the first
 * provisioner, state i + 1 the one after provisioner i.
 */
#pragma once

#include "cache/store.h"
#include "core/key.h"
#include "core/outcome.h"

struct reuse_policy {
	struct store *store;        /* NULL: nothing is kept or reused */
	const char *from;           /* STEP to begin at: what is before must be there; NULL */
	const char *refresh;        /* STEP that runs again, with all after it; NULL */
	int64_t ttl;                /* ns */
	bool needs_artifact;        /* -force: finished artifacts are made again */
	const struct strv *useless; /* keys of kept states that do not work; NULL: none known */
};

struct reuse_state {
	struct step_key key;
	struct int64_list ran; /* of the kept state: when each step up to it ran (wall, ns) */
	struct strv layers;    /* of the kept state */
	bool kept;             /* the store has it, and it is fresh enough */
	bool lost;             /* the store has it, but who keeps its layers has not */
	char *why;             /* why it is not reused although its key is kept; NULL */
};

struct reuse {
	struct reuse_state *states; /* step_count + 1 */
	size_t len;
	size_t begin;  /* states before it need not be made; 0: nothing can be reused */
	bool is_asked; /* -from or -refresh means one of its steps */
	struct step_key artifact, final;
	struct step_key *posts; /* of each post-processor, through all chains */
	size_t post_count;
	struct outcome *outcome; /* NULL: none of this artifact */
	bool built;              /* the builder's artifact is there: only post-processors run */
	bool done;               /* all is there */
};
void reuse_release(struct reuse *r);
static inline void auto_reuse(struct reuse *r)
{
	reuse_release(r);
}

/* ERROR_INVALID: `from` cannot be had. */
MUST_CHECK int reuse_look(const struct key_maker *maker, const struct reuse_policy *policy,
			  struct reuse *ret, struct error **err);
/* The key of state `i` + 1. What follows a state that is not to be reused has none. */
MUST_CHECK int reuse_next_key(const struct key_maker *m, size_t i, const struct step_key *before,
			      struct step_key *ret, struct error **err);
/* Is it there now, and fresh enough, as reuse_state.kept? */
bool reuse_is_kept(const struct key_maker *m, const struct reuse_policy *p, size_t state,
		   const struct step_key *key);
/* Can its state, once made, be reused by a later run? */
bool reuse_is_keyed(const struct step_key *k);

/* The provisioner that STEP means: its number from 1, its name, or its type if only one has it.
 * ERROR_NOT_FOUND with those that there are. */
MUST_CHECK int reuse_find_step(const struct plan_build *b, const char *text, size_t *ret,
			       struct error **err);
/* "2 hours 3 minutes", "a moment": no more exact than people want it. */
void reuse_add_age(struct strbuf *sb, int64_t ns);
/* "shell install" */
char *reuse_step_name(const struct plan_build *b, size_t state); /* "start" for state 0; heap */
