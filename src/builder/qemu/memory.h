/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two states of one machine. Between two steps a guest changes a twentieth of its
 * memory, so that is all that need be compressed and kept.
 *
 * A difference says of each part of the later state where it comes from: a place in the earlier one, or the
 * bytes that follow. That QEMU writes pages in the order of their addresses is used to find what is the same;
 * what is found is compared, so a state of any other form costs room, not truth.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

/* *ret_fd: a file in memory; *ret_new: how many bytes of the state are in it. */
MUST_CHECK int memory_diff(int before_fd, int state_fd, struct cancel *c, int *ret_fd,
			   int64_t *ret_new, struct error **err);
/* The later state, as a file in memory. ERROR_INVALID: it is no difference to that one. */
MUST_CHECK int memory_apply(int before_fd, int diff_fd, struct cancel *c, int *ret_fd,
			    struct error **err);
