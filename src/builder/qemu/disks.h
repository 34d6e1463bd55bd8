/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a build. A disk image is not copied at the start: the guest
 * writes into an overlay of it, and the end makes one standalone file of both,
 * beside the final name and then renamed over it. Of a machine whose steps are kept the guest
 * writes into layers in the store, whatever the format of the result is.
 */
#pragma once

#include "builder/qemu/config.h"
#include "builder/qemu/image.h"
#include "builder/qemu/layers.h"

struct disks {
	const struct qemu_config *config;
	struct strv paths; /* of the result, as the template says, main disk first */
	char *source;      /* absolute path or URL of the disk image; NULL: none */
	struct image_info source_info;
	bool is_overlay; /* the main disk stands on `source` for now */
	struct layers layers;
	const char *start_key; /* of the store's link to `source` */
};
#define DISKS_INIT .paths = STRV_INIT, .layers = { LAYERS_INIT }

/* Why the disks cannot be layers; NULL: they can. */
const char *disks_why_no_layers(const struct qemu_config *c);

/* `source`: the image of disk_image, or NULL. */
void disks_init(struct disks *d, const struct qemu_config *config, const char *cwd,
		const char *source);
/* Creates them below the output directory, or as layers if these have a store. */
MUST_CHECK int disks_create(struct disks *d, const struct image_ctx *x, struct error **err);
/* On top of the chains that `layers` has. ERROR_INVALID: they do not fit. */
MUST_CHECK int disks_resume(struct disks *d, const struct image_ctx *x, struct error **err);
/* What the guest writes to. */
const struct strv *disks_live(const struct disks *d);
/* After the guest has ended: the main disk as the template wants it. */
MUST_CHECK int disks_finish(struct disks *d, const struct image_ctx *x, struct error **err);
void disks_release(struct disks *d);
