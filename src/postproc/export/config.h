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

/* A network card of the machine that an OVA describes. */
struct export_nic {
	const char *model, *network;
};

/* What an OVA says of its machine where the builder does not, or says it wrong. */
struct export_ovf {
	const char *name, *firmware, *guest_os_type, *disk_controller;
	int64_t cpus, memory, hardware_version; /* 0: as the builder says, or the default */
	const char *product, *vendor, *version, *full_version, *product_url, *vendor_url;
	struct text_list eula_files;
	const char *annotation;
	struct text_map properties;
	struct block_list nic;
	const char *private_key_file, *certificate_file;
};

struct export_config {
	struct text_list formats;
	struct block_list image;
	const void *ovf; /* struct export_ovf, or NULL */
	const char *output, *disk;
	struct text_list checksum_types;
	bool sparse;
	/* Set by prepare: all that are to be made, in order. */
	const struct export_image *images;
	size_t image_count;
};
