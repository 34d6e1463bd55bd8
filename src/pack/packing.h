/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files put into one archive, or one file compressed: members are given in
 * their order and written at once, nothing is copied before.
 *
 *   tar: GNU's format, which every tar reads, through any encoding
 *   zip: deflated, with 64-bit sizes where they are needed; the encoding is ignored
 *   none: one member, of which only the content is kept
 */
#pragma once

#include "base/error.h"
#include "pack/content.h"
#include "pack/encoder.h"

#include <stdint.h>

enum packing_kind { PACKING_NONE, PACKING_TAR, PACKING_ZIP };

struct packing_options {
	enum packing_kind kind;
	/* `fd` is of an empty regular file; `size` is of one member without an archive, else -1. */
	struct encoder_options to;
	content_progress_fn progress; /* NULL: nobody wants to know */
	void *data;
};

struct packing_entry {
	const char *name;
	uint32_t mode;   /* 0: the file's own */
	int64_t mtime;   /* -1: the file's own; zip files tell none */
	bool keep_owner; /* else it is root's */
};

struct packing;
struct packing *packing_new(const struct packing_options *o, struct error **err);
MUST_CHECK int packing_add_file(struct packing *p, const struct packing_entry *entry,
				const char *path, struct error **err);
/* `mode` and `mtime` must be set; not for PACKING_NONE. */
MUST_CHECK int packing_add_data(struct packing *p, const struct packing_entry *entry,
				const void *data, size_t len, struct error **err);
MUST_CHECK int packing_finish(struct packing *p, struct error **err);
int packing_threads(const struct packing *p); /* how many compress */
void packing_free(struct packing *p);
DEFINE_AUTO(packing, struct packing *, packing_free);
