/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar stream of local files, made while somebody reads it: nothing of it is
 * ever on a disk or whole in memory. GNU's format, which Docker, Podman and
 * every tar read: names of any length, files of any size.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tar_out;

struct tar_out_options {
	bool keep_owner; /* else everything belongs to: */
	uint32_t uid, gid;
	void (*progress)(void *data, int64_t done,
			 int64_t total); /* of the files' bytes; or NULL */
	void *progress_data;
};
struct tar_out *tar_out_new(const struct tar_out_options *options);
void tar_out_free(struct tar_out *t);
DEFINE_AUTO(tar_out, struct tar_out *, tar_out_free);

/* `name` in the archive; mode 0: the file's own. */
MUST_CHECK int tar_out_file(struct tar_out *t, const char *name, const char *path, mode_t mode,
			    struct error **err);
/* The bytes are borrowed until the stream is read. */
void tar_out_data(struct tar_out *t, const char *name, const void *data, size_t len, mode_t mode);
/* The directory `path` as `name`; NULL: only what is in it. Links stay links; sockets and the like
 * are left out. */
MUST_CHECK int tar_out_tree(struct tar_out *t, const char *name, const char *path,
			    struct error **err);

/* For proc_more_fn: the next bytes, 0 at the end. */
ssize_t tar_out_read(void *t, void *buf, size_t len, struct error **err);
