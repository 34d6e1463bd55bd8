/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: a folder in the build's temporary directory with all that the
 * hooks of mmdebstrap need, so that no word of the configuration ever becomes
 * part of a command line or a script.
 *
 *   overlay/…, overlay.list   files for the image, one "MODE PATH" per line
 *   users, keys/, passwords   accounts (0600)
 *   *.sh                      the hooks
 *   debs/, used/, lists/      packages before and after, indexes that were used
 */
#pragma once

#include "builder/bootstrap/config.h"
#include "builder/bootstrap/layout.h"

/* `dir` is created. */
MUST_CHECK int stage_write(const struct bootstrap *b, const struct disk_ids *ids, const char *dir,
			   struct error **err);
/* A text of files/ with @NAMES@ replaced; heap. */
char *stage_render(const struct bootstrap *b, const struct disk_ids *ids, const char *file);
