/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/fat_image.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/path.h"
#include "builder/qemu/fat_name.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum {
	SECTOR = 512,
	SECTORS = 2880,
	FAT_SECTORS = 9,
	ROOT_ENTRIES = 224,
	ENTRY = 32,
	FIRST_FAT = 1,
	SECOND_FAT = FIRST_FAT + FAT_SECTORS,
	ROOT = SECOND_FAT + FAT_SECTORS,
	DATA = ROOT + ROOT_ENTRIES * ENTRY / SECTOR,
	FIRST_CLUSTER = 2,
	CLUSTERS = SECTORS - DATA,
	END_OF_CHAIN = 0xfff,
	MEDIA_TYPE = 0xf0,
	ATTR_VOLUME = 0x08,
	ATTR_DIR = 0x10,
	ATTR_ARCHIVE = 0x20,
	FIRST_DAY = 0x21, /* 1980-01-01 */
};

struct fat {
	uint8_t *image;
	const struct file_tree *tree;
	struct place {
		int first; /* cluster; 0: empty file */
		int count;
	} * places; /* of the tree's nodes */
};

static void put16(uint8_t *p, unsigned n)
{
	put_le(p, n, 2);
}

static void put32(uint8_t *p, uint32_t n)
{
	put_le(p, n, 4);
}

static uint8_t *cluster_at(const struct fat *f, int cluster)
{
	return f->image + (size_t)(DATA + cluster - FIRST_CLUSTER) * SECTOR;
}

/* ---- the frame --------------------------------------------------------------------- */

static void write_boot_sector(uint8_t *b, const char *label)
{
	static const uint8_t jump[] = { 0xeb, 0x3c, 0x90 };

	memcpy(b, jump, sizeof(jump));
	memset(b + 3, ' ', 8);
	memcpy(b + 3, label, strnlen(label, 8));
	put16(b + 11, SECTOR);
	b[13] = 1; /* sectors per cluster */
	put16(b + 14, 1);
	b[16] = 2; /* tables */
	put16(b + 17, ROOT_ENTRIES);
	put16(b + 19, SECTORS);
	b[21] = MEDIA_TYPE;
	put16(b + 22, FAT_SECTORS);
	put16(b + 24, 18); /* sectors per track */
	put16(b + 26, 2);  /* heads */
	b[38] = 0x29;      /* a serial number (0), a label and a type follow */
	memset(b + 43, ' ', FAT_LABEL_MAX);
	memcpy(b + 43, label, strnlen(label, FAT_LABEL_MAX));
	memcpy(b + 54, "FAT12   ", 8);
	/* started by mistake: to the next device */
	b[62] = 0xcd;
	b[63] = 0x18;
	b[510] = 0x55;
	b[511] = 0xaa;
}

static void set_next(const struct fat *f, int cluster, unsigned next)
{
	uint8_t *p = f->image + (size_t)FIRST_FAT * SECTOR + (size_t)cluster * 3 / 2;

	if (cluster & 1) {
		p[0] = (uint8_t)((p[0] & 0x0f) | (next << 4));
		p[1] = (uint8_t)(next >> 4);
	} else {
		p[0] = (uint8_t)next;
		p[1] = (uint8_t)((p[1] & 0xf0) | (next >> 8));
	}
}

static void write_tables(const struct fat *f)
{
	set_next(f, 0, 0xf00 | MEDIA_TYPE);
	set_next(f, 1, END_OF_CHAIN);
	for (size_t i = 0; i < f->tree->nodes.len; i++)
		for (int n = 0; n < f->places[i].count; n++) {
			int at = f->places[i].first + n;

			set_next(f, at,
				 n + 1 < f->places[i].count ? (unsigned)at + 1 : END_OF_CHAIN);
		}
	memcpy(f->image + (size_t)SECOND_FAT * SECTOR, f->image + (size_t)FIRST_FAT * SECTOR,
	       (size_t)FAT_SECTORS * SECTOR);
}

/* ---- what goes where ------------------------------------------------------------------ */

/* Is the node directly in `dir` (NULL: the root)? */
static bool is_in(const char *path, const char *dir)
{
	size_t len = dir ? strlen(dir) : 0;

	if (dir && (strncmp(path, dir, len) != 0 || path[len] != '/'))
		return false;
	return !strchr(path + (dir ? len + 1 : 0), '/');
}

/* Entries of a directory, and that no two names are one to a reader that ignores case. */
static int count_entries(const struct file_tree *t, const char *dir, size_t *ret,
			 struct error **err)
{
	*ret = dir ? 2 : 1; /* "." and "..", or the label */
	for (size_t i = 0; i < t->nodes.len; i++) {
		const char *path = t->nodes.entries[i].key;
		int slots;

		if (!is_in(path, dir))
			continue;
		slots = fat_name_slots(path_basename(path), err);
		if (slots < 0)
			return -1;
		*ret += (size_t)slots;
		for (size_t j = 0; j < i; j++)
			if (is_in(t->nodes.entries[j].key, dir) &&
			    fat_name_same(t->nodes.entries[j].key, path))
				return error_set(err, ERROR_INVALID,
						 "'%s' and '%s' are the same name on a floppy disk",
						 t->nodes.entries[j].key, path);
	}
	return 0;
}

static int place_all(struct fat *f, struct error **err)
{
	const struct map *nodes = &f->tree->nodes;
	int64_t needed = 0;
	size_t entries;

	if (count_entries(f->tree, NULL, &entries, err) < 0)
		return -1;
	if (entries > ROOT_ENTRIES)
		return error_set(
			err, ERROR_INVALID,
			"the names in the root take %zu entries of its directory, %zu more "
			"than a floppy disk has",
			entries, entries - ROOT_ENTRIES);
	for (size_t i = 0; i < nodes->len; i++) {
		const struct file_node *n = nodes->entries[i].value;
		int64_t size = n->size;

		if (n->is_dir && count_entries(f->tree, nodes->entries[i].key, &entries, err) < 0)
			return -1;
		if (n->is_dir)
			size = (int64_t)entries * ENTRY;
		size = (size + SECTOR - 1) / SECTOR;
		if (size && needed + size <= CLUSTERS)
			f->places[i] = (struct place){ (int)(FIRST_CLUSTER + needed), (int)size };
		needed += size;
	}
	if (needed > CLUSTERS)
		return error_set(err, ERROR_INVALID,
				 "the files take %lld bytes, %lld more than fit on a floppy disk",
				 (long long)(needed * SECTOR),
				 (long long)((needed - CLUSTERS) * SECTOR));
	return 0;
}

/* ---- directories ------------------------------------------------------------------------ */

static uint8_t *put_entry(uint8_t *at, const char name[static 11], int attr, int first,
			  int64_t size)
{
	memcpy(at, name, 11);
	at[11] = (uint8_t)attr;
	put16(at + 16, FIRST_DAY); /* made */
	put16(at + 18, FIRST_DAY); /* read */
	put16(at + 24, FIRST_DAY); /* written */
	put16(at + 26, (unsigned)first);
	put32(at + 28, (uint32_t)size);
	return at + ENTRY;
}

static void put_children(const struct fat *f, uint8_t *start, uint8_t *at, const char *dir)
{
	for (size_t i = 0; i < f->tree->nodes.len; i++) {
		const char *path = f->tree->nodes.entries[i].key;
		const struct file_node *n = f->tree->nodes.entries[i].value;
		char alias[11];

		if (!is_in(path, dir))
			continue;
		fat_name_alias(path_basename(path), start, (size_t)(at - start) / ENTRY, alias);
		at = fat_name_put_long(at, path_basename(path), alias);
		at = put_entry(at, alias, n->is_dir ? ATTR_DIR : ATTR_ARCHIVE, f->places[i].first,
			       n->is_dir ? 0 : n->size);
	}
}

static int cluster_of(const struct fat *f, const char *path)
{
	for (size_t i = 0; i < f->tree->nodes.len; i++)
		if (!strcmp(f->tree->nodes.entries[i].key, path))
			return f->places[i].first;
	return 0; /* so the root is named */
}

static void write_dir(const struct fat *f, size_t nr)
{
	const char *path = f->tree->nodes.entries[nr].key;
	AUTO_FREE char *parent = path_dirname(path);
	uint8_t *start = cluster_at(f, f->places[nr].first);
	uint8_t *at = put_entry(start, ".          ", ATTR_DIR, f->places[nr].first, 0);

	at = put_entry(at, "..         ", ATTR_DIR, cluster_of(f, parent), 0);
	put_children(f, start, at, path);
}

static void write_root(const struct fat *f, const char *label)
{
	uint8_t *start = f->image + (size_t)ROOT * SECTOR;
	char name[FAT_LABEL_MAX];

	memset(name, ' ', sizeof(name));
	memcpy(name, label, strnlen(label, sizeof(name)));
	put_children(f, start, put_entry(start, name, ATTR_VOLUME, 0, 0), NULL);
}

/* ---- files ------------------------------------------------------------------------------- */

static int write_file(const struct fat *f, size_t nr, struct error **err)
{
	const struct file_node *n = f->tree->nodes.entries[nr].value;
	AUTO(strbuf) struct strbuf content = STRBUF_INIT;

	if (!n->size)
		return 0;
	if (n->text) {
		memcpy(cluster_at(f, f->places[nr].first), n->text, (size_t)n->size);
		return 0;
	}
	if (fs_read(n->source, (size_t)SECTORS * SECTOR, &content, err) < 0)
		return -1;
	if ((int64_t)content.len != n->size)
		return error_set(err, ERROR_IO, "'%s' changed while it was read", n->source);
	memcpy(cluster_at(f, f->places[nr].first), content.buf, content.len);
	return 0;
}

static int fill(struct fat *f, const char *label, struct cancel *c, struct error **err)
{
	if (place_all(f, err) < 0)
		return -1;
	write_boot_sector(f->image, label);
	write_tables(f);
	write_root(f, label);
	for (size_t i = 0; i < f->tree->nodes.len; i++) {
		const struct file_node *n = f->tree->nodes.entries[i].value;

		if (cancel_check(c, err) < 0)
			return -1;
		if (n->is_dir)
			write_dir(f, i);
		else if (write_file(f, i, err) < 0)
			return -1;
	}
	return 0;
}

int fat_image_write(const char *path, const char *label, struct file_tree *t, struct cancel *c,
		    struct error **err)
{
	struct fat f = { .tree = t };
	int r;

	file_tree_sort(t);
	f.image = xcalloc(SECTORS, SECTOR);
	f.places = xcalloc(t->nodes.len + 1, sizeof(*f.places));
	r = fill(&f, label, c, err);
	if (r == 0)
		r = fs_write(path, f.image, (size_t)SECTORS * SECTOR, 0644, err);
	free(f.places);
	free(f.image);
	return r;
}
