/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/distro.h"

#include <string.h>

/*
 * What makes a bootable, reachable machine out of any package selection. Small
 * on purpose: everything else is the template's `packages`.
 */
static const char *const debian_packages[] = {
	"ca-certificates",
	"dbus",
	"e2fsprogs",
	"fdisk",
	"initramfs-tools",
	"iproute2",
	"iputils-ping",
	"kmod",
	"less",
	"openssh-server",
	"procps",
	"sudo",
	"systemd-sysv",
	"systemd-timesyncd",
	"udev",
	"vim-tiny",
	"zstd",
	NULL,
};

/* Suites move from release to release, so nothing is said of one that not all have. */
static const struct distro_release debian_releases[] = {
	{ "bullseye", true, false, false, "gzip" }, { "bookworm", true, true, true, "zstd" },
	{ "trixie", true, true, false, "zstd" },    { "forky", true, true, false, "zstd" },
	{ "sid", false, true, false, "zstd" },      { "oldstable", true, true, false, "zstd" },
	{ "stable", true, true, false, "zstd" },    { "testing", true, true, false, "zstd" },
	{ "unstable", false, true, false, "zstd" }, { .name = NULL },
};

static const struct distro distros[] = {
	{
		.name = "debian",
		.title = "Debian GNU/Linux",
		.mirror = "http://deb.debian.org/debian",
		.security_mirror = "http://deb.debian.org/debian-security",
		.host_keyring = "/usr/share/keyrings/debian-archive-keyring.gpg",
		.keyring_package = "debian-archive-keyring",
		.image_keyring = "/usr/share/keyrings/debian-archive-keyring.gpg",
		.releases = debian_releases,
		.packages = debian_packages,
	},
};
static const char *const distro_name_list[] = { "debian", NULL };
static_assert(ARRAY_LEN(distro_name_list) == ARRAY_LEN(distros) + 1, "every distribution is named");

static const char *const pc_modules[] = { "serial", NULL };
static const char *const no_modules[] = { NULL };

static const struct arch archs[] = {
	{
		.name = "amd64",
		.machine = "x86_64",
		.binfmt = "qemu-x86_64",
		.kernel_package = "linux-image-cloud-amd64",
		.bios_platform = "i386-pc",
		.efi_platform = "x86_64-efi",
		.efi_package = "grub-efi-amd64-bin",
		.efi_name = "BOOTX64.EFI",
		.grub_modules = pc_modules,
		.serial = "ttyS0",
		/* an emulated timer that is late on a busy host would be a panic at boot */
		.virtual_options = "no_timer_check",
		.root_type = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
	},
	{
		.name = "arm64",
		.machine = "aarch64",
		.binfmt = "qemu-aarch64",
		.kernel_package = "linux-image-cloud-arm64",
		.efi_platform = "arm64-efi",
		.efi_package = "grub-efi-arm64-bin",
		.efi_name = "BOOTAA64.EFI",
		.grub_modules = no_modules,
		.serial = "ttyAMA0",
		.root_type = "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
	},
};
static const char *const arch_name_list[] = { "amd64", "arm64", NULL };
static_assert(ARRAY_LEN(arch_name_list) == ARRAY_LEN(archs) + 1, "every architecture is named");

const char *const grub_common_modules[] = {
	"part_gpt",     "part_msdos", "ext2",      "fat",     "search", "search_fs_uuid",
	"search_label", "configfile", "normal",    "linux",   "echo",   "terminal",
	"test",         "ls",         "cat",       "help",    "reboot", "halt",
	"loadenv",      "gzio",       "all_video", "minicmd", "sleep",  "true",
	"probe",        "regexp",     NULL,
};

const char *const initrd_modules[] = {
	"ext4",     "virtio_pci", "virtio_mmio",  "virtio_blk", "virtio_scsi", "nvme",   "ahci",
	"ata_piix", "sd_mod",     "xen_blkfront", "hv_storvsc", "vmw_pvscsi",  "mptspi", NULL,
};

const struct distro *distro_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(distros); i++)
		if (!strcmp(distros[i].name, name))
			return &distros[i];
	return NULL;
}

const struct distro_release *distro_release_find(const struct distro *d, const char *name)
{
	for (const struct distro_release *r = d->releases; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

const struct arch *arch_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (!strcmp(archs[i].name, name))
			return &archs[i];
	return NULL;
}

const struct arch *arch_of_machine(const char *machine)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (!strcmp(archs[i].machine, machine))
			return &archs[i];
	return NULL;
}

const char *const *distro_names(void)
{
	return distro_name_list;
}

const char *const *arch_names(void)
{
	return arch_name_list;
}
