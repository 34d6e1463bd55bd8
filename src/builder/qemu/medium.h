/* SPDX-License-Identifier: Apache-2.0 */
/* The install medium or disk image: a local file in place, or downloaded and verified. */
#pragma once

#include "builder/qemu/config.h"
#include "core/component.h"

/* Heap path of a file that has the checksum the template names. */
MUST_CHECK int medium_fetch(const struct qemu_config *c, struct build_ctx *ctx, char **ret_path,
			    struct error **err);
