/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/source.h"

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { DATA_MODE = 0644, READ_AHEAD_MIN = 128 * 1024 };

int upload_source_open(struct upload_source *s, const struct comm_upload *up, struct error **err)
{
	struct stat st;

	*s = (struct upload_source){ .fd = -1, .path = up->path, .up = up };
	if (!up->path) {
		s->data = up->data;
		s->size = (int64_t)up->len;
		s->mode = up->mode ? up->mode : DATA_MODE;
		s->keep_mode = up->mode != 0;
		return 0;
	}
	s->fd = open(up->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return error_set_errno(err, errno, "cannot open '%s'", up->path);
	if (fstat(s->fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", up->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, "cannot upload '%s': not a regular file",
				 up->path);
	if (st.st_size > READ_AHEAD_MIN)
		(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	s->size = st.st_size;
	s->mode = up->mode ? up->mode : st.st_mode & 07777;
	s->keep_mode = true;
	return 0;
}

void upload_source_close(struct upload_source *s)
{
	fd_close(s->fd);
	s->fd = -1;
}

int upload_source_read(struct upload_source *s, void *buf, size_t size, size_t *ret_len,
		       struct error **err)
{
	int64_t left = s->size - s->done;
	size_t want = (size_t)MIN((int64_t)size, left);
	ssize_t n;

	*ret_len = 0;
	if (want == 0)
		return 0;
	if (s->fd < 0) {
		memcpy(buf, s->data + s->done, want);
		n = (ssize_t)want;
	} else {
		n = fd_read(s->fd, buf, want);
		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", s->path);
		if (n == 0)
			return error_set(err, ERROR_IO, "'%s' became shorter while it was uploaded",
					 s->path);
	}
	s->done += n;
	*ret_len = (size_t)n;
	return 0;
}

void upload_source_progress(struct upload_source *s)
{
	if (s->up->progress)
		s->up->progress(s->up->progress_data, s->done, s->size);
}
