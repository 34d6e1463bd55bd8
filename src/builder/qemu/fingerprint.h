/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides the state of a guest before the first provisioner (docs/internals/keys.md). The
 * boot command and qemuargs are not here: the key takes part of them as they are rendered.
 */
#pragma once

#include "builder/qemu/config.h"
#include "core/component.h"

MUST_CHECK int qemu_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
				struct error **err);
/* build.* values that the configuration decides. */
void qemu_known(const void *config, struct map *values);
