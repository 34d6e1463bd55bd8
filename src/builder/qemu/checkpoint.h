/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the state of a running machine (machine_ops.checkpoint). */
#pragma once

#include "core/component.h"

int qemu_checkpoint(struct machine *machine, struct build_ctx *ctx, struct checkpoint *cp,
		    struct error **err);
/* QEMU's version and package, as it says them. Heap. */
struct guest;
MUST_CHECK int qemu_version(struct guest *g, struct build_ctx *ctx, char **ret, struct error **err);
