/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/argv.h"

#include "base/alloc.h"
#include "builder/bootstrap/archive.h"
#include "builder/bootstrap/host.h"

#include <string.h>

/* An image of a hook's own shell, so that no path becomes part of a script. */
#define HOOK(file) "sh \"$INGOT_STAGE/" file "\" \"$1\""

#define MERGED_USR_HOOKS "/usr/share/mmdebstrap/hooks/maybe-merged-usr"

static void enter(const struct cast_paths *p, struct strv *ret)
{
	host_namespace(ret, p->as_root);
	strv_push(ret, "/bin/sh");
	strv_pushf(ret, "%s/init.sh", p->stage);
}

static void add_packages(const struct bootstrap *b, struct strv *ret)
{
	AUTO(strv) struct strv all = STRV_INIT;

	for (const char *const *name = b->distro->packages; *name; name++)
		strv_push(&all, *name);
	if (b->rel->resolved_package)
		strv_push(&all, "systemd-resolved");
	if (bootstrap_needs_locales(b))
		strv_push(&all, "locales");
	strv_pushl(&all, "tzdata", b->kernel_package, (char *)NULL);
	for (size_t i = 0; i < b->packages.len; i++)
		if (!strv_contains(&all, b->packages.v[i]))
			strv_push(&all, b->packages.v[i]);

	AUTO_FREE char *list = strv_join(&all, ",");

	strv_pushf(ret, "--include=%s", list);
}

void argv_mmdebstrap(const struct bootstrap *b, const struct cast_paths *p, struct strv *ret)
{
	enter(p, ret);
	strv_pushl(ret, "mmdebstrap", "--mode=root", "--format=directory", "--verbose",
		   (char *)NULL);
	strv_pushf(ret, "--variant=%s", b->variant);
	strv_pushf(ret, "--architectures=%s", b->architecture);
	add_packages(b, ret);
	strv_pushl(ret, "--aptopt=APT::Sandbox::User \"root\"",
		   "--aptopt=Acquire::Languages \"none\"", "--aptopt=Acquire::Retries \"3\"",
		   "--dpkgopt=force-unsafe-io", (char *)NULL);
	if (b->install_recommends)
		strv_push(ret, "--aptopt=Apt::Install-Recommends \"true\"");
	/* packages of earlier casts are put into the cache, and stay there for the next one */
	strv_push(ret, "--skip=download/empty,essential/unlink");
	if (b->rel->prefer_is_merged)
		strv_push(ret, "--hook-dir=" MERGED_USR_HOOKS);
	strv_pushl(ret, "--setup-hook=" HOOK("setup.sh"), "--essential-hook=" HOOK("essential.sh"),
		   "--customize-hook=" HOOK("customize.sh"), b->release, p->tree, (char *)NULL);
	archive_lines(b, ret);
}

void argv_mke2fs(const struct bootstrap *b, const struct cast_paths *p, const struct layout *l,
		 const struct disk_ids *ids, struct strv *ret)
{
	enter(p, ret);
	strv_push(ret, "/bin/sh");
	strv_pushf(ret, "%s/pack.sh", p->stage);
	strv_pushl(ret, p->tree, "mke2fs", "-q", "-F", "-t", "ext4", "-d", p->tree, "-L",
		   b->root_label, "-U", ids->filesystem, "-E", (char *)NULL);
	strv_pushf(ret,
		   "hash_seed=%s,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,offset=%lld",
		   ids->hash_seed, (long long)l->root.start);
	strv_push(ret, p->disk);
	strv_pushf(ret, "%lldk", (long long)(l->root.len / 1024));
}

void argv_sfdisk(const struct cast_paths *p, struct strv *ret)
{
	strv_pushl(ret, "sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", p->disk,
		   (char *)NULL);
}

void argv_mkfs_vfat(const struct cast_paths *p, const struct layout *l, const struct disk_ids *ids,
		    struct strv *ret)
{
	strv_pushl(ret, "mkfs.vfat", "--invariant", "-F", "32", "-s", "1", "-n", "ESP", "-i",
		   ids->fat, (char *)NULL);
	strv_pushf(ret, "--offset=%lld", (long long)(l->esp.start / SECTOR));
	strv_push(ret, p->disk);
	strv_pushf(ret, "%lld", (long long)(l->esp.len / 1024));
}

static void add_esp(const struct cast_paths *p, const struct layout *l, struct strv *ret)
{
	strv_push(ret, "-i");
	strv_pushf(ret, "%s@@%lld", p->disk, (long long)l->esp.start);
}

void argv_mmd(const struct cast_paths *p, const struct layout *l, struct strv *ret)
{
	strv_push(ret, "mmd");
	add_esp(p, l, ret);
	strv_pushl(ret, "::EFI", "::EFI/BOOT", (char *)NULL);
}

void argv_mcopy(const struct bootstrap *b, const struct cast_paths *p, const struct layout *l,
		const char *file, struct strv *ret)
{
	strv_push(ret, "mcopy");
	add_esp(p, l, ret);
	strv_push(ret, file);
	strv_pushf(ret, "::EFI/BOOT/%s", b->arch->efi_name);
}

void argv_grub_mkimage(const struct bootstrap *b, const struct cast_paths *p, bool uefi,
		       const char *out, struct strv *ret)
{
	strv_pushl(ret, "grub-mkimage", "-O", uefi ? b->arch->efi_platform : b->arch->bios_platform,
		   "-p", "/boot/grub", "-c", (char *)NULL);
	strv_pushf(ret, "%s/early.cfg", p->stage);
	strv_pushl(ret, "-o", out, (char *)NULL);
	for (const char *const *m = grub_common_modules; *m; m++)
		strv_push(ret, *m);
	for (const char *const *m = b->arch->grub_modules; *m; m++)
		strv_push(ret, *m);
	if (!uefi)
		strv_push(ret, "biosdisk");
}

void argv_qemu_img(const struct bootstrap *b, const char *from, const char *to, struct strv *ret)
{
	strv_pushl(ret, "qemu-img", "convert", "-f", "raw", "-O", b->format, (char *)NULL);
	if (b->disk_compression)
		strv_push(ret, "-c");
	strv_pushl(ret, "-o", "compat=1.1,cluster_size=65536", from, to, (char *)NULL);
}

void argv_remove_tree(const struct cast_paths *p, struct strv *ret)
{
	enter(p, ret);
	strv_pushl(ret, "rm", "-rf", "--one-file-system", "--", p->tree, (char *)NULL);
}
