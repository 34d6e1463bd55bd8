/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/disks.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_qcow2(const struct qemu_config *c)
{
	return !strcmp(c->format, "qcow2");
}

static void name_disks(struct disks *d)
{
	const struct qemu_config *c = d->config;
	AUTO_FREE char *main_disk = path_join(c->output_directory, c->vm_name);

	strv_push(&d->paths, main_disk);
	for (size_t i = 0; i < c->disk_additional_size.len; i++)
		strv_pushf(&d->paths, "%s-%zu", main_disk, i + 1);
}

static int check_growth(const struct disks *d, struct error **err)
{
	const struct qemu_config *c = d->config;

	if (c->skip_resize_disk || qemu_config_img_args(c)->resize.len ||
	    image_size_parse(c->disk_size) >= d->source_info.virtual_size)
		return 0;
	error_set(err, ERROR_INVALID,
		  "QemuImg error: disk_size %s is smaller than the disk image (%lld bytes): "
		  "Use the --shrink option to perform a shrink operation.",
		  c->disk_size, (long long)d->source_info.virtual_size);
	return error_hint(err,
			  "set skip_resize_disk = true to keep its size, or a larger disk_size");
}

static int resize_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_resize what = { .path = d->paths.v[0],
					   .format = c->format,
					   .size = c->disk_size,
					   .extra = &qemu_config_img_args(c)->resize };

	return c->skip_resize_disk ? 0 : image_resize(x, &what, err);
}

static int create_overlay(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	bool custom_resize = qemu_config_img_args(c)->resize.len > 0;
	const struct image_create what = {
		.path = d->paths.v[0],
		.format = "qcow2",
		.size = c->skip_resize_disk || custom_resize ? NULL : c->disk_size,
		.backing = d->source,
		.backing_format = d->source_info.format,
		.extra = c->use_backing_file ? &qemu_config_img_args(c)->create : NULL,
	};

	d->is_overlay = !c->use_backing_file;
	if (image_create(x, &what, err) < 0)
		return -1;
	return custom_resize ? resize_main(d, x, err) : 0;
}

/* A raw disk cannot stand on another file. */
static int copy_source(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_convert what = {
		.from = d->source,
		.from_format = d->source_info.format,
		.to = d->paths.v[0],
		.to_format = c->format,
		.is_remote = c->iso_skip_cache,
		.extra = &qemu_config_img_args(c)->convert,
		.label = "copying the disk image",
	};

	ui_say(x->ui, "Copying hard drive...");
	if (image_convert(x, &what, err) < 0)
		return -1;
	return resize_main(d, x, err);
}

static int create_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_create blank = { .path = d->paths.v[0],
					    .format = c->format,
					    .size = c->disk_size,
					    .extra = &qemu_config_img_args(c)->create };

	if (!c->disk_image)
		return image_create(x, &blank, err);
	if (image_probe(x, d->source, &d->source_info, err) < 0 || check_growth(d, err) < 0)
		return -1;
	return is_qcow2(c) ? create_overlay(d, x, err) : copy_source(d, x, err);
}

static int create_further(struct disks *d, const struct image_ctx *x, size_t nr, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_create what = { .path = d->paths.v[nr],
					   .format = c->format,
					   .size = c->disk_additional_size.v[nr - 1],
					   .extra = &qemu_config_img_args(c)->create };

	return image_create(x, &what, err);
}

int disks_create(struct disks *d, const struct qemu_config *config, const struct image_ctx *x,
		 const char *source, struct error **err)
{
	d->config = config;
	if (source && config->iso_skip_cache)
		d->source = xstrdup(source); /* a URL */
	else
		d->source = source ? path_absolute(x->cwd, source) : NULL;
	name_disks(d);
	if (!config->disk_image || config->disk_additional_size.len)
		ui_say(x->ui, "Creating hard drive...");
	if (create_main(d, x, err) < 0)
		return error_prefix(err, "Error creating hard drive");
	for (size_t i = 1; i < d->paths.len; i++)
		if (create_further(d, x, i, err) < 0)
			return error_prefix(err, "Error creating hard drive");
	return 0;
}

/* The guest's own flushes went nowhere: this one counts. */
static int flush(const char *path, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fdatasync(fd) < 0)
		return error_set_errno(err, errno, "cannot flush '%s'", path);
	return 0;
}

static int merge(struct disks *d, const struct image_ctx *x, const char *to, struct error **err)
{
	const struct image_merge what = { .overlay = d->paths.v[0], .base = d->source, .to = to };

	return image_merge(x, &what, err);
}

static int convert(struct disks *d, const struct image_ctx *x, const char *to, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_convert what = {
		.from = d->paths.v[0],
		.from_format = c->format,
		.to = to,
		.to_format = c->format,
		.is_remote = c->iso_skip_cache,
		.compress = c->disk_compression,
		.extra = &qemu_config_img_args(c)->convert,
		.label = "converting the disk",
	};

	return image_convert(x, &what, err);
}

/*
 * Writing only the changes into a copy of a plain image gives the same disk as
 * converting everything, in a fraction of the time, and keeps the base's
 * compression. Zeroes and discarded blocks were dropped as they were written.
 */
static bool can_merge(const struct disks *d)
{
	const struct qemu_config *c = d->config;

	return d->is_overlay && d->source_info.is_plain && !c->iso_skip_cache &&
	       !c->disk_compression && !qemu_config_img_args(c)->convert.len;
}

static int rewrite_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	AUTO_FREE char *to = xasprintf("%s.convert", d->paths.v[0]);
	int r = can_merge(d) ? merge(d, x, to, err) : convert(d, x, to, err);

	if (r < 0)
		return error_prefix(err, "Error converting hard drive");
	return fs_rename(to, d->paths.v[0], err);
}

int disks_finish(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;

	if (d->is_overlay || !c->skip_compaction || c->disk_compression) {
		ui_say(x->ui, "Converting hard drive...");
		if (rewrite_main(d, x, err) < 0)
			return -1;
		d->is_overlay = false;
	}
	for (size_t i = 0; i < d->paths.len; i++)
		if (flush(d->paths.v[i], err) < 0)
			return -1;
	return 0;
}

void disks_release(struct disks *d)
{
	strv_release(&d->paths);
	free(d->source);
	image_info_release(&d->source_info);
}
