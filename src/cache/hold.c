/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

/* flock(2) cannot be waited for along with other things: look again, ever slower. A lock that
 * excludes ours is held for as long as it takes to remove something, or to make room. */
enum { FIRST_LOOK_MSEC = 1, LAST_LOOK_MSEC = 10, PATIENCE_SEC = 120 };

int hold_is_named(int fd, int folder, const char *name)
{
	struct stat held, named;

	if (fstat(fd, &held) < 0)
		return -1;
	if (fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int open_at(int folder, const char *name, int flags)
{
	/* not blocking: somebody may have put a pipe there */
	AUTO_CLOSE int fd =
		openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (flags & O_DIRECTORY)
		return fd_take(&fd);
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	return fd_take(&fd);
}

static int lock_now(int fd, int operation)
{
	int r;

	do
		r = flock(fd, operation | LOCK_NB);
	while (r < 0 && errno == EINTR);
	return r;
}

int hold_try(int folder, const char *name, int flags, int operation, int *ret_fd)
{
	for (;;) {
		AUTO_CLOSE int fd = open_at(folder, name, flags);

		if (fd < 0)
			return -1;
		if (lock_now(fd, operation) < 0)
			return errno == EWOULDBLOCK ? 0 : -1;

		int named = hold_is_named(fd, folder, name);

		if (named < 0)
			return -1;
		if (!named) {
			if (flags & O_EXCL) { /* what we made was removed at once */
				errno = ENOENT;
				return -1;
			}
			continue;
		}
		*ret_fd = fd_take(&fd);
		return 1;
	}
}

int hold_try_layer(int folder, const char *name, int *ret_fd)
{
	/* QEMU's locks are of the other kind: a machine that outlives us holds its layers by them */
	struct flock others = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	AUTO_CLOSE int fd = -1;
	int r = hold_try(folder, name, O_RDONLY, LOCK_EX, &fd);

	if (r <= 0)
		return r;
	if (fcntl(fd, F_OFD_GETLK, &others) == 0 && others.l_type != F_UNLCK)
		return 0;
	*ret_fd = fd_take(&fd);
	return 1;
}

int hold_wait(int folder, const char *name, int flags, int operation, struct cancel *c, int *ret_fd)
{
	int64_t deadline = clock_deadline(PATIENCE_SEC * NSEC_PER_SEC);

	for (int64_t pause = FIRST_LOOK_MSEC;; pause = MIN(pause * 2, (int64_t)LAST_LOOK_MSEC)) {
		AUTO(error) struct error *e = NULL;
		int r = hold_try(folder, name, flags, operation, ret_fd);

		if (r)
			return r < 0 ? -1 : 0;
		if (clock_monotonic() >= deadline) {
			errno = EBUSY;
			return -1;
		}
		if (io_pause(clock_deadline(pause * NSEC_PER_MSEC), c, &e) < 0) {
			error_ignore(&e, "the caller asks the token");
			errno = ECANCELED;
			return -1;
		}
	}
}

int hold_collector(struct store *s, struct cancel *c, int *ret_fd, struct error **err)
{
	if (hold_wait(s->top, "collector", O_RDWR | O_CREAT, LOCK_EX, c, ret_fd) == 0)
		return 0;

	int saved = errno;

	if (saved == ECANCELED && cancel_check(c, err) < 0)
		return -1;
	return error_set_errno(err, saved, "cannot lock '%s/collector'", s->dir);
}
