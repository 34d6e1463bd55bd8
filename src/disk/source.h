/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished disk being read, in order, without its holes: what the image says is zero is skipped. Which
 * parts are data is asked a GiB at a time.
 */
#pragma once

#include "disk/nbd.h"

struct disk_source;

MUST_CHECK int disk_source_open(const struct disk_host *host, const char *path,
				const struct strv *known, struct cancel *c,
				struct disk_source **ret, struct error **err);
void disk_source_free(struct disk_source *s);
DEFINE_AUTO(disk_source, struct disk_source *, disk_source_free);

uint64_t disk_source_size(const struct disk_source *s);
struct nbd *disk_source_nbd(struct disk_source *s); /* to read from */

/* Begins at a multiple of DISK_CHUNK and ends at one, or at the end of the disk. */
struct disk_range {
	uint64_t offset, len;
};
/* The next range that has data; len 0: there is none. */
MUST_CHECK int disk_source_next(struct disk_source *s, struct disk_range *ret, struct cancel *c,
				struct error **err);
