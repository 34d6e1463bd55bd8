/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ISO 9660 image with Joliet and Rock Ridge, so that every guest sees the
 * names as they are. Times are fixed: the same files make the same names,
 * content and order.
 */
#pragma once

#include "builder/qemu/file_tree.h"
#include "os/cancel.h"

enum { ISO_LABEL_MAX = 32 };

/* The label is kept as given, upper and lower case. */
MUST_CHECK int iso_image_write(const char *path, const char *label, struct file_tree *t,
			       struct cancel *c, struct error **err);
