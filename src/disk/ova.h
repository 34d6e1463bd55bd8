/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OVA: the descriptor, the disks and a manifest in one tar file, written in one pass. The disks
 * go into it while they are compressed.
 *
 * The descriptor comes first, as the standard wants, and tells sizes that are known only at the end:
 * room is left for it, and spaces behind its last element fill what it does not need. The manifest
 * and the signature come last, which is the other place that the standard gives them: VirtualBox
 * writes them there itself, and ovftool reads both orders.
 */
#pragma once

#include "base/arena.h"
#include "disk/ovf.h"
#include "disk/writer.h"

struct ova_spec {
	const char *name; /* of what is in it: NAME.ovf; characters that are no good become "-" */
	const struct ovf_machine *machine;
	size_t disk_count;
	int level; /* of compression, 0: the default */
	/* PEM texts: the manifest is signed. Both or none. */
	const char *private_key, *certificate;
	/* What the spec leads to is in it; taken, also when ova_new() fails. NULL: it outlives the OVA. */
	struct arena *arena;
};

struct ova;
struct ova *ova_new(const char *path, const struct ova_spec *spec, struct error **err);
/* The writer of the next disk; it is finished and freed before the next one, `disk_count` times. */
struct disk_writer *ova_disk(struct ova *o, uint64_t size, int threads, struct error **err);
MUST_CHECK int ova_finish(struct ova *o, struct error **err);
void ova_free(struct ova *o); /* a file that was not finished is removed */

/* A whole OVA with one disk, as one writer. */
struct disk_writer *ova_writer_new(const struct disk_target *target, const struct ova_spec *spec,
				   struct error **err);
