/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Vagrant box: what is in it, and the file. Its members are files of others,
 * which go into it from where they are, and texts; in the box they lie side
 * by side in the order of their names.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"
#include "core/component.h"

struct box_member {
	char *name;
	char *path; /* NULL: a text */
	char *text;
	char *source; /* what people know it as, for messages */
};
VEC_DECLARE(box_members, struct box_member);

struct box {
	struct box_members members;
};
void box_release(struct box *b);
bool box_has(const struct box *b, const char *name);
/* An error if there is one of that name. */
MUST_CHECK int box_add_file(struct box *b, const char *name, const char *path, struct error **err);
MUST_CHECK int box_add_text(struct box *b, const char *name, const char *text, const char *source,
			    struct error **err);

/* Writes beside `target` and renames; `level` 0: not compressed. Nothing is left on failure. */
struct box_file {
	struct build_ctx *ctx;
	const char *target;
	int level;
	char *part;
	int fd;
	uint64_t journal_id;
};
/* Makes the file, and tries whether a box can be written there. */
MUST_CHECK int box_file_open(struct box_file *f, struct error **err);
MUST_CHECK int box_file_write(struct box_file *f, struct box *b, struct error **err);
void box_file_close(struct box_file *f); /* removes what was not finished */
