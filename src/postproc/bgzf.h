/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocked gzip (SAM/BAM format specification, section 4.1): gzip members of at
 * most 64 KiB, each with its own size in an extra field, so that a reader may
 * begin in the middle; an empty member marks the end. Any gunzip reads it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct bgzf;

/* Writes to `fd`, which stays the caller's; `path` is for messages and must outlive it. `level`:
 * 1 to 9, or -1: zlib's default. Same input, same bytes. */
struct bgzf *bgzf_new(int fd, const char *path, int level);
void bgzf_free(struct bgzf *b);
MUST_CHECK int bgzf_write(struct bgzf *b, const void *data, size_t len, struct error **err);
/* What is left, and the mark of the end. */
MUST_CHECK int bgzf_finish(struct bgzf *b, struct error **err);
