/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/component.h"

/*
 * Removes what stands at a builder's output directory, for -force. Refuses what no
 * build can have made: the root, a directory directly below it, the home or the
 * working directory or what contains them. `path` is absolute; absent is fine.
 */
MUST_CHECK int output_dir_clear(const char *path, const struct build_ctx *ctx, struct error **err);
