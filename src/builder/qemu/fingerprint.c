/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/fingerprint.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/file_tree.h"
#include "builder/qemu/media.h"
#include "builder/qemu/medium.h"
#include "builder/qemu/pages.h"
#include "builder/qemu/preflight.h"
#include "os/digests.h"
#include "os/fs.h"

#include <string.h>

/* What is not said is not there: a new option of ours does not make old checkpoints useless. */
static void add_text(struct digest *d, const char *name, const char *text)
{
	if (!text_is_empty(text))
		digest_add_field(d, name, text, strlen(text));
}

static void add_list(struct digest *d, const char *name, const struct text_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		digest_add_field(d, name, list->v[i], strlen(list->v[i]));
}

static void add_number(struct digest *d, const char *name, int64_t n)
{
	AUTO_FREE char *text = xasprintf("%lld", (long long)n);

	if (n)
		add_text(d, name, text);
}

static void add_hardware(struct digest *d, const struct qemu_config *c)
{
	add_text(d, "machine_type", c->machine_type);
	add_text(d, "cpu_model", c->cpu_model);
	add_text(d, "qemu_binary", path_basename(c->qemu_binary));
	add_number(d, "cpus", c->cpus);
	add_number(d, "sockets", c->sockets);
	add_number(d, "cores", c->cores);
	add_number(d, "threads", c->threads);
	add_number(d, "memory", c->memory);
	add_number(d, "efi_boot", c->efi_boot);
	add_number(d, "use_pflash", c->use_pflash);
	add_text(d, "vga", c->vga);
	add_text(d, "vtpm", !c->vtpm ? NULL : c->use_tpm1 ? "1" : "2");
	add_text(d, "tpm_device_type", c->vtpm ? c->tpm_device_type : NULL);
	add_text(d, "net_device", c->net_device);
	add_text(d, "net_bridge", c->net_bridge);
	add_text(d, "cdrom_interface", c->cdrom_interface);
}

static void add_disks(struct digest *d, const struct qemu_config *c)
{
	const struct qemu_img_args *args = qemu_config_img_args(c);

	add_number(d, "disk_image", c->disk_image);
	add_number(d, "skip_resize_disk", c->skip_resize_disk);
	add_text(d, "disk_size", c->skip_resize_disk && c->disk_image ? NULL : c->disk_size);
	add_list(d, "disk_additional_size", &c->disk_additional_size);
	add_text(d, "disk_interface", c->disk_interface);
	add_list(d, "qemu_img_args create", &args->create);
	add_list(d, "qemu_img_args resize", &args->resize);
}

static int add_file(struct digest *d, const char *name, const char *path, struct build_ctx *ctx,
		    struct error **err)
{
	AUTO_FREE char *full = text_is_empty(path) ? NULL : path_absolute(ctx->cwd, path);
	AUTO_FREE char *hex = NULL;

	if (!full)
		return 0;
	if (digests_of_file(ctx->dirs->cache, full, DIGEST_SHA256, ctx->cancel, &hex, err) < 0)
		return -1;
	add_text(d, name, hex);
	return 0;
}

static int add_firmware(struct digest *d, const struct qemu_config *c, struct build_ctx *ctx,
			struct error **err)
{
	if (add_file(d, "firmware", c->firmware, ctx, err) < 0)
		return -1;
	if (!c->efi_boot)
		return 0;
	if (add_file(d, "efi_firmware_code", c->efi_firmware_code, ctx, err) < 0)
		return -1;
	return add_file(d, "efi_firmware_vars", c->efi_firmware_vars, ctx, err);
}

/* ---- files that switches of the emulator name -------------------------------------------- */

/* "if=virtio,file=seed.iso", "fat:rw:dir": each part may be a file of this host. */
static int add_parts(struct digest *d, const char *value, struct build_ctx *ctx, struct error **err)
{
	for (const char *p = value; *p;) {
		size_t len = strcspn(p, ",=:");
		AUTO_FREE char *part = xstrndup(p, len);
		AUTO_FREE char *path = path_absolute(ctx->cwd, part);
		enum fs_kind kind = FS_ABSENT;
		AUTO(error) struct error *e = NULL;

		if (len && fs_stat_kind(path, &kind, &e) < 0)
			error_ignore(&e, "then QEMU cannot read it either");
		if (kind == FS_FILE && add_file(d, "file in qemuargs", part, ctx, err) < 0)
			return -1;
		p += len;
		p += *p != '\0';
	}
	return 0;
}

static int add_qemuargs(struct digest *d, const struct qemu_config *c, struct build_ctx *ctx,
			struct error **err)
{
	for (size_t i = 0; i < c->qemuargs.len; i++)
		for (size_t k = 1; k < c->qemuargs.v[i].len; k++)
			if (add_parts(d, c->qemuargs.v[i].v[k], ctx, err) < 0)
				return -1;
	return 0;
}

/* ---- what is served ------------------------------------------------------------------------ */

static int add_pages(struct digest *d, const struct qemu_config *c, struct build_ctx *ctx,
		     struct error **err)
{
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
	AUTO_FREE char *inside = NULL;

	for (size_t i = 0; i < c->http_content.len; i++) {
		AUTO_FREE char *name = xasprintf("http_content %s", c->http_content.v[i].key);

		digest_add_field(d, name, c->http_content.v[i].value,
				 strlen(c->http_content.v[i].value));
	}
	if (text_is_empty(c->http_directory) || !fs_exists(c->http_directory))
		return 0;
	inside = xasprintf("%s/", c->http_directory);
	if (file_tree_add(&t, ctx->cwd, inside, TREE_DEEP_OPEN, err) < 0)
		return -1;
	return media_fingerprint_tree(d, "http_directory", &t, ctx, err);
}

int qemu_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
		     struct error **err)
{
	const struct qemu_config *c = config;

	/* nothing is fetched for a machine that cannot start */
	if (!ctx->look_only && preflight(c, ctx, err) < 0)
		return -1;
	add_hardware(d, c);
	add_disks(d, c);
	add_number(d, "disable_vnc", c->disable_vnc); /* then nothing is typed */
	if (add_firmware(d, c, ctx, err) < 0 || add_qemuargs(d, c, ctx, err) < 0 ||
	    add_pages(d, c, ctx, err) < 0 || media_fingerprint(c, ctx, d, err) < 0)
		return -1;
	return medium_fingerprint(c, ctx, d, err);
}

/* ---- what is known before ------------------------------------------------------------------------ */

void qemu_known(const void *config, struct map *values)
{
	const struct qemu_config *c = config;
	struct pages p = { PAGES_INIT };

	if (!text_is_empty(c->net_bridge) || !qemu_config_has_comm(c))
		return;
	map_set(values, "Host",
		value_string(text_is_empty(c->comm.ssh_host) ? "127.0.0.1" : c->comm.ssh_host));
	pages_set_host(&p, c, NULL);
	map_set(values, "PackerHTTPIP", value_string(p.host_address));
	pages_release(&p);
}
