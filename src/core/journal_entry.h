/* SPDX-License-Identifier: Apache-2.0 */
/* What a journal file holds, shared by its writer and by recovery. */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JOURNAL_ENV "INGOT_JOURNAL"

struct journal_entry {
	uint64_t id;
	char *path;      /* or … */
	char *process;   /* … what is started, or … */
	char *container; /* … its name, */
	char *tool;      /* the program that has it, */
	struct strv env; /* and the variables that say where */
	pid_t pid;       /* 0: not known to have started */
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

/* The same for a container: a name that was made for it, a program that makes containers. */
bool journal_may_remove_container(const char *tool, const char *name);
/* The variables that say which daemon is meant, and where its files are. */
bool journal_is_container_variable(const char *assignment);
/* *ret_found: it was there. */
MUST_CHECK int journal_remove_container(const struct journal_entry *e, bool *ret_found,
					struct error **err);
