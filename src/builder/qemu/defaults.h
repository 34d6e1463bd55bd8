/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills in what the template does not say. What it says is kept, even when it
 * is wrong: the checks that follow complain about it.
 */
#pragma once

#include "builder/qemu/config.h"

void qemu_config_set_defaults(struct qemu_config *c, const struct prepare_ctx *ctx);
