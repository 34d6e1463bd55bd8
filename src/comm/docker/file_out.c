/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/file_out.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int run_to(const struct docker_client *client, const struct strv *argv, const char *path,
		  struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	const struct docker_call call = { .client = client, .argv = argv, .out_fd = fd };

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", path);
	if (docker_run(&call, err) == 0)
		return 0;
	/* full is where we write, not where the tool keeps its images: one more byte tells */
	if (strstr((*err)->message, "no space left on device") && write(fd, "", 1) < 0 &&
	    errno == ENOSPC) {
		AUTO_FREE char *dir = path_dirname(path);

		error_free(TAKE(*err));
		error_set(err, ERROR_IO, "no space left on device");
		return error_hint(err, "make room in '%s'", dir);
	}
	return -1;
}

int docker_write_file(const struct docker_client *client, const struct strv *argv, const char *path,
		      struct error **err)
{
	struct journal *journal = client->ctx->journal;
	AUTO_FREE char *full = path_absolute(client->ctx->cwd, path);
	AUTO_FREE char *dir = path_dirname(full);
	AUTO_FREE char *part = xasprintf("%s.ingot-part", full);
	AUTO(error) struct error *e = NULL;
	uint64_t id;

	if (fs_mkdir_all(dir, 0755, err) < 0 || journal_path(journal, part, &id, err) < 0)
		return -1;

	int r = run_to(client, argv, part, err);

	if (r == 0)
		r = fs_rename(part, full, err);
	if (r < 0 && fs_remove(part, &e) < 0)
		ui_error(client->ctx->ui, "warning: %s", e->message);
	else
		journal_done(journal, id);
	return r;
}
