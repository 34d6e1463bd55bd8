/* SPDX-License-Identifier: Apache-2.0 */
/* Media that come packed: one compressed file, or an archive that holds one file. */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

/* `type`: the suffix without its dot, "gz", "tar.xz", "tgz", … Zeroes become holes; `to` is
 * replaced. */
MUST_CHECK int unpack_single(const char *type, const char *from, const char *to, struct cancel *c,
			     struct error **err);
