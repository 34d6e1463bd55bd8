/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/gce.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/vec.h"
#include "disk/deflate.h"
#include "disk/sink.h"
#include "pack/tar_header.h"

#include <stdlib.h>
#include <string.h>

enum {
	GIB = 1 << 30,
	PIECE = 256 * 1024, /* of the tar file in one gzip member */
	SEGMENTS_MAX = 16384,
	HEAD_ENTRIES = 4,  /* of the map in the header of the member … */
	MORE_ENTRIES = 21, /* … and in each block behind it */
	ENTRY = 24,
	/* offsets in the header, as GNU tar has them */
	TYPE = 156,
	MAGIC = 257,
	MAP = 386,
	EXTENDED = 482,
	REAL_SIZE = 483,
	MORE_EXTENDED = 504,
};

struct segment {
	uint64_t at, len;
};
VEC_DECLARE(segment_list, struct segment);

struct gce {
	struct disk_writer writer;
	struct sink sink;
	struct deflater *deflater;
	uint64_t capacity;
	uint64_t grain; /* data and holes have multiples of it */
	uint64_t room;  /* left at the beginning of the file */
	uint64_t end;   /* of what was written last, in the disk */
	uint64_t stored;
	struct segment_list segments;
	unsigned char *piece; /* being filled, in the deflater; NULL: none */
	size_t piece_len;
};

uint64_t gce_capacity(uint64_t size)
{
	return (size + GIB - 1) / GIB * GIB;
}

static size_t map_blocks(size_t segments)
{
	size_t more = segments > HEAD_ENTRIES ? segments - HEAD_ENTRIES : 0;

	return 1 + (more + MORE_ENTRIES - 1) / MORE_ENTRIES;
}

/* ---- data -------------------------------------------------------------------------------- */

static int push_piece(struct gce *g, struct error **err)
{
	size_t len = g->piece_len;

	g->piece = NULL;
	g->piece_len = 0;
	return deflater_push(g->deflater, 0, len, err);
}

/* `data` NULL: zeros */
static int append(struct gce *g, const unsigned char *data, uint64_t len, struct error **err)
{
	while (len) {
		size_t n = (size_t)MIN(len, PIECE - g->piece_len);

		if (!g->piece && !(g->piece = deflater_room(g->deflater, err)))
			return -1;
		if (data) {
			memcpy(g->piece + g->piece_len, data, n);
			data += n;
		} else {
			memset(g->piece + g->piece_len, 0, n);
		}
		g->piece_len += n;
		len -= n;
		if (g->piece_len == PIECE && push_piece(g, err) < 0)
			return -1;
	}
	return 0;
}

/* To the end of the grain that was begun. */
static int complete_grain(struct gce *g, struct error **err)
{
	uint64_t over = g->end % g->grain;

	if (!over)
		return 0;
	over = g->grain - over;
	g->end += over;
	g->segments.items[g->segments.len - 1].len += over;
	return append(g, NULL, over, err);
}

static int add_chunk(struct gce *g, uint64_t at, const unsigned char *p, size_t len,
		     struct error **err)
{
	uint64_t from = at / g->grain * g->grain;
	struct segment *last;

	if (from >= g->end) {
		if (complete_grain(g, err) < 0)
			return -1;
		if (!g->segments.len || from > g->end)
			*vec_push(&g->segments) = (struct segment){ from, 0 };
		g->end = from;
	}
	if (append(g, NULL, at - g->end, err) < 0 || append(g, p, len, err) < 0)
		return -1;
	last = &g->segments.items[g->segments.len - 1];
	g->end = at + len;
	last->len = g->end - last->at;
	return 0;
}

static int gce_write(struct disk_writer *w, uint64_t offset, const void *bytes, size_t len,
		     struct cancel *c, struct error **err)
{
	struct gce *g = (struct gce *)w;
	const unsigned char *p = bytes;

	assert(offset >= g->end && offset + len <= g->capacity);
	for (size_t n; len; offset += n, p += n, len -= n) {
		n = MIN(len, DISK_CHUNK);
		if (is_zeros(p, n))
			continue;
		if (cancel_check(c, err) < 0 || add_chunk(g, offset, p, n, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the map ----------------------------------------------------------------------------- */

static void put_entry(unsigned char *at, const struct segment *s)
{
	tar_number(at, 12, (int64_t)s->at);
	tar_number(at + 12, 12, (int64_t)s->len);
}

/* The header and the blocks of the map; heap. */
static unsigned char *make_head(const struct gce *g, size_t *ret_len)
{
	size_t blocks = map_blocks(g->segments.len);
	unsigned char *head = xcalloc(blocks, TAR_BLOCK);
	const struct segment *s = g->segments.items;
	size_t left = g->segments.len, n = MIN(left, HEAD_ENTRIES);

	tar_ustar_header(head, "disk.raw", g->stored);
	for (size_t i = 0; i < n; i++)
		put_entry(head + MAP + i * ENTRY, s++);
	left -= n;
	head[TYPE] = 'S';
	memcpy(head + MAGIC, "ustar  ", 8);
	head[EXTENDED] = left > 0;
	tar_number(head + REAL_SIZE, 12, (int64_t)g->capacity);
	tar_seal(head);
	for (unsigned char *block = head + TAR_BLOCK; left; block += TAR_BLOCK) {
		n = MIN(left, MORE_ENTRIES);
		for (size_t i = 0; i < n; i++)
			put_entry(block + i * ENTRY, s++);
		left -= n;
		block[MORE_EXTENDED] = left > 0;
	}
	*ret_len = blocks * TAR_BLOCK;
	return head;
}

enum {
	EMPTY_MEMBER = 22, /* with an extra field of no bytes */
	EXTRA_MAX = 65535,
};

/* Members of gzip that hold nothing, `len` bytes of them; 0 or at least EMPTY_MEMBER. */
static void put_empty_members(unsigned char *at, size_t len)
{
	static const unsigned char header[] = { 0x1f, 0x8b, 8,   4 /* extra field */, 0, 0, 0,
						0,    0,    0xff };

	while (len) {
		size_t n = MIN(len, EMPTY_MEMBER + EXTRA_MAX);

		if (len - n && len - n < EMPTY_MEMBER)
			n -= EMPTY_MEMBER;
		memset(at, 0, n);
		memcpy(at, header, sizeof(header));
		put_le(at + 10, n - EMPTY_MEMBER, 2);
		at[n - 10] = 3; /* an empty block of deflate */
		at += n;
		len -= n;
	}
}

static int write_head(struct gce *g, struct error **err)
{
	AUTO_FREE unsigned char *out = xmalloc(g->room);
	size_t len;
	AUTO_FREE unsigned char *head = make_head(g, &len);
	size_t made = deflate_piece(DEFLATE_GZIP, head, len, out, g->room - EMPTY_MEMBER, err);

	if (!made)
		return -1;
	put_empty_members(out + made, g->room - made);
	return sink_patch(&g->sink, 0, out, g->room, err);
}

/* ---- beginning and end -------------------------------------------------------------------- */

static int write_piece(void *data, uint64_t unused, const void *bytes, size_t len,
		       struct error **err)
{
	struct gce *g = data;

	(void)unused;
	return sink_write(&g->sink, bytes, len, err);
}

static int gce_finish(struct disk_writer *w, struct cancel *c, struct error **err)
{
	struct gce *g = (struct gce *)w;

	if (cancel_check(c, err) < 0 || complete_grain(g, err) < 0)
		return -1;
	for (size_t i = 0; i < g->segments.len; i++)
		g->stored += g->segments.items[i].len;
	/* as GNU tar has it: the end of the file when that is no data */
	if (g->end < g->capacity)
		*vec_push(&g->segments) = (struct segment){ g->capacity, 0 };
	/* two blocks of zeros end the tar file; grains are multiples of a block */
	if (append(g, NULL, 2 * TAR_BLOCK, err) < 0)
		return -1;
	if (push_piece(g, err) < 0 || deflater_flush(g->deflater, err) < 0 ||
	    write_head(g, err) < 0)
		return -1;
	return sink_close(&g->sink, err);
}

static void gce_free(struct disk_writer *w)
{
	struct gce *g = (struct gce *)w;

	deflater_free(g->deflater);
	sink_release(&g->sink);
	vec_release(&g->segments);
	free(g);
}

static const struct disk_writer_ops ops = {
	.write = gce_write,
	.finish = gce_finish,
	.free = gce_free,
};

static int start(struct gce *g, const struct disk_target *target, int level, struct error **err)
{
	const struct deflate_spec spec = {
		.form = DEFLATE_GZIP,
		.level = level,
		.threads = target->threads,
		.piece_max = PIECE,
		.out = write_piece,
		.data = g,
	};
	size_t bound, most;

	g->grain = DISK_CHUNK;
	while (g->capacity / g->grain / 2 > SEGMENTS_MAX)
		g->grain *= 2;
	/* every other grain, and the end */
	most = (size_t)(g->capacity / g->grain / 2 + 2);
	if (sink_open(&g->sink, target->path, err) < 0 ||
	    deflate_bound(DEFLATE_GZIP, map_blocks(most) * TAR_BLOCK, &bound, err) < 0)
		return -1;
	g->room = bound + EMPTY_MEMBER;
	g->deflater = deflater_new(&spec, err);
	return g->deflater ? sink_zeros(&g->sink, g->room, err) : -1;
}

struct disk_writer *gce_new(const struct disk_target *target, int level, struct error **err)
{
	struct gce *g = NEW(struct gce);

	g->writer.ops = &ops;
	g->sink = (struct sink)SINK_INIT;
	g->capacity = gce_capacity(target->size);
	if (start(g, target, level, err) < 0) {
		gce_free(&g->writer);
		return NULL;
	}
	return &g->writer;
}
