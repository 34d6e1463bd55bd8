/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finished build left, STATE/outcomes/NAME.json, so that the same build need not be made
 * again: its artifacts, and what tells whether their files are as they were. Written whole at the
 * end of a build; without secrets among the values of the build.
 */
#pragma once

#include "core/artifact.h"

#include <stdbool.h>
#include <stdint.h>

struct int64_list {
	int64_t *v;
	size_t len;
};

struct outcome {
	/* outcome_snapshot() of the builder's artifact as the builder left it; when saving; borrowed */
	const struct strv *built_files;
	char *final;              /* key that covers the post-processors */
	struct int64_list ran;    /* wall, ns: when the start and each provisioner ran */
	struct artifact *built;   /* the builder's, if it is there and unaltered; else NULL */
	struct artifact_list all; /* what the build told */
	bool intact;              /* all of them are there and unaltered */
};
void outcome_free(struct outcome *o);
DEFINE_AUTO(outcome, struct outcome *, outcome_free);

/* What tells later whether the files are as they are now. */
MUST_CHECK int outcome_snapshot(const struct artifact *a, struct strv *ret, struct error **err);
struct outcome_place {
	const char *state_dir, *cwd;
};
/* Of an artifact without files only who made it can tell whether it is there, and make it whole. */
struct outcome_judge {
	bool (*is_there)(void *data, struct artifact *a);
	void *data;
};
/* `key`: of the builder's artifact. Relative names count from the directory of the process, as
 * they did when they were kept. ERROR_NOT_FOUND: there is none, or none that can be read. */
MUST_CHECK int outcome_load(const struct outcome_place *place, const char *key,
			    const struct outcome_judge *judge, struct outcome **ret,
			    struct error **err);
/* Did a finished build leave its artifact in this directory? A no is certain. */
bool outcome_was_at(const char *state_dir, const char *cwd, const char *dir);
/* As history_prune(). */
MUST_CHECK int outcome_prune(const char *state_dir, int64_t before, int *ret_removed,
			     struct error **err);
MUST_CHECK int outcome_save(const char *state_dir, const char *key, const char *cwd,
			    const struct outcome *o, struct error **err);
