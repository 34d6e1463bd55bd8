/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest leaves for a person to look at when its build failed: screen.png
 * (screen.ppm from a QEMU before 7.1), console.log, qemu.log.
 */
#pragma once

#include "builder/qemu/guest.h"
#include "core/component.h"

/* What cannot be had (the screen of a guest that is gone) is left out; -1: the directory cannot be
 * written to. */
MUST_CHECK int evidence_keep(struct guest *g, struct build_ctx *ctx, const char *dir,
			     struct error **err);
