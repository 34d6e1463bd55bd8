/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamOptimized VMDK ("Virtual Disk Format 5.0", VMware): grains of 64 KiB, each deflated, their
 * tables behind them, the directory and a second header at the end, so that it is written from
 * front to back. Readers of such files ask for a capacity of whole grains: the disk grows by zeros
 * to the next 64 KiB. The same data gives the same bytes, also its content id: it is made of the
 * disk's size only, as nothing else is known when it is written, and it means something only for
 * disks with children.
 */
#pragma once

#include "disk/sink.h"
#include "disk/writer.h"

#include <stdbool.h>

struct stream_vmdk_spec {
	const char *name;       /* of the file, as the descriptor shows it */
	bool is_ide;            /* the controller it is for: "ide", else "lsilogic" */
	int hardware_version;   /* of the virtual machine; 0: a usual one */
	int level;              /* of compression, 0: the default */
	struct disk_sums *sums; /* of the file, made and finished by the writer; NULL: none */
};

/* As a file, or as a part of one: `to`, which stays the caller's and must outlive the writer; no
 * `sums` then. */
struct disk_writer *stream_vmdk_new(const struct disk_target *target,
				    const struct stream_vmdk_spec *spec, struct error **err);
struct disk_writer *stream_vmdk_into(struct sink *to, const struct disk_target *target,
				     const struct stream_vmdk_spec *spec, struct error **err);

/* Of a finished one: how much of the disk is not zero, in bytes. */
uint64_t stream_vmdk_populated(const struct disk_writer *w);
/* The digest of one that is a part of a file, lower-case hex; borrowed. */
const char *stream_vmdk_sha256(const struct disk_writer *w);
/* The size of the disk as the file has it. */
uint64_t stream_vmdk_capacity(uint64_t size);
