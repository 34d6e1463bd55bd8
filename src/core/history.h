/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last runs of a build were made of and how long they took, so that `plan` can say why a
 * step runs and how long that takes. STATE/history/ has one small file per template and build; it
 * holds digests and names of what takes part in step keys (core/key.h), no texts and no secrets.
 * Losing it costs explanations, never a build: a file that cannot be read is an empty one.
 *
 * The engine: load, note the key of every step, note how each ended, save. `plan`: load, note the
 * keys, ask. Used by one thread.
 */
#pragma once

#include "core/key.h"
#include "core/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The places of a build. Only provisioners and post-processors have an index: theirs in
 * plan_build.steps, and through all chains in order. */
enum history_kind {
	HISTORY_START,
	HISTORY_CONNECT,
	HISTORY_STEP,
	HISTORY_FINISH,
	HISTORY_POST,
	HISTORY_KIND_COUNT
};

enum history_outcome {
	HISTORY_NOT_RUN, /* not reached, or interrupted: what was known of it stays */
	HISTORY_DONE,
	HISTORY_REUSED,
	HISTORY_FAILED
};

struct history;

/* Never NULL. `template_path`: absolute. `b` is one of the plan's; both are borrowed. */
struct history *history_load(const char *state_dir, const char *template_path, const struct plan *p,
			     const struct plan_build *b);
void history_free(struct history *h);
DEFINE_AUTO(history, struct history *, history_free);

/* What decides it this time; replaces what was noted before. */
void history_note_key(struct history *h, enum history_kind kind, size_t i,
		      const struct step_key *key);
/* `duration`: ns. */
void history_note_end(struct history *h, enum history_kind kind, size_t i,
		      enum history_outcome outcome, int64_t duration);
/* Puts this run in the place of the last one. */
MUST_CHECK int history_save(struct history *h, struct error **err);

/* ---- asking --------------------------------------------------------------------------- */

/* Of its last runs that went well, the median; ns. -1: it never ran. */
int64_t history_duration(struct history *h, enum history_kind kind, size_t i);
/* When it ran last; wall, ns. 0: never. */
int64_t history_ran(struct history *h, enum history_kind kind, size_t i);

enum history_change_kind {
	CHANGE_NONE,    /* as in the last run, or nothing is known */
	CHANGE_NOT_RUN, /* no run came that far yet */
	CHANGE_NEW,     /* a step that was not there */
	CHANGE_MOVED,   /* it was, elsewhere */
	CHANGE_INPUT,   /* something that takes part is another */
	CHANGE_FAILED,  /* it is as it was when it failed */
	CHANGE_BEFORE,  /* something before it is another: at cause_kind, cause_index */
	CHANGE_REMOVED, /* a step before it is gone */
	CHANGE_PROGRAM, /* another version of this program made the last key */
	CHANGE_KIND_COUNT
};
extern const char *const history_change_names[]; /* "none", "not-run", …; by the enum */

struct history_change {
	enum history_change_kind kind;
	char *text;  /* "script harden.sh changed: line 12"; NULL: CHANGE_NONE */
	size_t line; /* the first that differs; 0: unknown */
	enum history_kind cause_kind;
	size_t cause_index;
};
/* Why its key is not that of the last run. */
void history_explain(struct history *h, enum history_kind kind, size_t i,
		     struct history_change *ret);
void history_change_release(struct history_change *c);
static inline void auto_history_change(struct history_change *c)
{
	history_change_release(c);
}

/* ---- all of them ------------------------------------------------------------------------ */

enum { HISTORY_FILES_MAX = 1000, HISTORY_DAYS_MAX = 90 };
/* Removes files that were written before `before` (wall, ns), then the oldest beyond `max`. */
MUST_CHECK int history_prune(const char *state_dir, int64_t before, size_t max, int *ret_removed,
			     struct error **err);
