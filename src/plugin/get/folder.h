/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of one plugin while something is put in or taken out: locked, with
 * a place for half-made files in it that goes away on every way out. What a
 * killed process left there is removed by the next one.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

struct plugin_folder {
	char *path;
	char *temp; /* below `path`: renaming out of it is atomic */
	char *lock_path;
	int lock_fd;
};
#define PLUGIN_FOLDER_INIT                                                                         \
	{                                                                                          \
		.lock_fd = -1                                                                      \
	}

/* Makes it when it is not there. Waits for the lock. */
MUST_CHECK int plugin_folder_open(struct plugin_folder *f, const char *path, struct cancel *c,
				  struct error **err);
void plugin_folder_release(struct plugin_folder *f);
static inline void auto_plugin_folder(struct plugin_folder *f)
{
	plugin_folder_release(f);
}

/* Does `binary` have the checksum that the file beside it says? *ret_digest (heap) is NULL if not. */
MUST_CHECK int plugin_folder_has(const struct plugin_folder *f, const char *binary,
				 struct cancel *c, char **ret_digest, struct error **err);
/* Moves a finished file of f->temp to `name`, with its checksum file; *ret_path is heap. */
MUST_CHECK int plugin_folder_put(const struct plugin_folder *f, const char *temp_file,
				 const char *name, const char *digest, char **ret_path,
				 struct error **err);
