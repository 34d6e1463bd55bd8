/* SPDX-License-Identifier: Apache-2.0 */
/* The format `ova`: what its descriptor says of the machine, put together from the artifact's state,
 * the block `ovf` and what most hypervisors understand. */
#pragma once

#include "postproc/export/format.h"

extern const struct schema export_ovf_schema;

/* The files it names are read here for the first time, to tell early. */
void package_check(const struct export_config *c, const struct prepare_ctx *ctx,
		   struct diags *diags);
/* As a row of formats makes it. */
MUST_CHECK int package_make(const struct export_making *m, struct disk_writer **ret,
			    struct error **err);
