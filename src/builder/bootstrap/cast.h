/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the source type: the state that its steps share. cast_tree()
 * makes the machine's files, cast_disk() a disk of them; between the two there
 * is a file tree that later work may change.
 */
#pragma once

#include "builder/bootstrap/archive.h"
#include "builder/bootstrap/argv.h"

struct cast {
	const struct bootstrap *config;
	struct build_ctx *ctx; /* of the call that is running */
	struct cast_paths paths;
	char *stage;
	char *home, *tree; /* a directory that only we may enter, the tree in it */
	char *work, *disk; /* beside the output directory; renamed into its place */
	struct archive_state archive;
	int64_t epoch;
	struct disk_ids ids;
	struct layout layout;
	uint64_t home_id, work_id; /* in the journal */
	bool published;            /* the output directory is ours */
};

struct cast *cast_new(const struct bootstrap *b, struct build_ctx *ctx);
void cast_free(struct cast *c); /* memory only */
DEFINE_AUTO(cast, struct cast *, cast_free);

/* The archive's state, the date and all identifiers. */
MUST_CHECK int cast_plan(struct cast *c, struct error **err);
MUST_CHECK int cast_tree(struct cast *c, struct error **err);
/* The raw disk in c->work. */
MUST_CHECK int cast_disk(struct cast *c, struct error **err);
/* Converts, and puts the finished directory into its place. */
MUST_CHECK int cast_publish(struct cast *c, struct error **err);
/* Removes what is not the finished output; idempotent. */
MUST_CHECK int cast_clean(struct cast *c, struct error **err);
