/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of big files, made once: CACHE/digests remembers them by what the kernel says of a file
 * (device, inode, size, times of content and inode), without its name. A file that was changed so
 * shortly before it was read that a further change could leave its times as they are is not remembered
 * (as git does with its index). Any number of processes and threads.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "os/cancel.h"

/* As fs_digest(). `cache_dir` NULL: nothing is remembered. What is wrong with the memory is no error. */
MUST_CHECK int digests_of_file(const char *cache_dir, const char *path, enum digest_type type,
			       struct cancel *c, char **ret_hex, struct error **err);
