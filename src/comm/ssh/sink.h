/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a download goes. A single file is written in place (a failed download
 * leaves what came: provisioners.md 5); names inside a downloaded tree come
 * from the other side and may not lead out of it.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct download_sink {
	const char *path; /* borrowed */
	int fd;
};

/* Creates (0644) or truncates. */
MUST_CHECK int download_sink_open(struct download_sink *s, const char *path, mode_t mode,
				  struct error **err);
MUST_CHECK int download_sink_write(struct download_sink *s, const void *data, size_t len,
				   struct error **err);
MUST_CHECK int download_sink_write_at(struct download_sink *s, int64_t at, const void *data,
				      size_t len, struct error **err);
MUST_CHECK int download_sink_close(struct download_sink *s, struct error **err);

/* dir/name, heap; ERROR_INVALID for a name with a slash, "", "." or "..". */
char *download_entry_path(const char *dir, const char *name, struct error **err);
/* Creates a directory unless it exists; mode is widened so that we can write in it. */
MUST_CHECK int download_make_dir(const char *path, mode_t mode, struct error **err);
