/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that a `build` run leaves for people, STATE/records/TIME-UUID/
 * (docs/internals/records.md):
 *   events.jsonl  every event, as -json prints it; locked while the run lives
 *   run.json      what was run, and at its end how it went
 *   evidence/     what failed builds left to look at
 * It is written by the thread that renders events and never stands in the way
 * of the run: after the first failure nothing more is written, and
 * record_take_error() tells why, once. A NULL record is fine everywhere.
 */
#pragma once

#include "base/error.h"
#include "core/engine.h"
#include "core/event.h"

enum run_outcome { RUN_SUCCEEDED, RUN_FAILED, RUN_CANCELLED, RUN_OUTCOME_COUNT };

struct record;

/* `wall`: when the run started, ns. */
MUST_CHECK int record_open(const char *state_dir, const char *run_uuid, int64_t wall,
			   struct record **ret, struct error **err);
/* The run lives no longer: without record_end() it counts as interrupted. */
void record_close(struct record *r);
DEFINE_AUTO(record, struct record *, record_close);

/* Where builds put what explains their failure; not made yet. Borrowed; NULL of NULL. */
const char *record_evidence_dir(const struct record *r);

/* The texts are without secrets. */
struct record_facts {
	const char *version;
	const char *template_path; /* absolute, or "-" */
	const char *directory;     /* the run's */
	char *const *arguments;    /* after "build", NULL-terminated */
};
void record_facts(struct record *r, const struct record_facts *facts);

void record_event(struct record *r, const struct event *ev); /* written with the next flush */
void record_flush(struct record *r);
/* What the events do not say: artifacts, hints; and the order of the builds. */
void record_results(struct record *r, const struct build_result *results, size_t n,
		    struct redactor *redactor);
void record_end(struct record *r, enum run_outcome outcome);

/* Why the record is not complete, or NULL; owned by the caller. */
struct error *record_take_error(struct record *r);
