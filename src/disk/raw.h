/* SPDX-License-Identifier: Apache-2.0 */
/* The disk as it is, in a file with holes. */
#pragma once

#include "disk/sums.h"
#include "disk/writer.h"

#include <stdbool.h>

/* `whole`: the file takes all of its room on the disk at once, without holes. `sums`: made while it is
 * written, borrowed; NULL: none. */
MUST_CHECK int disk_raw_new(const struct disk_target *target, bool whole, struct disk_sums *sums,
			    struct disk_writer **ret, struct error **err);
