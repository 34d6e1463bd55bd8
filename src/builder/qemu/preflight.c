/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/preflight.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/qemu/bridge.h"
#include "builder/qemu/firmware.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/tpm.h"

#include <string.h>

static bool overrides_machine(const struct qemu_config *c)
{
	for (size_t i = 0; i < c->qemuargs.len; i++)
		if (c->qemuargs.v[i].len && (!strcmp(c->qemuargs.v[i].v[0], "-machine") ||
					     !strcmp(c->qemuargs.v[i].v[0], "-M")))
			return true;
	return false;
}

static int check_firmware(const struct qemu_config *c, struct build_ctx *ctx, struct error **err)
{
	const struct firmware_pair pair = { c->efi_firmware_code, c->efi_firmware_vars };

	if (firmware_check(guest_arch_of(c->qemu_binary), &pair, err) < 0)
		return -1;
	if (firmware_needs_smm(pair.code) && !overrides_machine(c) &&
	    !strstr(c->machine_type, "q35")) {
		error_set(err, ERROR_INVALID,
			  "UEFI firmware '%s' does not start on a machine of type '%s': secure "
			  "boot needs system management mode",
			  pair.code, c->machine_type);
		return error_hint(err, "set machine_type = \"q35\", or take the code without "
				       "secure boot");
	}

	AUTO_FREE char *mismatch = firmware_mismatch(&pair);

	if (mismatch)
		ui_error(ctx->ui, "Warning: %s", mismatch);
	return 0;
}

int preflight(const struct qemu_config *c, struct build_ctx *ctx, struct error **err)
{
	if (guest_find_binary(c->qemu_binary, err) < 0)
		return -1;
	if (!text_is_empty(c->net_bridge) &&
	    bridge_check(c->net_bridge, &(struct interface){ 0 }, err) < 0)
		return -1;
	if (c->vtpm && tpm_find_binary(err) < 0)
		return -1;
	if (c->efi_boot && check_firmware(c, ctx, err) < 0)
		return -1;
	return 0;
}
