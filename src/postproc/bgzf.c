/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/bgzf.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/macro.h"
#include "os/fs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	BLOCK_MAX = 65536,
	HEADER_SIZE = 18,
	TRAILER_SIZE = 8,
	INPUT_MAX = 65280, /* fits into a block even where it does not get smaller */
};

struct bgzf {
	int fd;
	const char *path;
	int level;
	size_t len;
	unsigned char input[INPUT_MAX];
	unsigned char block[BLOCK_MAX];
};

struct bgzf *bgzf_new(int fd, const char *path, int level)
{
	struct bgzf *b = NEW(struct bgzf);

	b->fd = fd;
	b->path = path;
	b->level = level;
	return b;
}

void bgzf_free(struct bgzf *b)
{
	free(b);
}

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

/* 0: it does not fit */
static size_t deflate_input(struct bgzf *b, int level)
{
	z_stream z = {
		.zalloc = allocate,
		.zfree = release,
		.next_in = b->input,
		.avail_in = (uInt)b->len,
		.next_out = b->block + HEADER_SIZE,
		.avail_out = BLOCK_MAX - HEADER_SIZE - TRAILER_SIZE,
	};

	if (deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;

	int r = deflate(&z, Z_FINISH);
	size_t made = z.total_out;

	(void)deflateEnd(&z);
	return r == Z_STREAM_END ? made : 0;
}

static int write_block(struct bgzf *b, struct error **err)
{
	static const unsigned char header[HEADER_SIZE] = {
		0x1f, 0x8b, 8, 4 /* an extra field */, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0,
	};
	size_t made = deflate_input(b, b->level);

	if (!made)
		made = deflate_input(b, Z_NO_COMPRESSION);
	assert(made);

	size_t size = HEADER_SIZE + made + TRAILER_SIZE;

	memcpy(b->block, header, sizeof(header));
	put_le(b->block + 16, size - 1, 2);
	put_le(b->block + size - 8, crc32(crc32(0, NULL, 0), b->input, (uInt)b->len), 4);
	put_le(b->block + size - 4, b->len, 4);
	b->len = 0;
	return fs_write_all(b->fd, b->block, size, b->path, err);
}

int bgzf_write(struct bgzf *b, const void *data, size_t len, struct error **err)
{
	const unsigned char *p = data;

	while (len) {
		size_t n = MIN(len, INPUT_MAX - b->len);

		memcpy(b->input + b->len, p, n);
		b->len += n;
		p += n;
		len -= n;
		if (b->len == INPUT_MAX && write_block(b, err) < 0)
			return -1;
	}
	return 0;
}

int bgzf_finish(struct bgzf *b, struct error **err)
{
	if (b->len && write_block(b, err) < 0)
		return -1;
	return write_block(b, err);
}
