/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where the program blocks. Every wait names a deadline
 * (DEADLINE_NEVER is allowed only where a cancel token ends it) and a token.
 * c may be NULL for waits that must not be interrupted (short clean-ups).
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"
#include "os/clock.h"

#include <poll.h>

/* Waits until fd has one of `events` (POLLIN, POLLOUT); errors and hang-ups on
 * fd count as ready. -1 with ERROR_TIMEOUT when `deadline` passed, or with the
 * token's reason. */
MUST_CHECK int io_wait(int fd, short events, int64_t deadline, struct cancel *c,
		       struct error **err);
/* The same for several; revents are filled in. Entries with fd -1 are skipped. */
MUST_CHECK int io_wait_many(struct pollfd *fds, size_t n, int64_t deadline, struct cancel *c,
			    struct error **err);
/* Waits until the deadline; 0 when it passed, -1 with the token's reason. */
MUST_CHECK int io_pause(int64_t deadline, struct cancel *c, struct error **err);

/* Whole reads and writes on a non-blocking or blocking fd, cancellable. */
MUST_CHECK int io_write_all(int fd, const void *data, size_t len, int64_t deadline,
			    struct cancel *c, struct error **err);
