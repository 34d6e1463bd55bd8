/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finished disk is, told by its first bytes, and how QEMU is to open it. Nothing is left for QEMU
 * to guess: a disk that says "my content is in /etc/shadow" is not believed. What a qcow2 stands on is
 * opened only if the caller knows that file, too.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"

enum disk_kind { DISK_RAW, DISK_QCOW2, DISK_KIND_COUNT };
const char *disk_kind_name(enum disk_kind kind);

struct disk_image {
	enum disk_kind kind;
	char *options; /* QEMU's block options for reading it, JSON */
};
void disk_image_release(struct disk_image *image);
static inline void auto_disk_image(struct disk_image *image)
{
	disk_image_release(image);
}

/* `known`: absolute paths of files that it may stand on. ERROR_INVALID: it is not one that we read. */
MUST_CHECK int disk_image_look(const char *path, const struct strv *known, struct disk_image *ret,
			       struct error **err);
/* ERROR_INVALID where it is a format that we do not read. */
MUST_CHECK int disk_kind_of(const char *path, enum disk_kind *ret, struct error **err);
