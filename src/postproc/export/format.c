/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/export/format.h"

#include "base/path.h"
#include "base/str.h"
#include "disk/deflate.h"
#include "disk/gce.h"
#include "disk/raw.h"
#include "disk/stream_vmdk.h"
#include "postproc/export/package.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static int make_raw(const struct export_making *m, struct disk_writer **ret, struct error **err)
{
	return disk_raw_new(&m->target, !m->config->sparse, m->sums, ret, err);
}

static int make_by_qemu(const struct export_making *m, struct disk_writer **ret, struct error **err)
{
	return disk_qemu_new(m->host, &m->image->kind->qemu, &m->target, m->ctx->cancel, ret, err);
}

static int make_qcow2(const struct export_making *m, struct disk_writer **ret, struct error **err)
{
	struct disk_qemu_format f = { .driver = "qcow2", .compress = true };

	if (!strcmp(m->image->compression, "none"))
		f.compress = false;
	else
		f.options = !strcmp(m->image->compression, "zlib") ? "compression_type=zlib"
								   : "compression_type=zstd";
	return disk_qemu_new(m->host, &f, &m->target, m->ctx->cancel, ret, err);
}

static int make_stream_vmdk(const struct export_making *m, struct disk_writer **ret,
			    struct error **err)
{
	const struct stream_vmdk_spec spec = {
		.name = path_basename(m->path),
		.level = (int)m->image->level,
		.sums = m->sums,
	};

	*ret = stream_vmdk_new(&m->target, &spec, err);
	return *ret ? 0 : -1;
}

static int make_gce(const struct export_making *m, struct disk_writer **ret, struct error **err)
{
	*ret = gce_new(&m->target, (int)m->image->level, err);
	return *ret ? 0 : -1;
}

static const char *const zlib_only[] = { "zlib", NULL };
static const char *const gzip_only[] = { "gzip", NULL };
static const char *const qcow2_compressions[] = { "zstd", "zlib", "none", NULL };

/* clang-format off */
static const struct export_format formats[] = {
	{ .name = "gce", .ending = ".tar.gz", .make = make_gce, .compressions = gzip_only,
	  .level_max = DEFLATE_LEVEL_MAX, .size_max = 65536 * GIB },
	{ .name = "ova", .ending = ".ova", .make = package_make, .compressions = zlib_only,
	  .level_max = DEFLATE_LEVEL_MAX, .size_max = 62 * 1024 * GIB },
	{ .name = "qcow2", .ending = ".qcow2", .make = make_qcow2, .compressions = qcow2_compressions },
	{ .name = "raw", .ending = ".raw", .make = make_raw },
	{ .name = "vdi", .ending = ".vdi", .make = make_by_qemu, .qemu = { .driver = "vdi" } },
	/* Azure takes none whose size is not a whole MiB; without force_size QEMU would round to
	 * cylinders. */
	{ .name = "vhd", .subformat = "dynamic", .ending = ".vhd", .make = make_by_qemu,
	  .size_max = 2040 * GIB,
	  .qemu = { .driver = "vpc", .options = "subformat=dynamic,force_size=on", .step = MIB } },
	{ .name = "vhd", .subformat = "fixed", .ending = ".vhd", .make = make_by_qemu,
	  .size_max = 2040 * GIB,
	  .qemu = { .driver = "vpc", .options = "subformat=fixed,force_size=on", .step = MIB } },
	{ .name = "vhdx", .ending = ".vhdx", .make = make_by_qemu, .size_max = 65536 * GIB,
	  .qemu = { .driver = "vhdx", .step = MIB } },
	{ .name = "vmdk", .subformat = "monolithicSparse", .ending = ".vmdk", .make = make_by_qemu,
	  .qemu = { .driver = "vmdk", .options = "subformat=monolithicSparse" } },
	{ .name = "vmdk", .subformat = "streamOptimized", .ending = ".vmdk",
	  .make = make_stream_vmdk, .compressions = zlib_only, .level_max = DEFLATE_LEVEL_MAX,
	  .size_max = 62 * 1024 * GIB },
};
/* clang-format on */

const struct export_format *export_format_find(const char *name, const char *subformat)
{
	bool any = !subformat || !*subformat;

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const struct export_format *f = &formats[i];

		if (!strcmp(f->name, name) &&
		    (any || (f->subformat && !strcmp(f->subformat, subformat))))
			return f;
	}
	return NULL;
}

void export_format_names(const char *name, struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const struct export_format *f = &formats[i];
		const char *text = name ? f->subformat : f->name;

		if ((!name || !strcmp(name, f->name)) && text && !strv_contains(ret, text))
			strv_push(ret, text);
	}
}
