/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types the boot command into a running guest (qemu-builder.md 8.4). Keys go
 * through the monitor; each waits until the guest has read the one before, as
 * far as its keyboard tells, not for a fixed time.
 */
#pragma once

#include "builder/qemu/argv.h"
#include "builder/qemu/config.h"
#include "builder/qemu/guest.h"
#include "core/component.h"

struct typing {
	const struct qemu_config *config;
	struct guest *guest;
	enum qemu_keyboard keyboard;
	struct value *data; /* object: fields of the templates in it */
};

MUST_CHECK int type_boot_command(const struct typing *t, struct build_ctx *ctx, struct error **err);
