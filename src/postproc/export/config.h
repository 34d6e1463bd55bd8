/* SPDX-License-Identifier: Apache-2.0 */
/* What the post-processor `export` is told: its options as a struct. */
#pragma once

#include "schema/schema.h"

#include <stdbool.h>
#include <stdint.h>

struct export_format;

/* One image to make: a block, or a word of `formats`. */
struct export_image {
	const char *format, *subformat, *compression, *output;
	int64_t level;                    /* 0: the default */
	const struct export_format *kind; /* set by prepare */
};

struct export_config {
	struct text_list formats;
	struct block_list image;
	const char *output, *disk;
	struct text_list checksum_types;
	bool sparse;
	/* Set by prepare: all that are to be made, in order. */
	const struct export_image *images;
	size_t image_count;
};
