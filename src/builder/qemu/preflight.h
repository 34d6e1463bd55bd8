/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known to be missing or impossible on this host when a build
 * starts is said then, not after a download of gigabytes. Nothing is made.
 */
#pragma once

#include "builder/qemu/config.h"
#include "core/component.h"

MUST_CHECK int preflight(const struct qemu_config *c, struct build_ctx *ctx, struct error **err);
