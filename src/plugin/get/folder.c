/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/folder.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "plugin/binary.h"

#include <stdlib.h>
#include <string.h>

enum { FOLDER_MODE = 0777, SUM_MODE = 0644, LOCK_MINUTES = 30 };
#define LOCK_NAME   ".ingot.lock"
#define TEMP_PREFIX ".ingot-get-"

static int remove_old_temps(const char *path, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *old = path_join(path, names.v[i]);

		if (text_starts_with(names.v[i], TEMP_PREFIX) && fs_remove_tree(old, err) < 0)
			return -1;
	}
	return 0;
}

int plugin_folder_open(struct plugin_folder *f, const char *path, struct cancel *c,
		       struct error **err)
{
	int64_t deadline = clock_deadline(LOCK_MINUTES * 60 * NSEC_PER_SEC);

	f->path = xstrdup(path);
	f->lock_path = path_join(path, LOCK_NAME);
	if (fs_mkdir_all(path, FOLDER_MODE, err) < 0 ||
	    lock_acquire(f->lock_path, deadline, c, &f->lock_fd, err) < 0 ||
	    remove_old_temps(path, err) < 0)
		return -1;
	return fs_temp_dir(path, TEMP_PREFIX, &f->temp, err);
}

void plugin_folder_release(struct plugin_folder *f)
{
	AUTO(error) struct error *e = NULL;

	if (f->temp && fs_remove_tree(f->temp, &e) < 0)
		error_ignore(&e, "the next one removes it");
	/* Whoever waits for the lock notices that it is another file now. */
	if (f->lock_fd >= 0 && fs_remove(f->lock_path, &e) < 0)
		error_ignore(&e, "an empty file stays behind");
	fd_close(fd_take(&f->lock_fd));
	free(TAKE(f->path));
	free(TAKE(f->temp));
	free(TAKE(f->lock_path));
}

int plugin_folder_has(const struct plugin_folder *f, const char *binary, struct cancel *c,
		      char **ret_digest, struct error **err)
{
	AUTO_FREE char *path = path_join(f->path, binary);
	AUTO_FREE char *want = NULL, *got = NULL;
	AUTO(error) struct error *e = NULL;

	*ret_digest = NULL;
	if (!fs_exists(path))
		return 0;
	if (plugin_sum_read(path, &want, &e) < 0) {
		error_ignore(&e, "a binary without a checksum does not count");
		return 0;
	}
	if (fs_digest(path, DIGEST_SHA256, c, &got, err) < 0)
		return -1;
	if (text_eq(want, got))
		*ret_digest = TAKE(got);
	return 0;
}

int plugin_folder_put(const struct plugin_folder *f, const char *temp_file, const char *name,
		      const char *digest, char **ret_path, struct error **err)
{
	AUTO_FREE char *path = path_join(f->path, name);
	AUTO_FREE char *sum = xasprintf("%s" PLUGIN_SUM_SUFFIX, path);

	if (fs_rename(temp_file, path, err) < 0 ||
	    fs_write_atomic(sum, digest, strlen(digest), SUM_MODE, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}
