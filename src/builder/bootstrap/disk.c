/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk: one sparse file that every tool writes its part of in place, by
 * offset. No loop device, no mount, no copy of the parts.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "builder/bootstrap/cast.h"
#include "builder/bootstrap/ext4.h"
#include "builder/bootstrap/tool.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CORE_MAX = 1024 * 1024 };

static int run(struct cast *c, const char *what, const struct strv *argv, const char *input,
	       struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	struct tool_call call = {
		.ctx = c->ctx,
		.what = what,
		.argv = argv,
		.more_env = &env,
		.epoch = c->epoch,
		.input = input,
	};

	strv_pushf(&env, "MKE2FS_CONFIG=%s/mke2fs.conf", c->stage);
	return tool_run(&call, err);
}

static int create(struct cast *c, struct error **err)
{
	AUTO_FREE char *parent = path_dirname(c->work);

	if (journal_path(c->ctx->journal, c->work, &c->work_id, err) < 0 ||
	    fs_mkdir_all(parent, 0777, err) < 0 || fs_mkdir_all(c->work, 0755, err) < 0)
		return -1;

	AUTO_CLOSE int fd = open(c->disk, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, c->layout.disk) < 0)
		return error_set_errno(err, errno, "cannot create '%s'", c->disk);
	return 0;
}

static int partition(struct cast *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf script = STRBUF_INIT;

	layout_script(&c->layout, &c->ids, c->config->arch->root_type, &script);
	argv_sfdisk(&c->paths, &argv);
	return run(c, "sfdisk", &argv, script.buf, err);
}

static int make_grub(struct cast *c, bool uefi, const char *out, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	argv_grub_mkimage(c->config, &c->paths, uefi, out, &argv);
	return run(c, "grub-mkimage", &argv, NULL, err);
}

static int write_at(int fd, const void *data, size_t len, int64_t at, struct error **err)
{
	if (fd_write_at(fd, data, len, at) < 0)
		return error_set_errno(err, errno, "cannot write the disk");
	return 0;
}

/* The way in for BIOS: boot.img in sector 0 loads the core image from its partition. */
static int install_bios(struct cast *c, struct error **err)
{
	AUTO_FREE char *file = path_join(c->stage, "core.img");
	AUTO(strbuf) struct strbuf boot = STRBUF_INIT_MAX(64 * 1024);
	AUTO(strbuf) struct strbuf core = STRBUF_INIT_MAX(CORE_MAX);
	unsigned char sector[SECTOR];
	int64_t start = c->layout.bios.start / SECTOR;

	if (make_grub(c, false, file, err) < 0 ||
	    fs_read("/usr/lib/grub/i386-pc/boot.img", SECTOR, &boot, err) < 0 ||
	    fs_read(file, CORE_MAX, &core, err) < 0)
		return -1;
	strbuf_addchars(&core, '\0', (SECTOR - core.len % SECTOR) % SECTOR);
	if (core_image_patch((unsigned char *)core.buf, core.len, start, err) < 0)
		return -1;

	AUTO_CLOSE int fd = open(c->disk, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fd_read_at(fd, sector, SECTOR, 0) != SECTOR)
		return error_set_errno(err, errno, "cannot read '%s'", c->disk);
	if (boot_sector_patch(sector, boot.buf, boot.len, start, err) < 0 ||
	    write_at(fd, sector, SECTOR, 0, err) < 0)
		return -1;
	return write_at(fd, core.buf, core.len, c->layout.bios.start, err);
}

/* The way in for UEFI: one program where every firmware looks, on a FAT of its own. */
static int install_uefi(struct cast *c, struct error **err)
{
	AUTO_FREE char *file = path_join(c->stage, "boot.efi");
	AUTO(strv) struct strv format = STRV_INIT;
	AUTO(strv) struct strv folders = STRV_INIT;
	AUTO(strv) struct strv copy = STRV_INIT;
	const struct timespec times[2] = { { .tv_sec = c->epoch }, { .tv_sec = c->epoch } };

	if (make_grub(c, true, file, err) < 0)
		return -1;
	if (utimensat(AT_FDCWD, file, times, 0) < 0)
		return error_set_errno(err, errno, "cannot set the time of '%s'", file);
	argv_mkfs_vfat(&c->paths, &c->layout, &c->ids, &format);
	argv_mmd(&c->paths, &c->layout, &folders);
	argv_mcopy(c->config, &c->paths, &c->layout, file, &copy);
	if (run(c, "mkfs.vfat", &format, NULL, err) < 0 || run(c, "mmd", &folders, NULL, err) < 0)
		return -1;
	return run(c, "mcopy", &copy, NULL, err);
}

static int fill_root(struct cast *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	int64_t inodes = 0;

	argv_mke2fs(c->config, &c->paths, &c->layout, &c->ids, &argv);
	if (run(c, "mke2fs", &argv, NULL, err) < 0) {
		if (strstr((*err)->message, "Could not allocate"))
			error_hint(err, "the files do not fit: make disk_size larger than %s",
				   c->config->disk_size);
		else if (strstr((*err)->message, "No space left on device"))
			error_hint(err, "there is no room left beside the output directory");
		return error_prefix(err, "cannot make the root file system");
	}

	AUTO_CLOSE int fd = open(c->disk, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open '%s'", c->disk);
	return ext4_settle_times(fd, c->layout.root.start, c->epoch, c->ctx->cancel, &inodes, err);
}

int cast_disk(struct cast *c, struct error **err)
{
	ui_say(c->ctx->ui, "Making a disk of %s (%s)", c->config->disk_size, c->config->firmware);
	if (create(c, err) < 0)
		return -1;
	if (partition(c, err) < 0)
		return error_prefix(err, "cannot partition the disk");
	if ((c->config->bios && install_bios(c, err) < 0) ||
	    (c->config->uefi && install_uefi(c, err) < 0))
		return error_prefix(err, "cannot install the boot loader");
	return fill_root(c, err);
}
