/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of runs that are there (core/record.h says what one is): listing,
 * reading, removing. A record whose events are locked belongs to a run in
 * progress and is never removed. Names begin with the time, so a list of names
 * is in order.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORDS_DIR     "records"
#define RECORD_EVENTS   "events.jsonl"
#define RECORD_RUN      "run.json"
#define RECORD_EVIDENCE "evidence"

struct record_entry {
	char *dir;
	const char *id; /* the run's UUID, at the end of dir */
};
VEC_DECLARE(record_list, struct record_entry);

/* Newest first; none at all is fine. */
MUST_CHECK int records_list(const char *state_dir, struct record_list *ret, struct error **err);
int64_t record_wall(const struct record_entry *entry); /* when the run started, ns */
void record_list_release(struct record_list *list);
static inline void auto_record_list(struct record_list *list)
{
	record_list_release(list);
}
/* By the beginning of its id, which must be the only such one. */
MUST_CHECK int records_find(const struct record_list *list, const char *id,
			    const struct record_entry **ret, struct error **err);

/*
 * As run.json has it, with `result` and `seconds` also of a run in progress
 * ("running") or one that was killed ("interrupted"). `whole`: with builds,
 * errors, the folder as `record` and, in builds, paths as `evidence`. Owned.
 */
struct json_t *record_read(const struct record_entry *entry, bool whole);

/* ERROR_EXISTS: the run is in progress. */
MUST_CHECK int record_remove(const struct record_entry *entry, struct error **err);

#define RECORDS_BYTES_MAX INT64_C(209715200) /* 200 MiB */
/*
 * Removes the oldest ones until there are at most `keep`, of at most max_bytes
 * in all (INT64_MAX: not looked at).
 */
MUST_CHECK int records_prune(const char *state_dir, int64_t keep, int64_t max_bytes,
			     int *ret_removed, struct error **err);

/* The folder below an evidence directory that is the build's; heap. */
char *record_build_dir(const char *evidence_dir, const char *build_name);
