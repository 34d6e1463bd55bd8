/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this folder share: a temporary directory with a journal,
 * and whether the real programs are there. Include after cmocka.h.
 */
#pragma once

#include "base/alloc.h"
#include "base/path.h"
#include "core/journal.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/proc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

extern char **environ;

struct lab {
	char *dir;
	struct journal *journal;
	struct strv open; /* scratch of lab_check_clean() */
};

static inline void lab_open(struct lab *lab)
{
	AUTO(error) struct error *err = NULL;
	const char *tmp = getenv("TMPDIR");

	*lab = (struct lab){ .open = STRV_INIT };
	if (fs_temp_dir(tmp ? tmp : "/tmp", "ingot-lab", &lab->dir, &err) < 0 ||
	    journal_open(lab->dir, "test", &lab->journal, &err) < 0)
		fail_msg("%s", err->message);
}

/* Nothing was left behind: the journal has no open entries. */
static inline void lab_close(struct lab *lab)
{
	AUTO(error) struct error *err = NULL;

	journal_describe_open(lab->journal, &lab->open);
	if (lab->open.len)
		fail_msg("left behind: %s", lab->open.v[0]);
	strv_release(&lab->open);
	journal_close(lab->journal);
	if (fs_remove_tree(lab->dir, &err) < 0)
		fail_msg("%s", err->message);
	free(lab->dir);
}

static inline bool lab_has(const char *program)
{
	AUTO_FREE char *path = NULL;
	AUTO(error) struct error *err = NULL;

	return proc_find(program, &path, &err) == 0;
}

/* A file below the directory; mode 0755 makes it a program. Heap path. */
static inline char *lab_file(const struct lab *lab, const char *name, const char *text, mode_t mode)
{
	char *path = path_join(lab->dir, name);
	AUTO(error) struct error *err = NULL;

	if (fs_write(path, text, strlen(text), mode, &err) < 0)
		fail_msg("%s", err->message);
	return path;
}
