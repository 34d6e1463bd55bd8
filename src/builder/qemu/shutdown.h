/* SPDX-License-Identifier: Apache-2.0 */
/* Ending a guest in an orderly way (qemu-builder.md 15). */
#pragma once

#include "builder/qemu/config.h"
#include "builder/qemu/guest.h"
#include "core/component.h"

struct shutdown {
	const struct qemu_config *config;
	struct guest *guest;
	struct comm *comm; /* NULL: not connected */
};

/* Returns when the process has ended; a guest that ended before counts as shut down. */
MUST_CHECK int shutdown_guest(const struct shutdown *s, struct build_ctx *ctx, struct error **err);
