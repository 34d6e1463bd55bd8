/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file out of a zip from anywhere. Only the entry of exactly this name is
 * looked at, and it is written where the caller says: what else the archive
 * holds, and how that is called, does not matter.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdint.h>

enum { UNZIP_ENTRIES_MAX = 10000 };
/* Plugins are around 50 MB, the largest a few hundred. */
#define UNZIP_BYTES_MAX (INT64_C(2) << 30)

/*
 * Makes the file `to`, which must not be there, with mode 0755 and on disk.
 * ERROR_INVALID: no such entry, several of them, one that is no plain file or too
 * large, or no zip at all. On failure `to` is not there.
 */
MUST_CHECK int unzip_entry(const char *zip, const char *name, const char *to, struct cancel *c,
			   struct error **err);
