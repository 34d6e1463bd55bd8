/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that appear together or not at all: each is written beside its final name, all are renamed in the
 * end. What is not renamed is removed, also by a later run when this one was killed.
 */
#pragma once

#include "core/component.h"

struct output_file {
	char *path; /* as the template names it */
	char *full; /* absolute */
	char *part; /* where it is written */
	uint64_t journal_id;
	bool placed;
};

/* A place that never moves: others point to them. */
struct outputs {
	struct build_ctx *ctx;
	struct output_file **items;
	size_t len, cap;
	struct strv dirs; /* made for them */
	bool kept;
};

void outputs_init(struct outputs *o, struct build_ctx *ctx);
/* Removes all that was not kept. */
void outputs_release(struct outputs *o);
static inline void auto_outputs(struct outputs *o)
{
	outputs_release(o);
}

/* Fails when it is a file of the artifact, or named twice. One that is there will be replaced, as other
 * post-processors do. Nothing is made yet. */
MUST_CHECK int outputs_add(struct outputs *o, const char *path, const struct artifact *input,
			   struct output_file **ret, struct error **err);
/* Its folder, and a note for the next run; what was left at `part` goes. */
MUST_CHECK int outputs_prepare(struct outputs *o, struct output_file *f, struct error **err);
/* Renames all of them. */
MUST_CHECK int outputs_place(struct outputs *o, struct error **err);
