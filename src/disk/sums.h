/* SPDX-License-Identifier: Apache-2.0 */
/* Several digests of one file, made in one go: while it is written, or by reading it. */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "os/cancel.h"

#include <stdint.h>

struct disk_sums;

struct disk_sums *disk_sums_new(const enum digest_type *types, size_t count);
void disk_sums_free(struct disk_sums *s);
DEFINE_AUTO(disk_sums, struct disk_sums *, disk_sums_free);

void disk_sums_add(struct disk_sums *s, const void *bytes, size_t len);
void disk_sums_add_zeros(struct disk_sums *s, uint64_t len);
/* From the start, whatever was added. */
MUST_CHECK int disk_sums_of_file(struct disk_sums *s, const char *path, struct cancel *c,
				 struct error **err);
/* All was added. */
void disk_sums_finish(struct disk_sums *s);
bool disk_sums_are_made(const struct disk_sums *s);
/* Lower-case hex of the type at that place in the list; borrowed; NULL before the end. */
const char *disk_sums_hex(const struct disk_sums *s, size_t i);
