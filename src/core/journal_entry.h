/* SPDX-License-Identifier: Apache-2.0 */
/* What a journal file holds, shared by its writer and by recovery. */
#pragma once

#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JOURNAL_ENV "INGOT_JOURNAL"

struct journal_entry {
	uint64_t id;
	char *path;    /* or … */
	char *process; /* … what is started */
	pid_t pid;     /* 0: not known to have started */
	uint64_t start;
	bool done;
};
VEC_DECLARE(journal_entries, struct journal_entry);
void journal_entries_release(struct journal_entries *entries);

/*
 * Whether recovery may remove this path, whoever wrote it into a journal: never a part of the
 * system, a top directory, or what holds the records of runs (and so never HOME). Only text.
 */
bool journal_may_remove(const char *path, const char *state_dir);
