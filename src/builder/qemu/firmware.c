/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/firmware.h"

#include "os/fs.h"

/* Code and variables must be of one size: a mixed pair hangs without a word. */
static const struct firmware_pair pairs[] = {
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
};

int firmware_find(struct firmware_pair *ret, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (!fs_exists(pairs[i].code) || !fs_exists(pairs[i].vars))
			continue;
		*ret = pairs[i];
		return 0;
	}
	error_set(err, ERROR_NOT_FOUND, "no UEFI firmware for guests on this host ('%s', …)",
		  pairs[0].code);
	return error_hint(err, "the Debian package ovmf brings it; or set efi_firmware_code and "
			       "efi_firmware_vars");
}

int firmware_check(const struct firmware_pair *pair, struct error **err)
{
	const char *missing = !fs_exists(pair->code) ? pair->code : pair->vars;

	if (fs_exists(missing))
		return 0;
	error_set(err, ERROR_NOT_FOUND, "UEFI firmware '%s' does not exist", missing);
	return error_hint(err, "the Debian package ovmf brings it; code and variables must be of "
			       "one pair");
}
