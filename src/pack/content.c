/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/content.h"

#include "base/alloc.h"
#include "base/macro.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024, HOLE_STEP = 64 * CHUNK /* between two words on progress */ };

int content_open(struct file_content *c, const char *path, struct error **err)
{
	struct stat st;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, "cannot pack '%s': it is not a regular file",
				 path);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*c = (struct file_content){
		.path = path,
		.size = st.st_size,
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mtime = st.st_mtime,
	};
	c->fd = fd_take(&fd);
	return 0;
}

void auto_file_content(struct file_content *c)
{
	fd_close(c->fd);
	c->fd = -1;
}

/* Where the next data begin and end; file systems that know no holes have data all over. */
static void find_data(const struct file_content *c, int64_t at, int64_t *ret_from, int64_t *ret_to)
{
	off_t from = lseek(c->fd, at, SEEK_DATA), to;

	if (from < 0 && errno == ENXIO)
		from = c->size;
	else if (from < at)
		from = at;
	from = MIN((int64_t)from, c->size);
	to = from < c->size ? lseek(c->fd, from, SEEK_HOLE) : c->size;
	*ret_from = from;
	*ret_to = to <= from ? c->size : MIN((int64_t)to, c->size);
}

static int changed(const struct file_content *c, const char *how, struct error **err)
{
	error_set(err, ERROR_FAILED, "'%s' %s while it was read", c->path, how);
	return error_hint(err, "let whoever writes it finish first");
}

struct copying {
	const struct file_content *from;
	struct encoder *to;
	content_progress_fn progress;
	void *data;
	char *buf;
};

static int copy_hole(const struct copying *c, int64_t n, struct error **err)
{
	while (n > 0) {
		int64_t step = MIN(n, (int64_t)HOLE_STEP);

		if (encoder_zeros(c->to, step, err) < 0)
			return -1;
		if (c->progress)
			c->progress(c->data, step);
		n -= step;
	}
	return 0;
}

static int copy_data(const struct copying *c, int64_t from, int64_t to, struct error **err)
{
	while (from < to) {
		ssize_t n = fd_read_at(c->from->fd, c->buf, (size_t)MIN((int64_t)CHUNK, to - from),
				       from);

		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", c->from->path);
		if (n == 0)
			return changed(c->from, "became shorter", err);
		if (encoder_write(c->to, c->buf, (size_t)n, err) < 0)
			return -1;
		if (c->progress)
			c->progress(c->data, n);
		from += n;
	}
	return 0;
}

int content_copy(const struct file_content *c, struct encoder *to, content_progress_fn progress,
		 void *data, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(CHUNK);
	const struct copying copying = { c, to, progress, data, buf };
	struct stat st;

	for (int64_t at = 0; at < c->size;) {
		int64_t from, end;

		find_data(c, at, &from, &end);
		if (copy_hole(&copying, from - at, err) < 0 ||
		    copy_data(&copying, from, end, err) < 0)
			return -1;
		at = end;
	}
	if (fstat(c->fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", c->path);
	if (st.st_size != c->size)
		return changed(c, st.st_size > c->size ? "grew" : "became shorter", err);
	return 0;
}
