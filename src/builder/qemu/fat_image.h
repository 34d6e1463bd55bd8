/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A floppy disk: 1,474,560 bytes, FAT12 with long names. Pure of everything but
 * the files it reads; the same files make the same bytes.
 */
#pragma once

#include "builder/qemu/file_tree.h"
#include "os/cancel.h"

enum { FAT_LABEL_MAX = 11 };

/* ERROR_INVALID with how much it is too much, when the files do not fit. */
MUST_CHECK int fat_image_write(const char *path, const char *label, struct file_tree *t,
			       struct cancel *c, struct error **err);
