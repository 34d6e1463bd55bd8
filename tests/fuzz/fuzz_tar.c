/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as the tar stream of a download. Whatever it says, nothing is
 * written outside the one folder, and in pieces it means the same as at once.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "comm/docker/tar_in.h"
#include "os/fd.h"
#include "os/fs.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool unpack(const char *dir, const uint8_t *data, size_t size, size_t piece)
{
	AUTO_FREE char *tree = path_join(dir, "tree");
	AUTO(error) struct error *err = NULL, *failed = NULL;

	if (fs_mkdir_all(tree, 0700, &err) < 0)
		abort();

	AUTO_CLOSE int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(tar_in) struct tar_in *t = tar_in_tree(fd);
	int r = 0;

	for (size_t i = 0; r == 0 && i < size; i += piece)
		r = tar_in_feed(t, data + i, MIN(piece, size - i), &failed);
	if (r == 0)
		r = tar_in_end(t, &failed);
	if ((r < 0) != (failed != NULL))
		abort();
	if (fs_remove_tree(tree, &err) < 0)
		abort();
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *dir = NULL;

	if (size > 64 * 1024)
		return 0;
	if (fs_temp_dir("/tmp", "fuzz-tar-", &dir, &err) < 0)
		abort();
	if (unpack(dir, data, size, 509) != unpack(dir, data, size, 1 << 20))
		abort();
	if (fs_list(dir, &names, &err) < 0 || names.len)
		abort();
	if (fs_remove_tree(dir, &err) < 0)
		abort();
	return 0;
}
