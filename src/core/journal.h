/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead record of what a run creates outside its own memory. Before
 * anything is created its intent is written; its identity right after; when it
 * is gone (or handed to the user) it is done. A later process can finish the
 * cleaning from the file alone (journal_recover(), `ingot gc`).
 *
 * The file STATE/runs/ID/journal is one JSON object per line, append-only, and
 * is held under an exclusive flock while its run lives: a journal that can be
 * locked belongs to a dead run. Thread-safe (mutex inside; a line is one
 * write(2)).
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct journal;

MUST_CHECK int journal_open(const char *state_dir, const char *run_id, struct journal **ret,
			    struct error **err);
/* Removes the file if everything is done; otherwise leaves it for gc. */
void journal_close(struct journal *j);
DEFINE_AUTO(journal, struct journal *, journal_close);
/* Its build is over: removes the file where close() would. Nothing may be added any more. NULL is fine. */
void journal_rest(struct journal *j);
const char *journal_run_id(const struct journal *j);

/* A file or tree that is ours until journal_done(): gc removes it. `path` is absolute. */
MUST_CHECK int journal_path(struct journal *j, const char *path, uint64_t *ret_id,
			    struct error **err);
/*
 * A process about to be started: adds INGOT_JOURNAL=RUN/ID to `env` (a copy of
 * the child's whole environment), by which gc finds it even if we die before
 * journal_started(). gc kills the process group.
 */
MUST_CHECK int journal_process(struct journal *j, const char *what, struct strv *env,
			       uint64_t *ret_id, struct error **err);
MUST_CHECK int journal_started(struct journal *j, uint64_t id, pid_t pid, struct error **err);
/*
 * A container about to be made by the command line `tool` (docker, podman), with the name by which it
 * will be known; `env` is where the tool finds its daemon. gc removes it, running or not, and the
 * volumes that nobody gave a name.
 */
MUST_CHECK int journal_container(struct journal *j, const char *tool, const char *name,
				 char *const *env, uint64_t *ret_id, struct error **err);
void journal_done(struct journal *j, uint64_t id); /* id 0 is fine */

/* Nothing of this run is to be cleaned by gc: -on-error=abort left it to the user. */
void journal_keep(struct journal *j);

/* What is still open, for the list after a second interrupt: "process 123 (qemu), remove with kill 123". */
void journal_describe_open(struct journal *j, struct strv *ret);

/* Finishes the cleaning of dead runs below state_dir. `report` is called per thing removed. */
typedef void (*journal_report_fn)(void *data, const char *run_id, const char *what, bool ok);
MUST_CHECK int journal_recover(const char *state_dir, journal_report_fn report, void *data,
			       int *ret_removed, struct error **err);
