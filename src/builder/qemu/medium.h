/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The install medium or disk image: a local file in place, or downloaded and
 * verified; or, with iso_skip_cache, left where it is for the emulator to read.
 */
#pragma once

#include "base/digest.h"
#include "builder/qemu/config.h"
#include "core/component.h"

/* Heap path of a file that has the checksum the template names, or a URL. */
MUST_CHECK int medium_fetch(const struct qemu_config *c, struct build_ctx *ctx, char **ret_path,
			    struct error **err);
/* Adds what tells this medium from another one. */
MUST_CHECK int medium_fingerprint(const struct qemu_config *c, struct build_ctx *ctx,
				  struct digest *d, struct error **err);
