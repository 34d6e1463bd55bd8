/* SPDX-License-Identifier: Apache-2.0 */
/* Which of an artifact's files is the disk. */
#pragma once

#include "core/artifact.h"

/* `wanted`: its name, or NULL. Borrowed from the artifact; NULL with an error that lists what there is. */
const char *pick_disk(const struct artifact *input, const char *wanted, struct error **err);
