/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that goes into an archive, as large as it was when it was opened: one
 * that grows or shrinks meanwhile is somebody's who is not ready with it, and
 * that is an error. Holes are not read.
 */
#pragma once

#include "base/error.h"
#include "pack/encoder.h"

#include <stdint.h>
#include <sys/types.h>

struct file_content {
	int fd; /* -1: not open */
	const char *path;
	int64_t size;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int64_t mtime;
};
#define CONTENT_INIT                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Only regular files; never waits for one. `path` is borrowed as long as it is open. */
MUST_CHECK int content_open(struct file_content *c, const char *path, struct error **err);
void auto_file_content(struct file_content *c); /* closes it */

typedef void (*content_progress_fn)(void *data, int64_t bytes); /* further ones */
MUST_CHECK int content_copy(const struct file_content *c, struct encoder *to,
			    content_progress_fn progress, void *data, struct error **err);
