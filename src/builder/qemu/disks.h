/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a build. A disk image is not copied at the start: the guest
 * writes into an overlay of it, and the end makes one standalone file of both,
 * beside the final name and then renamed over it.
 */
#pragma once

#include "builder/qemu/config.h"
#include "builder/qemu/image.h"

struct disks {
	const struct qemu_config *config;
	struct strv paths; /* as the template says, main disk first */
	char *source;      /* absolute path or URL of the disk image; NULL: none */
	struct image_info source_info;
	bool is_overlay; /* the main disk stands on `source` for now */
};

/* Creates them below the output directory. `source`: the image of disk_image, or NULL. */
MUST_CHECK int disks_create(struct disks *d, const struct qemu_config *config,
			    const struct image_ctx *x, const char *source, struct error **err);
/* After the guest has ended: the main disk as the template wants it. */
MUST_CHECK int disks_finish(struct disks *d, const struct image_ctx *x, struct error **err);
void disks_release(struct disks *d);
