/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any division of a disk into data and holes, as nbd_status() tells it: the ranges
 * that are read lie in order, within the disk, and begin and end where they may. This
 * program has no qemu-nbd: the functions of disk/nbd.h that are needed are its own.
 */
#include "base/alloc.h"
#include "disk/source.h"
#include "disk/writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS_MAX = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct nbd {
	const uint8_t *data;
	size_t len;
	uint64_t size;
};

static struct nbd disk;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t take(size_t bytes)
{
	uint64_t n = 0;

	for (; bytes && disk.len; bytes--, disk.len--)
		n = n << 8 | *disk.data++;
	return n;
}

int nbd_open(const struct disk_host *host, const struct nbd_spec *spec, struct cancel *c,
	     struct nbd **ret, struct error **err)
{
	(void)host;
	(void)spec;
	(void)c;
	(void)err;
	*ret = &disk;
	return 0;
}

void nbd_free(struct nbd *n)
{
	(void)n;
}

uint64_t nbd_size(const struct nbd *n)
{
	return n->size;
}

int nbd_status(struct nbd *n, uint64_t offset, uint64_t len, struct nbd_extents *ret,
	       struct cancel *c, struct error **err)
{
	size_t count = 1 + take(1) % ARRAY_LEN(ret->items);

	(void)c;
	require(len > 0 && offset + len <= n->size);
	if (!disk.len)
		return error_set(err, ERROR_REMOTE, "there is no more");
	for (ret->len = 0; len && ret->len < count; ret->len++) {
		uint64_t what = take(4);
		uint64_t here = MIN(len, 1 + (what & 0x7fffffff));

		ret->items[ret->len] = (struct nbd_extent){ here, what >> 31 };
		len -= here;
	}
	return 0;
}

static void read_ranges(struct disk_source *s)
{
	AUTO(error) struct error *err = NULL;
	uint64_t end = 0;

	for (int i = 0; i < TURNS_MAX; i++) {
		struct disk_range r;

		if (disk_source_next(s, &r, NULL, &err) < 0)
			return;
		require(r.offset >= end && r.offset + r.len <= disk.size);
		if (!r.len)
			return;
		end = r.offset + r.len;
		require(r.offset % DISK_CHUNK == 0 && (end % DISK_CHUNK == 0 || end == disk.size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(disk_source) struct disk_source *s = NULL;
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv none = STRV_INIT;
	const struct disk_host host = { .temp_dir = "/tmp" };

	disk = (struct nbd){ .data = data, .len = size };
	disk.size = take(8);
	/* this program itself is as good a raw disk as any */
	if (disk_source_open(&host, "/proc/self/exe", &none, NULL, &s, &err) == 0)
		read_ranges(s);
	return 0;
}
