/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build would do, step by step, why, and how long it takes: reuse.h held against history.h.
 * Only looks. `plan` prints it; no text of it holds a secret.
 */
#pragma once

#include "base/vec.h"
#include "core/history.h"
#include "core/plan.h"
#include "core/reuse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum preview_action {
	PREVIEW_RUN,
	PREVIEW_SHARE, /* runs once, for another build as well, which comes first */
	PREVIEW_REUSE, /* the machine goes on from a kept state behind it */
	PREVIEW_DONE,  /* up to date: what was made of it is there */
	PREVIEW_ACTION_COUNT
};
extern const char *const preview_action_names[]; /* "run", "share", "reuse", "up-to-date" */

/* Why it runs; a row that does not has CAUSE_NONE. */
enum preview_cause {
	CAUSE_NONE,
	CAUSE_CHANGE,    /* preview_step.change says what */
	CAUSE_ASKED,     /* -from, -refresh, -force */
	CAUSE_EXPIRED,   /* it ran too long ago */
	CAUSE_NEVER,     /* cannot be reused: see preview_step.never */
	CAUSE_BEFORE,    /* something before it runs */
	CAUSE_NOT_KEPT,  /* nothing is another, but there is no kept state */
	CAUSE_NO_STATES, /* the builder's machines cannot be kept */
	CAUSE_ARTIFACT,  /* what it left is gone or was altered */
	CAUSE_TOGETHER,  /* post-processors run all or none */
	CAUSE_OFF,       /* steps are not reused in this run */
	PREVIEW_CAUSE_COUNT
};

struct preview_step {
	enum history_kind kind;
	size_t number;    /* as -from takes it; of post-processors through all chains; else 0 */
	const char *type; /* borrowed from the plan */
	char *name;       /* NULL: none */
	enum preview_action action;
	enum preview_cause cause;
	struct history_change change;
	char *reason;     /* for people; NULL: there is none */
	const char *with; /* PREVIEW_SHARE: the build that runs it; borrowed */
	char *never;      /* why the state after it is not reused; NULL: it may be */
	char *key;        /* hex; NULL: unknown */
	int64_t ran;      /* of what is kept of it: wall, ns; 0: nothing is, or unknown */
	int64_t duration; /* ns, as before; -1: unknown */
};
VEC_DECLARE(preview_steps, struct preview_step);

struct preview_build {
	const char *name; /* borrowed */
	struct preview_steps steps;
	bool done;        /* nothing runs */
	bool built;       /* only post-processors do */
	size_t begin;     /* steps[begin] is the first that runs */
	char *problem;    /* why nothing can be reused; NULL: nothing is wrong */
	int64_t made;     /* the state or the artifact that it goes on from: wall, ns; 0: none */
	int64_t duration; /* of all that runs, as far as it is known; ns */
	bool is_guess;    /* of something that runs it is not */
};

struct preview {
	struct preview_build *builds;
	size_t len;
};

struct preview_options {
	struct reuse_policy policy;
	const char *template_path;   /* absolute */
	const char *off;             /* why nothing is reused, in words; NULL: it is */
	const struct build_ctx *ctx; /* for keys; info is set here */
};

/* ERROR_INVALID: -from cannot be had. Other failures are the problem of their build. */
MUST_CHECK int preview_make(const struct plan *p, const struct preview_options *opts,
			    struct preview *ret, struct error **err);
void preview_release(struct preview *p);
static inline void auto_preview(struct preview *p)
{
	preview_release(p);
}
