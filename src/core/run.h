/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One build on its thread: machine, communicator, provisioners, artifact,
 * post-processors, and the clean-up whatever happens. Shared by the files
 * engine.c (threads), run.c (the loop), provision.c and postprocess.c.
 */
#pragma once

#include "base/vec.h"
#include "core/engine.h"
#include "core/history.h"
#include "core/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After a failure: clean up; leave the machine as it is; leave it after the
 * error-cleanup-provisioner ran. */
enum aftermath { AFTER_CLEAN, AFTER_LEAVE, AFTER_SWEEP };

struct build_run {
	const struct plan *plan;
	const struct plan_build *build;
	const struct engine_options *opts;
	struct ui ui;
	struct cancel *stop;    /* first interrupt; root of all waits of the build */
	struct cancel *abandon; /* second interrupt; root of all clean-up waits */
	struct journal *journal;
	char *temp_dir;
	uint64_t temp_dir_id;
	struct build_ctx ctx;
	struct machine *machine;
	struct comm *comm;
	struct artifact *built;  /* the builder's */
	struct value *generated; /* build.* values for provisioners; NULL before connect */
	int step, steps;         /* for "step 2 of 5" */
	int64_t step_started;
	const char *step_name;
	enum history_kind step_kind; /* which it is, and with step_index which of its kind */
	size_t step_index;
	size_t next_provisioner; /* the first that has not succeeded */
	struct keep *keep;       /* NULL: finished steps are neither kept nor reused */
	enum aftermath after;
	const char *failed_phase;
	bool told_skipping;
	bool is_left; /* the machine, to the user */
	struct build_result *result;
	struct artifact_list artifacts;
};

/* Runs it all; fills run->result. Never fails otherwise. */
void build_run(struct build_run *run);

void build_step_start(struct build_run *run, enum history_kind kind, size_t i, const char *name);
void build_step_end(struct build_run *run, bool ok);
/* Adds to the hint where in the template `what` stands that failed. */
void build_add_place(struct error **err, const char *what, const struct range *at);
/* Adds to the hint what the step printed last. */
void build_add_output(struct build_run *run, struct error **err);

/* on_error.c. Asks, if that is wanted, whether a phase that failed is tried again. If not,
 * run->after says how it goes on. */
bool build_failed(struct build_run *run, const char *phase, const struct error *e);
/* Says why the clean-up of a phase is skipped. */
void build_skip_cleanup(struct build_run *run, const char *phase, const struct error *e);
/* With -debug: until somebody presses enter. `where`: "after run of", "before cleanup of". */
void build_pause(struct build_run *run, const char *where, const char *phase);
MUST_CHECK int build_pause_before_provisioner(struct build_run *run, struct error **err);

/* provision.c: from the first provisioner that has not succeeded on */
MUST_CHECK int build_provision(struct build_run *run, struct error **err);
/* The error-cleanup-provisioner, if any; may replace *err (provisioners.md 2.3). */
void build_error_cleanup(struct build_run *run, struct error **err);
struct value *build_generated_values(struct build_run *run);

/* postprocess.c: takes the builder's artifact, fills run->artifacts. */
MUST_CHECK int build_postprocess(struct build_run *run, struct artifact *built, struct error **err);
