/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/source.h"

#include "base/alloc.h"
#include "disk/image.h"
#include "disk/tool.h"
#include "disk/writer.h"

#include <inttypes.h>
#include <stdlib.h>

/* What is asked for at once: all servers give lengths of 32 bits. */
#define LOOK_AHEAD (UINT64_C(1) << 30)

struct disk_source {
	struct nbd *nbd;
	uint64_t size;
	uint64_t at;    /* what is before it was looked at */
	uint64_t given; /* where the last range ended */
	struct nbd_extents extents;
	size_t next; /* of those */
};

/* What lies behind the end of a file that was cut off reads as zeros, without a word. */
static int check(const struct disk_host *host, const struct disk_image *image, const char *path,
		 struct cancel *c, struct error **err)
{
	enum { IS_DAMAGED = 2 /* what qemu-img ends with */ };
	AUTO(strv) struct strv argv = STRV_INIT;
	int status = 0;

	strv_pushl(&argv, "qemu-img", "check", "-q", NULL);
	strv_pushf(&argv, "json:%s", image->options);
	if (image->kind != DISK_QCOW2)
		return 0;
	if (disk_tool_run(host, &argv, c, &status, err) < 0)
		return -1;
	if (status != IS_DAMAGED)
		return 0; /* sound, or opening it will tell */
	error_set(err, ERROR_INVALID, "'%s' is damaged", path);
	return error_hint(err, "`qemu-img check %s` tells where", path);
}

int disk_source_open(const struct disk_host *host, const char *path, const struct strv *known,
		     struct cancel *c, struct disk_source **ret, struct error **err)
{
	AUTO(disk_image) struct disk_image image = { 0 };
	AUTO(disk_source) struct disk_source *s = NEW(struct disk_source);
	struct nbd_spec spec = { .shown = path };

	if (disk_image_look(path, known, &image, err) < 0)
		return -1;
	spec.options = image.options;
	if (check(host, &image, path, c, err) < 0 || nbd_open(host, &spec, c, &s->nbd, err) < 0)
		return -1;
	s->size = nbd_size(s->nbd);
	if (!s->size || s->size % DISK_SECTOR || s->size > INT64_MAX)
		return error_set(err, ERROR_INVALID,
				 "'%s' has %" PRIu64 " bytes, which is no disk's size", path,
				 s->size);
	*ret = TAKE(s);
	return 0;
}

void disk_source_free(struct disk_source *s)
{
	if (!s)
		return;
	nbd_free(s->nbd);
	free(s);
}

uint64_t disk_source_size(const struct disk_source *s)
{
	return s->size;
}

struct nbd *disk_source_nbd(struct disk_source *s)
{
	return s->nbd;
}

static int next_extent(struct disk_source *s, struct nbd_extent *ret, struct cancel *c,
		       struct error **err)
{
	if (s->next == s->extents.len) {
		s->next = 0;
		if (nbd_status(s->nbd, s->at, MIN(s->size - s->at, LOOK_AHEAD), &s->extents, c,
			       err) < 0)
			return -1;
	}
	*ret = s->extents.items[s->next++];
	return 0;
}

static uint64_t round_up(uint64_t n)
{
	return (n + DISK_CHUNK - 1) / DISK_CHUNK * DISK_CHUNK;
}

int disk_source_next(struct disk_source *s, struct disk_range *ret, struct cancel *c,
		     struct error **err)
{
	while (s->at < s->size) {
		struct nbd_extent e;

		if (next_extent(s, &e, c, err) < 0)
			return -1;

		uint64_t from = MAX(s->given, s->at / DISK_CHUNK * DISK_CHUNK);
		uint64_t to = MIN(s->size, round_up(s->at + e.len));

		s->at += e.len;
		if (e.is_zero || from >= to)
			continue;
		s->given = to;
		*ret = (struct disk_range){ from, to - from };
		return 0;
	}
	*ret = (struct disk_range){ s->size, 0 };
	return 0;
}
