/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/store_internal.h"
#include "os/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512 }; /* of st_blocks, everywhere */

int64_t bytes_of_file(int folder, const char *name)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return (int64_t)st.st_blocks * BLOCK + (store_is_away(name) ? away_bytes(folder, name) : 0);
}

int64_t bytes_of_folder(int folder, int depth)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	int64_t total = 0;
	struct dirent *e;

	if (!d) {
		fd_close(copy);
		return 0;
	}
	while ((e = readdir(d))) {
		AUTO_CLOSE int below = -1;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		total += bytes_of_file(folder, e->d_name);
		if (depth > 0)
			below = openat(folder, e->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			total += bytes_of_folder(below, depth - 1);
	}
	closedir(d);
	return total;
}
