/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/stream_vmdk.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/strbuf.h"
#include "disk/deflate.h"

#include <stdlib.h>
#include <string.h>

enum {
	SECTOR = DISK_SECTOR,
	GRAIN = DISK_CHUNK,
	GRAIN_SECTORS = GRAIN / SECTOR,
	TABLE_ENTRIES = 512, /* grains of a grain table */
	DESCRIPTOR_SECTORS = 20,
	HEAD_SECTORS = 128, /* header and descriptor, rounded up to a grain */
	DEFAULT_HARDWARE = 10,
};

#define GD_AT_END UINT64_MAX
#define SIZE_MAX_ (UINT64_C(62) << 40) /* the largest disk that VMware has */

enum marker { MARKER_END, MARKER_TABLE, MARKER_DIRECTORY, MARKER_FOOTER };

struct stream_vmdk {
	struct disk_writer writer;
	struct sink own; /* closed when it goes into another's */
	struct sink *to;
	uint64_t base; /* where it begins in there */
	uint64_t capacity;
	struct deflater *deflater;
	uint64_t populated;
	char *sha256;

	uint32_t table[TABLE_ENTRIES]; /* sector of each grain of table `table_at`, 0: zeros */
	uint64_t table_at;
	bool table_used;
	uint32_t *directory; /* sector of each table */
	size_t directory_len;
};

uint64_t stream_vmdk_capacity(uint64_t size)
{
	return (size + GRAIN - 1) / GRAIN * GRAIN;
}

/* ---- header and descriptor ------------------------------------------------------------ */

static int write_header(struct stream_vmdk *v, uint64_t directory, struct error **err)
{
	enum { NEWLINES = 1, COMPRESSED = 1 << 16, MARKERS = 1 << 17 };
	unsigned char h[SECTOR] = "KDMV";

	put_le(h + 4, 3, 4); /* version */
	put_le(h + 8, NEWLINES | COMPRESSED | MARKERS, 4);
	put_le(h + 12, v->capacity / SECTOR, 8);
	put_le(h + 20, GRAIN_SECTORS, 8);
	put_le(h + 28, 1, 8); /* the descriptor */
	put_le(h + 36, DESCRIPTOR_SECTORS, 8);
	put_le(h + 44, TABLE_ENTRIES, 4);
	put_le(h + 56, directory, 8);
	put_le(h + 64, HEAD_SECTORS, 8);
	memcpy(h + 73, "\n \r\n", 4); /* tells a transfer that took it for text */
	put_le(h + 77, 1, 2);         /* deflate */
	return sink_write(v->to, h, sizeof(h), err);
}

static uint32_t content_id(const struct stream_vmdk *v)
{
	uint32_t id = (uint32_t)(v->capacity / SECTOR * 2654435761U);

	/* ffffffff: no parent, fffffffe: none yet */
	return id >= 0xfffffffe ? id - 2 : id;
}

static void describe(struct strbuf *sb, const struct stream_vmdk *v,
		     const struct stream_vmdk_spec *spec)
{
	uint64_t sectors = v->capacity / SECTOR;
	unsigned heads = spec->is_ide ? 16 : 255;
	uint64_t cylinders = MAX(sectors / (heads * 63), 1);

	/* an IDE disk tells no more cylinders */
	if (spec->is_ide)
		cylinders = MIN(cylinders, 16383);
	strbuf_addf(sb,
		    "# Disk DescriptorFile\nversion=1\nCID=%08x\nparentCID=ffffffff\n"
		    "createType=\"streamOptimized\"\n\n# Extent description\n",
		    content_id(v));
	strbuf_addf(sb, "RW %llu SPARSE \"%s\"\n\n", (unsigned long long)sectors, spec->name);
	strbuf_addf(sb,
		    "# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"%d\"\n"
		    "ddb.encoding = \"UTF-8\"\nddb.adapterType = \"%s\"\n",
		    spec->hardware_version > 0 ? spec->hardware_version : DEFAULT_HARDWARE,
		    spec->is_ide ? "ide" : "lsilogic");
	strbuf_addf(sb,
		    "ddb.geometry.cylinders = \"%llu\"\nddb.geometry.heads = \"%u\"\n"
		    "ddb.geometry.sectors = \"63\"\n",
		    (unsigned long long)cylinders, heads);
}

static int write_head(struct stream_vmdk *v, const struct stream_vmdk_spec *spec,
		      struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	/* a quote would end the name, and nobody goes by it */
	if (strpbrk(spec->name, "\"\r\n") || strlen(spec->name) > 255)
		return error_set(err, ERROR_INVALID,
				 "'%s' cannot be the name of a VMDK file: it has quotes or line "
				 "ends, or is too long",
				 spec->name);
	describe(&sb, v, spec);
	assert(sb.len <= DESCRIPTOR_SECTORS * SECTOR);
	if (write_header(v, GD_AT_END, err) < 0 || sink_write(v->to, sb.buf, sb.len, err) < 0)
		return -1;
	return sink_align(v->to, v->base, HEAD_SECTORS * SECTOR, err);
}

/* ---- grains and their tables ------------------------------------------------------------ */

static int sector_here(const struct stream_vmdk *v, uint32_t *ret, struct error **err)
{
	uint64_t sector = (v->to->at - v->base) / SECTOR;

	if (sector > UINT32_MAX) {
		error_set(err, ERROR_INVALID,
			  "cannot write '%s': a streamOptimized VMDK holds at most 2 TiB of "
			  "compressed data",
			  v->to->path);
		return error_hint(err, "choose another format for this disk");
	}
	*ret = (uint32_t)sector;
	return 0;
}

static int write_marker(struct stream_vmdk *v, enum marker type, uint64_t sectors,
			struct error **err)
{
	unsigned char m[SECTOR] = { 0 };

	put_le(m, sectors, 8);
	put_le(m + 12, type, 4);
	return sink_write(v->to, m, sizeof(m), err);
}

static int write_entries(struct stream_vmdk *v, const uint32_t *entries, size_t n,
			 struct error **err)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char le[4];

		put_le(le, entries[i], 4);
		if (sink_write(v->to, le, sizeof(le), err) < 0)
			return -1;
	}
	return sink_align(v->to, v->base, SECTOR, err);
}

static int finish_table(struct stream_vmdk *v, struct error **err)
{
	if (!v->table_used)
		return 0;
	if (write_marker(v, MARKER_TABLE, sizeof(v->table) / SECTOR, err) < 0 ||
	    sector_here(v, &v->directory[v->table_at], err) < 0 ||
	    write_entries(v, v->table, TABLE_ENTRIES, err) < 0)
		return -1;
	memset(v->table, 0, sizeof(v->table));
	v->table_used = false;
	return 0;
}

/* Deflated grains come here, in order. */
static int write_grain(void *data, uint64_t grain, const void *bytes, size_t len,
		       struct error **err)
{
	struct stream_vmdk *v = data;
	unsigned char marker[12];

	if (grain / TABLE_ENTRIES != v->table_at && finish_table(v, err) < 0)
		return -1;
	v->table_at = grain / TABLE_ENTRIES;
	v->table_used = true;
	put_le(marker, grain * GRAIN_SECTORS, 8);
	put_le(marker + 8, len, 4);
	if (sector_here(v, &v->table[grain % TABLE_ENTRIES], err) < 0 ||
	    sink_write(v->to, marker, sizeof(marker), err) < 0 ||
	    sink_write(v->to, bytes, len, err) < 0)
		return -1;
	return sink_align(v->to, v->base, SECTOR, err);
}

static int stream_vmdk_write(struct disk_writer *w, uint64_t offset, const void *bytes, size_t len,
			     struct cancel *c, struct error **err)
{
	struct stream_vmdk *v = (struct stream_vmdk *)w;
	const unsigned char *p = bytes;

	assert(offset % GRAIN == 0 && offset + len <= v->capacity);
	for (size_t n; len; offset += n, p += n, len -= n) {
		n = MIN(len, GRAIN);
		if (is_zeros(p, n))
			continue;
		if (cancel_check(c, err) < 0)
			return -1;

		unsigned char *room = deflater_room(v->deflater, err);

		if (!room)
			return -1;
		memcpy(room, p, n);
		memset(room + n, 0, GRAIN - n);
		if (deflater_push(v->deflater, offset / GRAIN, GRAIN, err) < 0)
			return -1;
		v->populated += GRAIN;
	}
	return 0;
}

/* ---- the end ------------------------------------------------------------------------- */

static int write_directory(struct stream_vmdk *v, uint32_t *ret, struct error **err)
{
	size_t sectors = (v->directory_len * 4 + SECTOR - 1) / SECTOR;

	if (write_marker(v, MARKER_DIRECTORY, sectors, err) < 0 || sector_here(v, ret, err) < 0)
		return -1;
	return write_entries(v, v->directory, v->directory_len, err);
}

static int stream_vmdk_finish(struct disk_writer *w, struct cancel *c, struct error **err)
{
	struct stream_vmdk *v = (struct stream_vmdk *)w;
	uint32_t directory = 0;

	if (cancel_check(c, err) < 0 || deflater_flush(v->deflater, err) < 0 ||
	    finish_table(v, err) < 0 || write_directory(v, &directory, err) < 0 ||
	    write_marker(v, MARKER_FOOTER, 1, err) < 0 || write_header(v, directory, err) < 0 ||
	    write_marker(v, MARKER_END, 0, err) < 0)
		return -1;
	if (v->to != &v->own)
		return sink_digest_end(v->to, &v->sha256, err);
	if (sink_close(&v->own, err) < 0)
		return -1;
	if (v->own.sums)
		disk_sums_finish(v->own.sums);
	return 0;
}

static void stream_vmdk_free(struct disk_writer *w)
{
	struct stream_vmdk *v = (struct stream_vmdk *)w;

	deflater_free(v->deflater);
	sink_release(&v->own);
	free(v->directory);
	free(v->sha256);
	free(v);
}

/* ---- the beginning ------------------------------------------------------------------- */

static const struct disk_writer_ops ops = {
	.write = stream_vmdk_write,
	.finish = stream_vmdk_finish,
	.free = stream_vmdk_free,
};

static int start(struct stream_vmdk *v, const struct disk_target *target,
		 const struct stream_vmdk_spec *spec, struct error **err)
{
	const struct deflate_spec deflate = {
		.form = DEFLATE_ZLIB,
		.level = spec->level,
		.threads = target->threads,
		.piece_max = GRAIN,
		.out = write_grain,
		.data = v,
	};

	v->base = v->to->at;
	v->capacity = stream_vmdk_capacity(target->size);
	v->directory_len = (size_t)((v->capacity / GRAIN + TABLE_ENTRIES - 1) / TABLE_ENTRIES);
	v->directory = xcalloc(MAX(v->directory_len, 1), sizeof(*v->directory));
	v->deflater = deflater_new(&deflate, err);
	v->own.sums = spec->sums;
	if (!v->deflater || (v->to != &v->own && sink_digest_begin(v->to, err) < 0))
		return -1;
	return write_head(v, spec, err);
}

static struct disk_writer *make(struct sink *to, const struct disk_target *target,
				const struct stream_vmdk_spec *spec, struct error **err)
{
	assert(target->size && target->size % SECTOR == 0);
	if (target->size > SIZE_MAX_) {
		error_set(err, ERROR_INVALID, "a VMDK holds at most 62 TiB, the disk has %.1f TiB",
			  (double)target->size / (double)(UINT64_C(1) << 40));
		return NULL;
	}

	struct stream_vmdk *v = NEW(struct stream_vmdk);
	int r = 0;

	v->writer.ops = &ops;
	v->own = (struct sink)SINK_INIT;
	v->to = to ? to : &v->own;
	if (!to)
		r = sink_open(&v->own, target->path, err);
	if (r < 0 || start(v, target, spec, err) < 0) {
		stream_vmdk_free(&v->writer);
		return NULL;
	}
	return &v->writer;
}

struct disk_writer *stream_vmdk_new(const struct disk_target *target,
				    const struct stream_vmdk_spec *spec, struct error **err)
{
	return make(NULL, target, spec, err);
}

struct disk_writer *stream_vmdk_into(struct sink *to, const struct disk_target *target,
				     const struct stream_vmdk_spec *spec, struct error **err)
{
	return make(to, target, spec, err);
}

uint64_t stream_vmdk_populated(const struct disk_writer *w)
{
	return ((const struct stream_vmdk *)w)->populated;
}

const char *stream_vmdk_sha256(const struct disk_writer *w)
{
	return ((const struct stream_vmdk *)w)->sha256;
}
