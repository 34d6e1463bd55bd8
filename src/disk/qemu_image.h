/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of the formats that QEMU knows: `qemu-img create` makes the empty image, a qemu-nbd writes what
 * we give it, several requests at a time.
 */
#pragma once

#include "disk/nbd.h"
#include "disk/writer.h"

struct disk_qemu_format {
	const char *driver;  /* as QEMU names it */
	const char *options; /* of `qemu-img create -o`, or NULL */
	bool compress;       /* clusters as the driver compresses them */
	uint64_t step;       /* the disk's size is a multiple of it; 0: DISK_SECTOR */
};
/* `host` is borrowed for the writer's life. */
MUST_CHECK int disk_qemu_new(const struct disk_host *host, const struct disk_qemu_format *format,
			     const struct disk_target *target, struct cancel *c,
			     struct disk_writer **ret, struct error **err);
