/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files as large as disk images: shared extents where the file system
 * has them, else piece by piece inside the kernel, else through a buffer.
 * Holes stay holes.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "os/cancel.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/fs_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KERNEL_PIECE = 8 * 1024 * 1024, BUFFER = 256 * 1024, PROGRESS_MSEC = 100 };

struct copy {
	const char *from, *to; /* names for messages */
	int in, out;
	int64_t total;
	bool no_kernel_copy;
	char *buffer; /* made when needed */
	fs_progress_fn progress;
	void *data;
	int64_t next_progress; /* when to tell again */
	struct cancel *c;
};

static void tell(struct copy *cp, int64_t done)
{
	int64_t now = clock_monotonic();

	if (!cp->progress || (done < cp->total && now < cp->next_progress))
		return;
	cp->next_progress = now + PROGRESS_MSEC * NSEC_PER_MSEC;
	cp->progress(cp->data, done, cp->total);
}

static bool is_unsupported(int e)
{
	return e == EXDEV || e == ENOSYS || e == EOPNOTSUPP || e == EINVAL || e == EPERM ||
	       e == EBADF || e == ETXTBSY;
}

/* Copies up to `len` bytes at `at`; the number copied, 0 at the end, -1. */
static ssize_t copy_buffered(struct copy *cp, int64_t at, size_t len, struct error **err)
{
	ssize_t n;

	if (!cp->buffer)
		cp->buffer = xmalloc(BUFFER);
	do
		n = pread(cp->in, cp->buffer, MIN(len, (size_t)BUFFER), at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fs_set_error(err, errno, "read", cp->from);
	if (lseek(cp->out, at, SEEK_SET) < 0 || fs_write_fd(cp->out, cp->buffer, (size_t)n) < 0)
		return fs_set_error(err, errno, "write", cp->to);
	return n;
}

static ssize_t copy_piece(struct copy *cp, int64_t at, size_t len, struct error **err)
{
	off_t from = at, to = at;
	ssize_t n;

	if (cp->no_kernel_copy)
		return copy_buffered(cp, at, len, err);
	do
		n = copy_file_range(cp->in, &from, cp->out, &to, MIN(len, (size_t)KERNEL_PIECE), 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && !is_unsupported(errno))
		return fs_set_error(err, errno, "write", cp->to);
	/* 0 as well: files of some virtual file systems look empty to the kernel */
	cp->no_kernel_copy = true;
	return copy_buffered(cp, at, len, err);
}

/* The next stretch of data at or after `at`; false when only a hole is left. */
static bool next_data(struct copy *cp, int64_t at, int64_t *ret_start, int64_t *ret_end)
{
	off_t start = lseek(cp->in, at, SEEK_DATA);

	if (start < 0) {
		*ret_start = at;
		*ret_end = cp->total;
		return errno != ENXIO; /* else holes are not known here: all is data */
	}

	off_t end = lseek(cp->in, start, SEEK_HOLE);

	*ret_start = start;
	*ret_end = end < 0 ? cp->total : MIN((int64_t)end, cp->total);
	return start < cp->total;
}

static int copy_data(struct copy *cp, struct error **err)
{
	int64_t at = 0, end;

	while (at < cp->total && next_data(cp, at, &at, &end)) {
		while (at < end) {
			if (cancel_check(cp->c, err) < 0)
				return -1;

			ssize_t n = copy_piece(cp, at, (size_t)(end - at), err);

			if (n < 0)
				return -1;
			if (n == 0)
				return error_set(err, ERROR_IO, "'%s' shrank while it was copied",
						 cp->from);
			at += n;
			tell(cp, at);
		}
	}
	if (ftruncate(cp->out, cp->total) < 0)
		return fs_set_error(err, errno, "write", cp->to);
	return 0;
}

/* Files that do not say how long they are (/proc) are read to their end. */
static int copy_unsized(struct copy *cp, struct error **err)
{
	for (int64_t at = 0;;) {
		if (cancel_check(cp->c, err) < 0)
			return -1;

		ssize_t n = copy_buffered(cp, at, BUFFER, err);

		if (n <= 0)
			return (int)n;
		at += n;
		cp->total = at;
	}
}

static int copy_content(struct copy *cp, struct error **err)
{
	if (cancel_check(cp->c, err) < 0)
		return -1;
	if (ioctl(cp->out, FICLONE, cp->in) == 0)
		return 0;
	return cp->total ? copy_data(cp, err) : copy_unsized(cp, err);
}

static int open_both(struct copy *cp, mode_t mode, struct error **err)
{
	struct stat in, out;

	cp->in = open(cp->from, O_RDONLY | O_CLOEXEC);
	if (cp->in < 0 || fstat(cp->in, &in) < 0)
		return fs_set_error(err, errno, "open", cp->from);
	if (!S_ISREG(in.st_mode))
		return error_set(err, ERROR_INVALID, "cannot copy '%s': not a regular file",
				 cp->from);
	if (stat(cp->to, &out) == 0 && out.st_dev == in.st_dev && out.st_ino == in.st_ino)
		return error_set(err, ERROR_INVALID, "cannot copy '%s' onto itself", cp->from);
	cp->out = open(cp->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (cp->out < 0)
		return fs_set_error(err, errno, "create", cp->to);
	cp->total = in.st_size;
	return 0;
}

int fs_copy(const char *from, const char *to, mode_t mode, fs_progress_fn progress, void *data,
	    struct cancel *c, struct error **err)
{
	struct copy cp = { .from = from,
			   .to = to,
			   .in = -1,
			   .out = -1,
			   .progress = progress,
			   .data = data,
			   .c = c };
	int r = open_both(&cp, mode, err);

	if (r == 0) {
		r = copy_content(&cp, err);
		if (r == 0 && fs_close_checked(&cp.out) < 0)
			r = fs_set_error(err, errno, "write", to);
		if (r < 0)
			(void)unlink(to);
		else
			tell(&cp, cp.total);
	}
	free(cp.buffer);
	fd_close(cp.in);
	fd_close(cp.out);
	return r;
}
