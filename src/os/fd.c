/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Enough for a thousand builds; programs that close all they could have open stay quick. */
enum { LIMIT_WANTED = 65536 };

void fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void fd_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
	fd_close(fd);
}

void fd_raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= LIMIT_WANTED)
		return;
	l.rlim_cur = MIN(l.rlim_max, (rlim_t)LIMIT_WANTED);
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

bool fd_is_broken_pipe(int fd)
{
	struct pollfd p = { .fd = fd };

	/* with POLLHUP it is a terminal that went away: that is SIGHUP's to say */
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) == POLLERR;
}

int fd_set_nonblocking(int fd, bool on, struct error **err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return error_set_errno(err, errno, "cannot set the flags of descriptor %d", fd);
	return 0;
}

int fd_pipe(int ret_fds[2], struct error **err)
{
	if (pipe2(ret_fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	return 0;
}

ssize_t fd_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

ssize_t fd_read_at(int fd, void *buf, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_at(int fd, const void *data, size_t len, off_t at)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * A library cannot ask that the whole process ignores SIGPIPE, so the signal
 * is blocked in this thread for the write and taken back if it was raised.
 */
ssize_t fd_write(int fd, const void *data, size_t len)
{
	const struct timespec now = { 0 };
	sigset_t pipe_set, before, pending;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &before);

	ssize_t n = write(fd, data, len);
	int saved = errno;

	if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return n;
}
