/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One disk to several writers in one pass. The calling thread reads; each writer works on a thread of its
 * own, at its own pace as far as the queue between them goes. All or nothing: when one fails, the rest is
 * stopped and its error is that of the whole.
 */
#pragma once

#include "disk/source.h"
#include "disk/writer.h"

struct disk_lane {
	struct disk_writer *writer;
	/* On the writer's thread when the file is complete; NULL: nothing. */
	int (*after)(void *data, struct cancel *c, struct error **err);
	void *data;
};

/* On the calling thread: how far the reading is. */
typedef void (*disk_progress_fn)(void *data, uint64_t done, uint64_t total);

struct disk_copy {
	struct disk_source *source;
	const struct disk_lane *lanes;
	size_t lane_count; /* 1 to DISK_LANES_MAX */
	disk_progress_fn progress;
	void *data;
};
MUST_CHECK int disk_copy_run(const struct disk_copy *copy, struct cancel *c, struct error **err);
