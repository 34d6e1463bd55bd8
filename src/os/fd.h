/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: scope-bound closing and flags. Every fd we make is O_CLOEXEC. */
#pragma once

#include "base/error.h"
#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void fd_close(int fd); /* -1 is fine; keeps errno */
static inline void auto_fd_(int *fd)
{
	fd_close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(auto_fd_)))
static inline int fd_take(int *fd)
{
	int n = *fd;

	*fd = -1;
	return n;
}
/* Standard descriptors that are closed become /dev/null, so that no file of ours takes their
 * place. For the start of main(). */
void fd_open_standard(void);
/* As many as we may have open, within reason: builds side by side, each with processes of plugins,
 * need more than the usual 1,024. Children have that limit, too. For the start of main(). */
void fd_raise_limit(void);
/* The reader of this pipe is gone. */
bool fd_is_broken_pipe(int fd);
MUST_CHECK int fd_set_nonblocking(int fd, bool on, struct error **err);
MUST_CHECK int fd_pipe(int ret_fds[2], struct error **err);
/* read(2) that is not interrupted. */
MUST_CHECK ssize_t fd_read(int fd, void *buf, size_t len);
/* All bytes of a place in a file; fewer only at its end. */
MUST_CHECK ssize_t fd_read_at(int fd, void *buf, size_t len, off_t at);
/* All bytes; -1 with errno. */
MUST_CHECK int fd_write_at(int fd, const void *data, size_t len, off_t at);
/* write(2) that never raises SIGPIPE: a reader that is gone is EPIPE. */
MUST_CHECK ssize_t fd_write(int fd, const void *data, size_t len);
