/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mke2fs -d copies the times of access and change from the directory it reads,
 * and no program can set the time of change of a file. So that the same tree
 * always gives the same bytes, the times are settled in the finished file
 * system.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdint.h>

/*
 * In the unmounted ext4 that starts at `offset` of `fd`: no inode is modified
 * later than `epoch`, and all its other times are that of its modification.
 * *ret_count: inodes in use.
 */
MUST_CHECK int ext4_settle_times(int fd, int64_t offset, int64_t epoch, struct cancel *c,
				 int64_t *ret_count, struct error **err);
uint32_t crc32c(uint32_t crc, const void *data, size_t len); /* exposed for its test */
