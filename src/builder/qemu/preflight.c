/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/preflight.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/qemu/bridge.h"
#include "builder/qemu/firmware.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/tpm.h"

#include <string.h>
#include <sys/stat.h>

static int check_firmware(const struct qemu_config *c, struct build_ctx *ctx, struct error **err)
{
	const struct firmware_pair pair = { c->efi_firmware_code, c->efi_firmware_vars };

	if (firmware_check(guest_arch_of(c->qemu_binary), &pair, err) < 0)
		return -1;
	if (firmware_needs_smm(pair.code) && !qemu_config_overrides(c, "-machine") &&
	    !qemu_config_overrides(c, "-M") && !strstr(c->machine_type, "q35")) {
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

/* QEMU removes whatever is there. */
static int check_socket(const struct qemu_config *c, struct error **err)
{
	struct stat st;

	if (!c->qmp_enable || lstat(c->qmp_socket_path, &st) < 0 || S_ISSOCK(st.st_mode))
		return 0;
	return error_set(err, ERROR_EXISTS, "qmp_socket_path '%s' exists and is no socket",
			 c->qmp_socket_path);
}

int preflight(const struct qemu_config *c, struct build_ctx *ctx, struct error **err)
{
	if (guest_find_binary(c->qemu_binary, err) < 0)
		return -1;
	if (!text_is_empty(c->net_bridge) &&
	    bridge_check(c->net_bridge, &(struct interface){ 0 }, err) < 0)
		return -1;
	if (check_socket(c, err) < 0)
		return -1;
	if (c->vtpm && tpm_find_binary(err) < 0)
		return -1;
	if (c->efi_boot && check_firmware(c, ctx, err) < 0)
		return -1;
	return 0;
}
