/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Google Compute Engine takes as an image: a gzipped tar file of the form "oldgnu" with the
 * only member disk.raw, which is sparse and has a whole number of GiB; the disk grows by zeros.
 *
 * The map of the data stands before the data and is known only at its end. So room is left for it:
 * the gzip members of the data follow, and what the map does not need of its room becomes empty
 * members, which hold nothing. The map is kept small by looking at large disks in larger pieces.
 */
#pragma once

#include "disk/writer.h"

/* `level` of compression, 0: the default. */
struct disk_writer *gce_new(const struct disk_target *target, int level, struct error **err);
/* The size of the disk as the file has it. */
uint64_t gce_capacity(uint64_t size);
