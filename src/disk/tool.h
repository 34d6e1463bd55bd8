/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of QEMU's tools that do one small thing and end. */
#pragma once

#include "disk/nbd.h"

/* `ret_status` NULL: any status but 0 is an error that quotes what it said. */
MUST_CHECK int disk_tool_run(const struct disk_host *host, const struct strv *argv,
			     struct cancel *c, int *ret_status, struct error **err);
