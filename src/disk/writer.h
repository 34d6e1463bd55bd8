/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes an image file out of a disk's data. The pump (copy.h) gives each writer the same data
 * in the same order, on a thread of the writer's own: a writer shares nothing. What is never given
 * is zero. A writer owns its file under the name it was made with; a file that was not finished is
 * removed by free().
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stddef.h>
#include <stdint.h>

enum { DISK_CHUNK = 64 * 1024, DISK_SECTOR = 512 };

struct disk_writer;

struct disk_writer_ops {
	/* `offset` never goes back and is a multiple of DISK_CHUNK; so is `len`, but at the end of
	 * the disk. `bytes` are borrowed for the call. */
	int (*write)(struct disk_writer *w, uint64_t offset, const void *bytes, size_t len,
		     struct cancel *c, struct error **err);
	/* All was given: the file is complete afterwards. */
	int (*finish)(struct disk_writer *w, struct cancel *c, struct error **err);
	void (*free)(struct disk_writer *w);
};

struct disk_writer {
	const struct disk_writer_ops *ops;
};

/* What every writer is made from. `size`: of the disk in bytes, a multiple of DISK_SECTOR. */
struct disk_target {
	const char *path; /* the file to make; nothing is there yet */
	uint64_t size;
	int threads; /* how many it may use for compression, at least 1 */
};

void disk_writer_free(struct disk_writer *w);
