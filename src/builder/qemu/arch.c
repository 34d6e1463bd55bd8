/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/arch.h"

#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"

#include <string.h>
#include <sys/utsname.h>

static const struct guest_arch rows[] = {
	{ .name = "x86_64",
	  .package = "qemu-system-x86",
	  .machine = "pc",
	  .soft_host = "max",
	  .tpm_device = "tpm-tis",
	  .pvpanic = "pvpanic",
	  .hears_boot_order = true,
	  .has_ps2 = true },
	{ .name = "i386",
	  .package = "qemu-system-x86",
	  .machine = "pc",
	  .soft_host = "max",
	  .tpm_device = "tpm-tis",
	  .pvpanic = "pvpanic",
	  .hears_boot_order = true,
	  .has_ps2 = true },
	{ .name = "aarch64",
	  .package = "qemu-system-arm",
	  .machine = "virt",
	  /* a plain "max" spends two thirds of its time on pointer authentication */
	  .soft_cpu = "cortex-a57",
	  .soft_host = "max,pauth-impdef=on",
	  .hard_cpu = "host",
	  .cdrom = "virtio-scsi",
	  .tpm_device = "tpm-tis-device",
	  .pvpanic = "pvpanic-pci",
	  .needs_uefi = true,
	  .is_bare = true },
	{ .name = "arm",
	  .package = "qemu-system-arm",
	  .machine = "virt",
	  .soft_host = "max",
	  .hard_cpu = "host",
	  .cdrom = "virtio-scsi",
	  .tpm_device = "tpm-tis-device",
	  .pvpanic = "pvpanic-pci",
	  .needs_uefi = true,
	  .is_bare = true },
	{ .name = "riscv",
	  .package = "qemu-system-misc",
	  .machine = "virt",
	  .tpm_device = "tpm-tis-device" },
	{ .name = "ppc64",
	  .package = "qemu-system-ppc",
	  .machine = "pseries",
	  .tpm_device = "tpm-spapr",
	  .hears_boot_order = true },
	{ .name = "ppc",
	  .package = "qemu-system-ppc",
	  .machine = "mac99",
	  .tpm_device = "tpm-tis",
	  .hears_boot_order = true },
	{ .name = "s390x",
	  .package = "qemu-system-misc",
	  .machine = "s390-ccw-virtio",
	  .soft_host = "max",
	  .tpm_device = "tpm-tis" },
	{ .name = "mips",
	  .package = "qemu-system-mips",
	  .machine = "malta",
	  .tpm_device = "tpm-tis" },
	{ .name = "sparc64",
	  .package = "qemu-system-sparc",
	  .machine = "sun4u",
	  .tpm_device = "tpm-tis",
	  .hears_boot_order = true },
	{ .name = "sparc",
	  .package = "qemu-system-sparc",
	  .machine = "SS-5",
	  .tpm_device = "tpm-tis",
	  .hears_boot_order = true },
};

/* What the reference takes for any of them. */
static const struct guest_arch unknown = {
	.name = "",
	.package = "qemu-system",
	.machine = "pc",
	.soft_host = "max",
	.tpm_device = "tpm-tis",
};

const char *guest_arch_named(const char *binary)
{
	const char *name = path_basename(binary);
	const char *prefix = "qemu-system-";

	return text_starts_with(name, prefix) ? name + strlen(prefix) : NULL;
}

const struct guest_arch *guest_arch_of(const char *binary)
{
	const char *name = guest_arch_named(binary);
	struct utsname host;

	if (!name && uname(&host) == 0)
		name = host.machine;
	for (size_t i = 0; name && i < ARRAY_LEN(rows); i++)
		if (text_starts_with(name, rows[i].name))
			return &rows[i];
	return &unknown;
}

static bool is_x86(const char *arch)
{
	return !strcmp(arch, "x86_64") || !strcmp(arch, "i386");
}

bool guest_arch_is_native(const char *binary)
{
	const char *named = guest_arch_named(binary);
	struct utsname host;

	if (!named)
		return true;
	if (uname(&host) < 0)
		return false;
	return !strcmp(named, host.machine) || (is_x86(named) && is_x86(host.machine));
}

bool guest_arch_is_bare(const struct guest_arch *arch, const char *machine_type)
{
	const char *prefix = "virt";

	/* the end of the text is found, too */
	return arch->is_bare && text_starts_with(machine_type, prefix) &&
	       strchr("-,", machine_type[strlen(prefix)]);
}

static bool is_pc(const struct guest_arch *arch, const char *machine_type)
{
	return arch->has_ps2 &&
	       (text_starts_with(machine_type, "pc") || text_starts_with(machine_type, "q35"));
}

bool guest_arch_has_pvpanic(const struct guest_arch *arch, const char *machine_type)
{
	return arch->pvpanic &&
	       (guest_arch_is_bare(arch, machine_type) || is_pc(arch, machine_type));
}

bool guest_arch_has_vmgenid(const struct guest_arch *arch, const char *machine_type)
{
	return is_pc(arch, machine_type);
}

const char *guest_arch_package(const char *binary)
{
	return guest_arch_named(binary) ? guest_arch_of(binary)->package : unknown.package;
}
