/* SPDX-License-Identifier: Apache-2.0 */
#include "os/wait.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Room for the chain of a token: two fds for each level. */
enum { CHAIN_FDS = 32 };

/* One ppoll() up to the deadline; -1 with errno, else the number of ready fds. */
static int poll_until(struct pollfd *fds, size_t n, int64_t deadline)
{
	struct timespec ts;

	if (deadline == DEADLINE_NEVER)
		return ppoll(fds, n, NULL, NULL);

	int64_t left = MAX(deadline - clock_monotonic(), (int64_t)0);

	ts.tv_sec = (time_t)(left / NSEC_PER_SEC);
	ts.tv_nsec = (long)(left % NSEC_PER_SEC);
	return ppoll(fds, n, &ts, NULL);
}

static bool any_ready(const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd >= 0 && fds[i].revents)
			return true;
	return false;
}

/* 1: an fd is ready, 0: the deadline passed, -1: the token's reason. */
static int wait_any(struct pollfd *fds, size_t n, int64_t deadline, struct cancel *c,
		    struct error **err)
{
	AUTO_FREE struct pollfd *all = xcalloc(n + CHAIN_FDS, sizeof(*all));

	for (;;) {
		int64_t until = deadline;
		size_t total = n;

		if (cancel_check(c, err) < 0)
			return -1;
		if (n)
			memcpy(all, fds, n * sizeof(*all));
		cancel_pollfds(c, all, n + CHAIN_FDS, &total, &until);
		if (poll_until(all, total, until) < 0 && errno != EINTR && errno != EAGAIN)
			return error_set_errno(err, errno, "cannot wait");
		/* what ended the token while we slept goes before the data */
		if (cancel_check(c, err) < 0)
			return -1;
		if (any_ready(all, n)) {
			memcpy(fds, all, n * sizeof(*all));
			return 1;
		}
		if (deadline != DEADLINE_NEVER && clock_monotonic() >= deadline)
			return 0;
	}
}

int io_wait_many(struct pollfd *fds, size_t n, int64_t deadline, struct cancel *c,
		 struct error **err)
{
	for (size_t i = 0; i < n; i++)
		fds[i].revents = 0;

	int r = wait_any(fds, n, deadline, c, err);

	if (r == 0)
		return error_set(err, ERROR_TIMEOUT, "timed out");
	return r < 0 ? -1 : 0;
}

int io_wait(int fd, short events, int64_t deadline, struct cancel *c, struct error **err)
{
	struct pollfd p = { .fd = fd, .events = events };

	return io_wait_many(&p, 1, deadline, c, err);
}

int io_pause(int64_t deadline, struct cancel *c, struct error **err)
{
	return wait_any(NULL, 0, deadline, c, err);
}

int io_write_all(int fd, const void *data, size_t len, int64_t deadline, struct cancel *c,
		 struct error **err)
{
	const char *p = data;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return error_set_errno(err, errno, "cannot write");
	while (len) {
		/* a blocking pipe that is ready takes this much without blocking */
		size_t piece = flags & O_NONBLOCK ? len : MIN(len, (size_t)PIPE_BUF);

		if (io_wait(fd, POLLOUT, deadline, c, err) < 0)
			return -1;

		ssize_t n = fd_write(fd, p, piece);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return error_set_errno(err, errno, "cannot write");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}
