/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks a free TCP port in a range and reserves it against other builds of
 * this user by a lock file LOCKDIR/N (qemu-builder.md 14).
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

struct port_reservation {
	int port;
	int lock_fd; /* close to give it back */
};

/* Random start, every port of [min, max] tried once; none free: ERROR_EXISTS. */
MUST_CHECK int port_reserve(const char *lock_dir, const char *address, int min, int max,
			    struct port_reservation *ret, struct error **err);
