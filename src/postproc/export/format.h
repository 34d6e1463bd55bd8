/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of images, a row for each way to make one. */
#pragma once

#include "core/component.h"
#include "disk/qemu_image.h"
#include "disk/sums.h"
#include "disk/writer.h"
#include "postproc/export/config.h"

/* What a writer is made from. */
struct export_making {
	const struct export_config *config;
	const struct export_image *image;
	struct build_ctx *ctx;
	const struct artifact *input;
	const struct disk_host *host;
	const char *path; /* the file as it will be named */
	const struct disk_target target;
	/* Checksums of the file: to be made by a writer that writes it from the start to the end (and
	 * finished by it); else the file is read when it is complete. NULL: none are wanted. */
	struct disk_sums *sums;
};

struct export_format {
	const char *name;
	const char *subformat; /* NULL: there is one only */
	const char *ending;
	const char *const *compressions; /* ends with NULL, the first is the default; NULL: none */
	int level_max;                   /* of the compression, from 1; 0: it has none */
	uint64_t size_max;               /* of the disk, bytes; 0: never reached */
	int (*make)(const struct export_making *m, struct disk_writer **ret, struct error **err);
	struct disk_qemu_format qemu;
};

/* `subformat` NULL or "": the first row of that name. NULL: there is none. */
const struct export_format *export_format_find(const char *name, const char *subformat);
/* Names of formats, or the subformats of one (`name`); appended, each once. */
void export_format_names(const char *name, struct strv *ret);
