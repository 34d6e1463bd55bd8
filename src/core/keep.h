/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running build's side of reuse (core/reuse.h is the looking): which kept state it starts
 * from, which states it keeps, and what stays for the next run. Internal to core/. All of it is
 * best effort: what cannot be kept or resumed costs time, never the build.
 *
 * Who makes a state holds its claim in the store; others that want the same wait for it and go on
 * from there. A build claims the next state before it publishes the one it has made, so that
 * builds with a common prefix make it once. It waits only while it holds nothing itself.
 */
#pragma once

#include "core/run.h"

struct keep;

enum keep_start {
	KEEP_RUN,  /* from keep_from(), or from nothing */
	KEEP_POST, /* run->built is there: only the post-processors run */
	KEEP_DONE, /* run->artifacts are there */
};

/* Sets run->keep, or leaves it NULL where nothing can be kept: that is fine for all that follows. */
MUST_CHECK int keep_begin(struct build_run *run, enum keep_start *ret, struct error **err);
/* NULL: from nothing. */
struct checkpoint *keep_from(struct build_run *run);
/*
 * After a failed start, connect or resume: is there another way? Says so, and *err is dropped; the
 * caller starts again with keep_from().
 */
bool keep_step_back(struct build_run *run, bool started, struct error **err);
/* The machine is connected. */
void keep_connected(struct build_run *run);
/* Provisioner i succeeded; `tolerated`: it did not, and the template says that it does not matter. */
void keep_step(struct build_run *run, size_t i, bool tolerated);
/* The step that run tells of has ended, after `took` ns. */
void keep_note(struct build_run *run, bool ok, int64_t took);
/* The build failed in provisioner i. */
void keep_failed(struct build_run *run, size_t i);
/* The builder has made run->built; what alters it later is somebody else's. */
void keep_built(struct build_run *run);
/* All is done: what it left is known to the next run. */
void keep_finished(struct build_run *run, struct artifact *built);
/* The machine is about to go: what is being kept of it is complete afterwards. */
void keep_settle(struct build_run *run);
void keep_end(struct build_run *run);
