/* SPDX-License-Identifier: Apache-2.0 */
#include "os/lock.h"

#include "base/duration.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/* flock(2) cannot be waited for along with other things: look again, ever slower. */
enum { FIRST_LOOK_MSEC = 2, LAST_LOOK_MSEC = 100 };

/* Somebody may have removed the file between our open() and flock(). */
static int is_still_at(int fd, const char *path, bool *ret)
{
	struct stat held, named = { 0 };

	if (fstat(fd, &held) < 0 || (stat(path, &named) < 0 && errno != ENOENT))
		return -1;
	*ret = held.st_dev == named.st_dev && held.st_ino == named.st_ino;
	return 0;
}

/* 1: locked, 0: somebody else has it, -1: error. */
static int try_lock(const char *path, int *ret_fd, struct error **err)
{
	for (;;) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

		if (fd < 0)
			return error_set_errno(err, errno, "cannot open lock file '%s'", path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EWOULDBLOCK)
				return 0;
			return error_set_errno(err, errno, "cannot lock '%s'", path);
		}

		bool still;

		if (is_still_at(fd, path, &still) < 0)
			return error_set_errno(err, errno, "cannot examine lock file '%s'", path);
		if (!still)
			continue;
		*ret_fd = fd_take(&fd);
		return 1;
	}
}

int lock_try(const char *path, int *ret_fd, struct error **err)
{
	int r = try_lock(path, ret_fd, err);

	if (r == 0)
		return error_set(err, ERROR_EXISTS, "'%s' is locked by another process", path);
	return r < 0 ? -1 : 0;
}

static void log_wait(const char *path, int64_t since)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, since);
	log_write("lock", "got '%s'%s", path, time.buf);
}

int lock_acquire(const char *path, int64_t deadline, struct cancel *c, int *ret_fd,
		 struct error **err)
{
	int64_t begun = clock_monotonic();
	bool waited = false;

	for (int64_t pause = FIRST_LOOK_MSEC;; pause = MIN(pause * 2, (int64_t)LAST_LOOK_MSEC)) {
		int r = try_lock(path, ret_fd, err);

		if (r > 0 && log_is_on)
			log_wait(path, begun);
		if (r)
			return r < 0 ? -1 : 0;
		if (!waited)
			log_debug("lock", "waiting for '%s', another process has it", path);
		waited = true;
		if (clock_monotonic() >= deadline)
			return error_set(err, ERROR_TIMEOUT,
					 "timed out: '%s' is locked by another process", path);

		int64_t until = clock_deadline(pause * NSEC_PER_MSEC);

		if (io_pause(MIN(until, deadline), c, err) < 0)
			return -1;
	}
}
