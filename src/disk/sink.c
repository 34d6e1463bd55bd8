/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/sink.h"

#include "base/alloc.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024 };

static int cannot_write(const char *path, int number, struct error **err)
{
	error_set_errno(err, number, "cannot write '%s'", path);
	if (number == ENOSPC || number == EDQUOT)
		error_hint(err, "free space on the file system of '%s', or use another place",
			   path);
	return -1;
}

int sink_open(struct sink *s, const char *path, struct error **err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return cannot_write(path, errno, err);
	*s = (struct sink){ .fd = fd, .path = xstrdup(path), .buf = xmalloc(BUFFER) };
	return 0;
}

void sink_release(struct sink *s)
{
	if (s->fd >= 0)
		(void)unlink(s->path);
	fd_close(fd_take(&s->fd));
	digest_free(TAKE(s->digest));
	free(TAKE(s->path));
	free(TAKE(s->buf));
}

static int flush(struct sink *s, struct error **err)
{
	if (s->digest)
		digest_add(s->digest, s->buf, s->len);
	if (s->sums)
		disk_sums_add(s->sums, s->buf, s->len);
	if (fs_write_all(s->fd, s->buf, s->len, s->path, err) < 0)
		return -1;
	s->len = 0;
	return 0;
}

int sink_write(struct sink *s, const void *data, size_t len, struct error **err)
{
	const unsigned char *p = data;

	while (len) {
		size_t n = MIN(len, BUFFER - s->len);

		memcpy(s->buf + s->len, p, n);
		s->len += n;
		s->at += n;
		p += n;
		len -= n;
		if (s->len == BUFFER && flush(s, err) < 0)
			return -1;
	}
	return 0;
}

int sink_zeros(struct sink *s, uint64_t n, struct error **err)
{
	static const unsigned char zeros[4096];

	while (n) {
		size_t part = (size_t)MIN(n, sizeof(zeros));

		if (sink_write(s, zeros, part, err) < 0)
			return -1;
		n -= part;
	}
	return 0;
}

int sink_align(struct sink *s, uint64_t base, unsigned unit, struct error **err)
{
	uint64_t over = (s->at - base) % unit;

	return over ? sink_zeros(s, unit - over, err) : 0;
}

int sink_digest_begin(struct sink *s, struct error **err)
{
	assert(!s->digest);
	if (flush(s, err) < 0)
		return -1;
	s->digest = digest_new(DIGEST_SHA256);
	return 0;
}

int sink_digest_end(struct sink *s, char **ret_hex, struct error **err)
{
	if (flush(s, err) < 0)
		return -1;
	*ret_hex = digest_finish_hex(s->digest);
	digest_free(TAKE(s->digest));
	return 0;
}

int sink_patch(struct sink *s, uint64_t at, const void *data, size_t len, struct error **err)
{
	assert(!s->digest && at + len <= s->at);
	if (flush(s, err) < 0)
		return -1;
	return fd_write_at(s->fd, data, len, (off_t)at) < 0 ? cannot_write(s->path, errno, err) : 0;
}

int sink_close(struct sink *s, struct error **err)
{
	if (flush(s, err) < 0)
		return -1;
	/* some file systems report a full disk only now */
	if (close(s->fd) < 0 && errno != EINTR) {
		int number = errno;

		s->fd = -1;
		(void)unlink(s->path);
		return cannot_write(s->path, number, err);
	}
	s->fd = -1;
	return 0;
}
