/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/raw.h"

#include "base/alloc.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RESERVE_PIECE (UINT64_C(1) << 28) /* of room: between two looks at the token */

struct raw {
	struct disk_writer base;
	char *path;
	int fd;
	uint64_t size;
	uint64_t reserve; /* 0: holes stay */
	uint64_t summed;  /* how far the digests are */
	struct disk_sums *sums;
	bool is_complete;
};

static int failed(const struct raw *w, int number, struct error **err)
{
	error_set_errno(err, number, "cannot write '%s'", w->path);
	return number == ENOSPC
		       ? error_hint(err, "the file system that holds it is full: make room "
					 "there, or choose another output")
		       : -1;
}

static int raw_write(struct disk_writer *base, uint64_t offset, const void *bytes, size_t len,
		     struct cancel *c, struct error **err)
{
	struct raw *w = (struct raw *)base;

	if (cancel_check(c, err) < 0)
		return -1;
	if (fd_write_at(w->fd, bytes, len, (off_t)offset) < 0)
		return failed(w, errno, err);
	if (w->sums) {
		disk_sums_add_zeros(w->sums, offset - w->summed);
		disk_sums_add(w->sums, bytes, len);
		w->summed = offset + len;
	}
	return 0;
}

static int reserve(struct raw *w, struct cancel *c, struct error **err)
{
	for (uint64_t at = 0; at < w->reserve; at += RESERVE_PIECE) {
		uint64_t len = MIN(RESERVE_PIECE, w->reserve - at);

		if (cancel_check(c, err) < 0)
			return -1;

		int r = posix_fallocate(w->fd, (off_t)at, (off_t)len);

		if (r)
			return failed(w, r, err);
	}
	return 0;
}

static int sum_zeros(struct raw *w, struct cancel *c, struct error **err)
{
	while (w->summed < w->size) {
		uint64_t len = MIN(RESERVE_PIECE, w->size - w->summed);

		if (cancel_check(c, err) < 0)
			return -1;
		disk_sums_add_zeros(w->sums, len);
		w->summed += len;
	}
	disk_sums_finish(w->sums);
	return 0;
}

static int raw_finish(struct disk_writer *base, struct cancel *c, struct error **err)
{
	struct raw *w = (struct raw *)base;

	if (reserve(w, c, err) < 0 || (w->sums && sum_zeros(w, c, err) < 0))
		return -1;
	if (close(fd_take(&w->fd)) < 0)
		return failed(w, errno, err);
	w->is_complete = true;
	return 0;
}

static void raw_free(struct disk_writer *base)
{
	struct raw *w = (struct raw *)base;

	fd_close(w->fd);
	if (!w->is_complete)
		(void)unlink(w->path);
	free(w->path);
	free(w);
}

static const struct disk_writer_ops raw_ops = { raw_write, raw_finish, raw_free };

int disk_raw_new(const struct disk_target *target, bool whole, struct disk_sums *sums,
		 struct disk_writer **ret, struct error **err)
{
	int fd = open(target->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", target->path);

	struct raw *w = NEW(struct raw);

	*w = (struct raw){ .base = { &raw_ops },
			   .path = xstrdup(target->path),
			   .fd = fd,
			   .size = target->size,
			   .reserve = whole ? target->size : 0,
			   .sums = sums };
	if (ftruncate(fd, (off_t)target->size) < 0) {
		failed(w, errno, err);
		raw_free(&w->base);
		return -1;
	}
	*ret = &w->base;
	return 0;
}
