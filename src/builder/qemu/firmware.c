/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/firmware.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

static const struct {
	const char *arch, *code, *vars;
	bool secure; /* locks its variables up in system management mode; never chosen unasked */
} pairs[] = {
	/* Debian, Ubuntu */
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd", false },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", false },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
	  true },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd",
	  "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd", true },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd",
	  true },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd", true },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd", true },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd", false },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd",
	  false },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.ms.fd", "/usr/share/AAVMF/AAVMF_VARS.ms.fd",
	  false },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.snakeoil.fd",
	  "/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd", false },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd",
	  false },
	{ "arm", "/usr/share/AAVMF/AAVMF32_CODE.fd", "/usr/share/AAVMF/AAVMF32_VARS.fd", false },
	/* Fedora, CentOS */
	{ "x86_64", "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd",
	  false },
	{ "x86_64", "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd",
	  "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd", true },
	{ "x86_64", "/usr/share/edk2/ovmf/OVMF_CODE_4M.qcow2",
	  "/usr/share/edk2/ovmf/OVMF_VARS_4M.qcow2", false },
	{ "x86_64", "/usr/share/edk2/ovmf/OVMF_CODE_4M.secboot.qcow2",
	  "/usr/share/edk2/ovmf/OVMF_VARS_4M.secboot.qcow2", true },
	{ "aarch64", "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
	  "/usr/share/edk2/aarch64/vars-template-pflash.raw", false },
	{ "aarch64", "/usr/share/edk2/aarch64/QEMU_EFI-pflash.qcow2",
	  "/usr/share/edk2/aarch64/vars-template-pflash.qcow2", false },
	/* Arch */
	{ "x86_64", "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd",
	  false },
	{ "x86_64", "/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd",
	  "/usr/share/edk2/x64/OVMF_VARS.4m.fd", true },
	{ "aarch64", "/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd",
	  false },
	/* openSUSE */
	{ "x86_64", "/usr/share/qemu/ovmf-x86_64-4m-code.bin",
	  "/usr/share/qemu/ovmf-x86_64-4m-vars.bin", false },
	{ "x86_64", "/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin",
	  false },
	{ "aarch64", "/usr/share/qemu/aavmf-aarch64-code.bin",
	  "/usr/share/qemu/aavmf-aarch64-vars.bin", false },
	/* QEMU's own; it needs no variables to start with */
	{ "x86_64", "/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd",
	  false },
	{ "aarch64", "/usr/share/qemu/edk2-aarch64-code.fd", "/usr/share/qemu/edk2-arm-vars.fd",
	  false },
	{ "aarch64", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", NULL, false },
};

/* What is not in a package of its own is not on the host at all. */
static const struct {
	const char *arch, *package;
} packages[] = {
	{ "x86_64", "ovmf" },
	{ "i386", "ovmf-ia32" },
	{ "aarch64", "qemu-efi-aarch64" },
	{ "arm", "qemu-efi-arm" },
	{ "riscv", "qemu-efi-riscv64" },
};

static int hint_package(const struct guest_arch *arch, const char *more, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (!strcmp(packages[i].arch, arch->name))
			return error_hint(err, "the Debian package %s brings it; %s",
					  packages[i].package, more);
	return error_hint(err, "%s", more);
}

static int say_none(const struct guest_arch *arch, struct error **err)
{
	const char *first = "none is known";

	for (size_t i = ARRAY_LEN(pairs); i-- > 0;)
		if (!strcmp(pairs[i].arch, arch->name) && !pairs[i].secure)
			first = pairs[i].code;
	error_set(err, ERROR_NOT_FOUND, "no UEFI firmware for guests on this host ('%s', …)",
		  first);
	return hint_package(arch, "or set efi_firmware_code and efi_firmware_vars", err);
}

int firmware_find(const struct guest_arch *arch, struct firmware_pair *ret, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (strcmp(pairs[i].arch, arch->name) || pairs[i].secure ||
		    !fs_exists(pairs[i].code) || (pairs[i].vars && !fs_exists(pairs[i].vars)))
			continue;
		*ret = (struct firmware_pair){ pairs[i].code, pairs[i].vars };
		return 0;
	}
	return say_none(arch, err);
}

const char *firmware_vars_of(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (!strcmp(pairs[i].code, code))
			return pairs[i].vars;
	return NULL;
}

const char *firmware_code_of(const char *vars)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (text_eq(pairs[i].vars, vars))
			return pairs[i].code;
	return NULL;
}

bool firmware_needs_smm(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (!strcmp(pairs[i].code, code))
			return pairs[i].secure;
	return false;
}

int firmware_check(const struct guest_arch *arch, const struct firmware_pair *pair,
		   struct error **err)
{
	if (!pair->code)
		return say_none(arch, err);

	const char *missing = !fs_exists(pair->code) ? pair->code : pair->vars;

	if (!missing || fs_exists(missing))
		return 0;
	error_set(err, ERROR_NOT_FOUND, "UEFI firmware '%s' does not exist", missing);
	return hint_package(arch, "code and variables must be of one pair", err);
}

/* Code and variables of OVMF fill 2 or 4 MiB together; so do those of a fork of it. */
char *firmware_mismatch(const struct firmware_pair *pair)
{
	static const struct {
		int64_t code, vars;
	} known[] = { { 1966080, 131072 }, { 3653632, 540672 } };
	int64_t code = 0, vars = 0;
	AUTO(error) struct error *e = NULL;

	if (!pair->vars)
		return NULL;
	if (fs_size(pair->code, &code, &e) < 0 || fs_size(pair->vars, &vars, &e) < 0) {
		error_ignore(&e, "who uses them will say so");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (code == known[i].code && vars == known[1 - i].vars)
			return xasprintf("'%s' and '%s' are not of one pair (%lld and %lld bytes): "
					 "the guest may hang without a word",
					 pair->code, pair->vars, (long long)code, (long long)vars);
	return NULL;
}

int64_t firmware_flash_size(const struct guest_arch *arch)
{
	enum { VIRT_FLASH_MIB = 64 };

	return arch->needs_uefi ? VIRT_FLASH_MIB * 1024LL * 1024 : 0;
}
