/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/qemu_image.h"

#include "base/alloc.h"
#include "disk/tool.h"
#include "os/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SLOTS = 4, /* requests under way, each with bytes of its own */
	SLOT_SIZE = 8 * DISK_CHUNK,
};

struct slot {
	unsigned char *bytes;
	struct nbd_request request;
	bool busy;
};

struct qemu_image {
	struct disk_writer base;
	const struct disk_host *host;
	struct nbd *nbd;
	char *path;
	uint64_t size;   /* of the disk in the image */
	uint64_t shrink; /* to this in the end; 0: it is right */
	struct slot slots[SLOTS];
	size_t next;
	bool compress;
	bool is_complete;
};

/* ---- qemu-img -------------------------------------------------------------------------------- */

static int create(const struct disk_host *host, const struct disk_qemu_format *f, const char *path,
		  uint64_t size, struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "create", "-q", "-f", f->driver, NULL);
	if (f->options)
		strv_pushl(&argv, "-o", f->options, NULL);
	strv_push(&argv, path);
	strv_pushf(&argv, "%" PRIu64, size);
	if (disk_tool_run(host, &argv, c, NULL, err) == 0)
		return 0;
	return error_prefix(err, "cannot make '%s'", path);
}

static int shrink(const struct qemu_image *w, struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "resize", "-q", "--shrink", "-f", "qcow2", w->path, NULL);
	strv_pushf(&argv, "%" PRIu64, w->shrink);
	if (disk_tool_run(w->host, &argv, c, NULL, err) == 0)
		return 0;
	return error_prefix(err, "cannot finish '%s'", w->path);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int wait_for_slot(struct qemu_image *w, struct slot *s, struct cancel *c, struct error **err)
{
	if (s->busy && nbd_wait(w->nbd, &s->request, c, err) < 0)
		return -1;
	s->busy = false;
	return 0;
}

/* The last chunk of a disk is filled up where only whole ones are compressed. */
static size_t fill_up(const struct qemu_image *w, struct slot *s, size_t len)
{
	size_t whole = (len + DISK_CHUNK - 1) / DISK_CHUNK * DISK_CHUNK;

	if (!w->compress || whole == len)
		return len;
	memset(s->bytes + len, 0, whole - len);
	return whole;
}

static int image_write(struct disk_writer *base, uint64_t offset, const void *bytes, size_t len,
		       struct cancel *c, struct error **err)
{
	struct qemu_image *w = (struct qemu_image *)base;

	for (size_t at = 0; at < len; at += SLOT_SIZE) {
		struct slot *s = &w->slots[w->next];
		size_t part = MIN((size_t)SLOT_SIZE, len - at);

		w->next = (w->next + 1) % SLOTS;
		if (wait_for_slot(w, s, c, err) < 0)
			return -1;
		memcpy(s->bytes, (const char *)bytes + at, part);
		part = fill_up(w, s, part);
		if (nbd_write(w->nbd, &s->request, s->bytes, part, offset + at, err) < 0)
			return -1;
		s->busy = true;
	}
	return 0;
}

/* A compressed cluster at the end stops where its data does; readers that read whole sectors, as the
 * format counts them, would find the file cut off. `qemu-img convert` fills it up, too. */
static int fill_sector(const struct qemu_image *w, struct error **err)
{
	int64_t size;

	if (fs_size(w->path, &size, err) < 0)
		return -1;
	if (size % DISK_SECTOR == 0 ||
	    truncate(w->path, size + DISK_SECTOR - size % DISK_SECTOR) == 0)
		return 0;
	return error_set_errno(err, errno, "cannot write '%s'", w->path);
}

static int image_finish(struct disk_writer *base, struct cancel *c, struct error **err)
{
	struct qemu_image *w = (struct qemu_image *)base;

	for (size_t i = 0; i < SLOTS; i++)
		if (wait_for_slot(w, &w->slots[i], c, err) < 0)
			return -1;
	if (nbd_finish(w->nbd, c, err) < 0 || (w->shrink && shrink(w, c, err) < 0) ||
	    (w->compress && fill_sector(w, err) < 0))
		return -1;
	w->is_complete = true;
	return 0;
}

static void image_free(struct disk_writer *base)
{
	struct qemu_image *w = (struct qemu_image *)base;

	nbd_free(w->nbd);
	if (!w->is_complete)
		(void)unlink(w->path);
	for (size_t i = 0; i < SLOTS; i++)
		free(w->slots[i].bytes);
	free(w->path);
	free(w);
}

static const struct disk_writer_ops image_ops = { image_write, image_finish, image_free };

/* ---- opening --------------------------------------------------------------------------------- */

static char *options_of(const struct disk_qemu_format *f, const char *path)
{
	json_t *file = json_pack("{s:s, s:s}", "driver", "file", "filename", path);
	json_t *image = file ? json_pack("{s:s, s:o}", "driver", f->driver, "file", file) : NULL;
	char *text;

	if (image && f->compress)
		image = json_pack("{s:s, s:o}", "driver", "compress", "file", image);
	text = image ? json_dumps(image, JSON_COMPACT) : NULL;
	json_decref(image);
	return text;
}

static uint64_t round_up(uint64_t n, uint64_t step)
{
	return (n + step - 1) / step * step;
}

static int open_image(struct qemu_image *w, const struct disk_qemu_format *f, struct cancel *c,
		      struct error **err)
{
	AUTO_FREE char *options = options_of(f, w->path);
	struct nbd_spec spec = { .options = options, .shown = w->path, .writable = true };

	if (!options)
		return error_set(err, ERROR_INVALID, "the name '%s' is not UTF-8", w->path);
	if (create(w->host, f, w->path, w->size, c, err) < 0 ||
	    nbd_open(w->host, &spec, c, &w->nbd, err) < 0)
		return -1;
	if (nbd_size(w->nbd) < w->size)
		return error_set(err, ERROR_REMOTE,
				 "cannot write '%s': qemu-img made it smaller than the disk",
				 w->path);
	for (size_t i = 0; i < SLOTS; i++)
		w->slots[i].bytes = xmalloc(SLOT_SIZE);
	return 0;
}

int disk_qemu_new(const struct disk_host *host, const struct disk_qemu_format *format,
		  const struct disk_target *target, struct cancel *c, struct disk_writer **ret,
		  struct error **err)
{
	struct qemu_image *w = NEW(struct qemu_image);
	uint64_t step = format->compress ? DISK_CHUNK : format->step ? format->step : DISK_SECTOR;

	*w = (struct qemu_image){ .base = { &image_ops },
				  .host = host,
				  .path = xstrdup(target->path),
				  .size = round_up(target->size, step),
				  .compress = format->compress };
	if (format->compress && w->size != target->size)
		w->shrink = target->size;
	if (open_image(w, format, c, err) < 0) {
		image_free(&w->base);
		return -1;
	}
	*ret = &w->base;
	return 0;
}
