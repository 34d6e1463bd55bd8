/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/zdeflate.h"

#include "base/alloc.h"
#include "base/macro.h"

#include <stdlib.h>
#include <zlib.h>

enum { MEMORY_LEVEL = 8, ROOM = 1024 };

struct zdeflate {
	z_stream z;
};

static void *allocate(void *unused, unsigned n, unsigned size)
{
	(void)unused;
	return xcalloc(n, size);
}

static void release(void *unused, void *memory)
{
	(void)unused;
	free(memory);
}

struct zdeflate *zdeflate_new(int level)
{
	struct zdeflate *d = NEW(struct zdeflate);
	int r;

	d->z.zalloc = allocate;
	d->z.zfree = release;
	r = deflateInit2(&d->z, level, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
	assert(r == Z_OK);
	return d;
}

void zdeflate_free(struct zdeflate *d)
{
	if (!d)
		return;
	(void)deflateEnd(&d->z);
	free(d);
}

static void run(struct zdeflate *d, const void *in, size_t len, int how, struct strbuf *ret)
{
	z_stream *z = &d->z;
	int r;

	z->next_in = (unsigned char *)(uintptr_t)in;
	z->avail_in = (uInt)len;
	do {
		size_t room = deflateBound(z, z->avail_in) + ROOM;

		z->next_out = (unsigned char *)strbuf_reserve(ret, room);
		z->avail_out = (uInt)room;
		r = deflate(z, how);
		assert(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
		strbuf_advance(ret, room - z->avail_out);
	} while (z->avail_out == 0);
	(void)deflateReset(z);
}

void zdeflate_piece(struct zdeflate *d, const void *in, size_t len, const void *before,
		    size_t before_len, struct strbuf *ret)
{
	if (before_len)
		(void)deflateSetDictionary(&d->z, before, (uInt)before_len);
	run(d, in, len, Z_SYNC_FLUSH, ret);
}

void zdeflate_whole(struct zdeflate *d, const void *in, size_t len, struct strbuf *ret)
{
	run(d, in, len, Z_FINISH, ret);
}

void zdeflate_add_end(struct strbuf *ret)
{
	strbuf_add(ret, "\x03", 2); /* an empty last block of fixed codes */
}

uint32_t zdeflate_crc(const void *data, size_t len)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)len);
}

uint32_t zdeflate_join_crcs(uint32_t first, uint32_t second, int64_t len)
{
	return (uint32_t)crc32_combine(first, second, len);
}
