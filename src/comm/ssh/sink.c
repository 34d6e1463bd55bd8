/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/sink.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int download_sink_open(struct download_sink *s, const char *path, mode_t mode, struct error **err)
{
	*s = (struct download_sink){ .path = path };
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (s->fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

int download_sink_write(struct download_sink *s, const void *data, size_t len, struct error **err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(s->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "cannot write '%s'", s->path);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int download_sink_write_at(struct download_sink *s, int64_t at, const void *data, size_t len,
			   struct error **err)
{
	if (lseek(s->fd, at, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", s->path);
	return download_sink_write(s, data, len, err);
}

int download_sink_close(struct download_sink *s, struct error **err)
{
	int fd = fd_take(&s->fd);

	if (fd >= 0 && close(fd) < 0 && errno != EINTR)
		return error_set_errno(err, errno, "cannot write '%s'", s->path);
	return 0;
}

char *download_entry_path(const char *dir, const char *name, struct error **err)
{
	if (!*name || text_eq(name, ".") || text_eq(name, "..") || strchr(name, '/')) {
		error_set(err, ERROR_INVALID, "the machine sent an unusable file name '%s'", name);
		return NULL;
	}
	return path_join(dir, name);
}

int download_make_dir(const char *path, mode_t mode, struct error **err)
{
	struct stat st;

	if (mkdir(path, mode | 0700) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return error_set_errno(err, errno, "cannot create directory '%s'", path);
}
