/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file flock(2) locks on files of their own; the file stays behind. */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

/* Waits for the exclusive lock; the fd holds it until closed. */
MUST_CHECK int lock_acquire(const char *path, int64_t deadline, struct cancel *c, int *ret_fd,
			    struct error **err);
/* ERROR_EXISTS if somebody else has it. */
MUST_CHECK int lock_try(const char *path, int *ret_fd, struct error **err);
