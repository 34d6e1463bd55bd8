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

/* The file that the guest writes to. */
static const char *live_main(const struct disks *d)
{
	return disks_live(d)->v[0];
}

static const char *live_format(const struct disks *d)
{
	return d->layers.store ? "qcow2" : d->config->format;
}

static int resize_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_resize what = { .path = live_main(d),
					   .format = live_format(d),
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

/* ---- layers ------------------------------------------------------------------------------- */

const struct strv *disks_live(const struct disks *d)
{
	return d->layers.store ? &d->layers.live : &d->paths;
}

static bool names_output(const struct qemu_config *c)
{
	for (size_t i = 0; i < c->qemuargs.len; i++)
		for (size_t j = 1; j < c->qemuargs.v[i].len; j++)
			if (strstr(c->qemuargs.v[i].v[j], "OutputDir") ||
			    strstr(c->qemuargs.v[i].v[j], c->output_directory))
				return true;
	return false;
}

const char *disks_why_no_layers(const struct qemu_config *c)
{
	const struct qemu_img_args *args = qemu_config_img_args(c);

	if (qemu_config_overrides(c, "-drive") || names_output(c))
		return "qemuargs describes its disks";
	if (c->disk_image && c->iso_skip_cache)
		return "its disk image stays on a server (iso_skip_cache)";
	if (args->create.len || args->resize.len || args->convert.len)
		return "qemu_img_args decides how its disks are made";
	return NULL;
}

/* Of the main disk, when it is as large as the image below it or larger. */
static int64_t main_size(const struct disks *d)
{
	const struct qemu_config *c = d->config;

	return c->disk_image && c->skip_resize_disk ? d->source_info.virtual_size
						    : image_size_parse(c->disk_size);
}

static int link_base(struct disks *d, struct layer_chain *main_disk, struct error **err)
{
	AUTO_FREE char *path = NULL;

	if (!d->source)
		return 0;
	if (store_base(d->layers.store, d->start_key, d->source, &path, err) < 0)
		return -1;
	free(main_disk->base);
	free(main_disk->base_format);
	main_disk->base = xstrdup(path_basename(path));
	main_disk->base_format = xstrdup(d->source_info.format);
	return 0;
}

static int probe_source(struct disks *d, const struct image_ctx *x, struct error **err)
{
	if (!d->source)
		return 0;
	return image_probe(x, d->source, &d->source_info, err);
}

static int create_layers(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;

	if (probe_source(d, x, err) < 0 || (d->source && check_growth(d, err) < 0))
		return -1;
	for (size_t i = 0; i < d->paths.len; i++) {
		struct layer_chain *chain = layers_add(&d->layers);

		chain->size =
			i == 0 ? main_size(d) : image_size_parse(c->disk_additional_size.v[i - 1]);
	}
	if (link_base(d, &d->layers.chains.items[0], err) < 0)
		return -1;
	return layers_open_tops(&d->layers, x, err);
}

int disks_resume(struct disks *d, const struct image_ctx *x, struct error **err)
{
	if (d->layers.chains.len != d->paths.len)
		return error_set(err, ERROR_INVALID, "it has %zu disks, not %zu",
				 d->layers.chains.len, d->paths.len);
	if (layers_hold(&d->layers, err) < 0 || probe_source(d, x, err) < 0 ||
	    link_base(d, &d->layers.chains.items[0], err) < 0)
		return -1;
	return layers_open_tops(&d->layers, x, err);
}

void disks_init(struct disks *d, const struct qemu_config *config, const char *cwd,
		const char *source)
{
	d->config = config;
	if (source && config->iso_skip_cache)
		d->source = xstrdup(source); /* a URL */
	else
		d->source = source ? path_absolute(cwd, source) : NULL;
	name_disks(d);
}

static int create_files(struct disks *d, const struct image_ctx *x, struct error **err)
{
	if (create_main(d, x, err) < 0)
		return -1;
	for (size_t i = 1; i < d->paths.len; i++)
		if (create_further(d, x, i, err) < 0)
			return -1;
	return 0;
}

int disks_create(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *config = d->config;
	int r;

	if (!config->disk_image || config->disk_additional_size.len)
		ui_say(x->ui, "Creating hard drive...");
	r = d->layers.store ? create_layers(d, x, err) : create_files(d, x, err);
	return r < 0 ? error_prefix(err, "Error creating hard drive") : 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

/* The guest's own flushes went nowhere: this one counts. */
static int flush(const char *path, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fdatasync(fd) < 0)
		return error_set_errno(err, errno, "cannot flush '%s'", path);
	return 0;
}

/* What it makes stands on the image that the template names, not on the store's link to it. */
static int write_overlay(struct disks *d, const struct image_ctx *x, const char *to,
			 struct error **err)
{
	AUTO_FREE char *size = xasprintf("%lld", (long long)d->layers.chains.items[0].size);
	const struct image_create what = { .path = to,
					   .format = "qcow2",
					   .size = size,
					   .backing = d->source,
					   .backing_format = d->source_info.format };
	AUTO(strv) struct strv layers = STRV_INIT;
	const struct image_chain chain = { .layers = &layers, .to = to };

	layers_paths(&d->layers, 0, &layers);
	if (image_create(x, &what, err) < 0)
		return -1;
	return image_write_chain(x, &chain, err);
}

static int merge_layers(struct disks *d, const struct image_ctx *x, const char *to,
			struct error **err)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	const struct image_chain chain = { .layers = &layers, .to = to };

	layers_paths(&d->layers, 0, &layers);
	if (image_copy_base(x, d->source, to, err) < 0)
		return -1;
	return image_write_chain(x, &chain, err);
}

static int merge(struct disks *d, const struct image_ctx *x, const char *to, struct error **err)
{
	const struct image_merge what = { .overlay = d->paths.v[0], .base = d->source, .to = to };

	return d->layers.store ? merge_layers(d, x, to, err) : image_merge(x, &what, err);
}

static int convert(struct disks *d, const struct image_ctx *x, const char *to, struct error **err)
{
	const struct qemu_config *c = d->config;
	const struct image_convert what = {
		.from = live_main(d),
		.from_format = live_format(d),
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
	bool is_overlay = d->layers.store ? c->disk_image && is_qcow2(c) : d->is_overlay;

	return is_overlay && d->source_info.is_plain && !c->iso_skip_cache &&
	       !c->disk_compression && !qemu_config_img_args(c)->convert.len;
}

static int rewrite_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;
	AUTO_FREE char *path = path_absolute(x->cwd, d->paths.v[0]);
	AUTO_FREE char *to = xasprintf("%s.convert", path);
	int r;

	if (d->layers.store && c->use_backing_file && !c->disk_compression)
		r = write_overlay(d, x, to, err);
	else
		r = can_merge(d) ? merge(d, x, to, err) : convert(d, x, to, err);
	if (r < 0)
		return error_prefix(err, "Error converting hard drive");
	return fs_rename(to, path, err);
}

/* It leaves the store as the template wants it. */
static int export_further(struct disks *d, const struct image_ctx *x, size_t nr, struct error **err)
{
	AUTO_FREE char *to = xasprintf("%s.convert", d->paths.v[nr]);
	const struct image_convert what = { .from = d->layers.live.v[nr],
					    .from_format = "qcow2",
					    .to = to,
					    .to_format = d->config->format,
					    .label = "converting the disk" };

	if (image_convert(x, &what, err) < 0)
		return error_prefix(err, "Error converting hard drive");
	return fs_rename(to, d->paths.v[nr], err);
}

static int write_main(struct disks *d, const struct image_ctx *x, struct error **err)
{
	const struct qemu_config *c = d->config;

	if (!d->layers.store && !d->is_overlay && c->skip_compaction && !c->disk_compression)
		return 0;
	ui_say(x->ui, "Converting hard drive...");
	if (rewrite_main(d, x, err) < 0)
		return -1;
	d->is_overlay = false;
	return 0;
}

int disks_finish(struct disks *d, const struct image_ctx *x, struct error **err)
{
	if (write_main(d, x, err) < 0)
		return -1;
	for (size_t i = 1; d->layers.store && i < d->paths.len; i++)
		if (export_further(d, x, i, err) < 0)
			return -1;
	for (size_t i = 0; i < d->paths.len; i++)
		if (flush(d->paths.v[i], err) < 0)
			return -1;
	return 0;
}

void disks_release(struct disks *d)
{
	layers_release(&d->layers);
	strv_release(&d->paths);
	free(d->source);
	image_info_release(&d->source_info);
}
