/* SPDX-License-Identifier: Apache-2.0 */
/* What the template leaves open. */
#include "builder/qemu/defaults.h"

#include "base/duration.h"
#include "base/str.h"
#include "builder/qemu/arch.h"
#include "builder/qemu/firmware.h"

#include <string.h>

enum {
	MIN_MEMORY = 10,
	DEFAULT_MEMORY = 512,
	DEFAULT_SHUTDOWN_MINUTES = 5,
};

static void set_default(const char **member, const char *value)
{
	if (text_is_empty(*member))
		*member = value;
}

static void set_names(struct qemu_config *c, const struct prepare_ctx *ctx)
{
	const char *name = ctx->info->source_name;

	if (text_is_empty(c->vm_name))
		c->vm_name = arena_printf(ctx->arena, "packer-%s", name);
	if (text_is_empty(c->output_directory))
		c->output_directory = arena_printf(ctx->arena, "output-%s", name);
	if (c->qmp_enable && text_is_empty(c->qmp_socket_path))
		c->qmp_socket_path =
			arena_printf(ctx->arena, "%s/%s.monitor", c->output_directory, c->vm_name);
}

/* Does the template bring the guest's first program itself? */
static bool has_own_start(const struct qemu_config *c)
{
	static const struct {
		const char *key, *part; /* of the value */
	} starts[] = {
		{ "-bios", "" },        { "-kernel", "" },       { "-pflash", "" },
		{ "-drive", "pflash" }, { "-device", "loader" },
	};

	for (size_t i = 0; i < c->qemuargs.len; i++) {
		const struct text_list *row = &c->qemuargs.v[i];

		for (size_t j = 0; row->len > 1 && j < ARRAY_LEN(starts); j++)
			if (!strcmp(row->v[0], starts[j].key) && strstr(row->v[1], starts[j].part))
				return true;
	}
	return !text_is_empty(c->firmware);
}

/* Half of a pair finds the other half; where both are ours to choose, a pair that is there. */
static void complete_pair(struct qemu_config *c, const struct guest_arch *arch)
{
	struct firmware_pair pair = { NULL, NULL };
	AUTO(error) struct error *e = NULL;

	if (!text_is_empty(c->efi_firmware_code)) {
		set_default(&c->efi_firmware_vars, firmware_vars_of(c->efi_firmware_code));
		return;
	}
	if (!text_is_empty(c->efi_firmware_vars)) {
		set_default(&c->efi_firmware_code, firmware_code_of(c->efi_firmware_vars));
		return;
	}
	if (firmware_find(arch, &pair, &e) < 0)
		error_ignore(&e, "said when the build starts");
	c->efi_firmware_code = pair.code;
	c->efi_firmware_vars = pair.vars;
}

static void set_firmware(struct qemu_config *c, const struct guest_arch *arch)
{
	if (!text_is_empty(c->efi_firmware_code) || !text_is_empty(c->efi_firmware_vars))
		c->efi_boot = true;
	if (!c->efi_boot)
		return;
	complete_pair(c, arch);
	if (arch->needs_uefi) /* there it starts with empty variables, too */
		return;
	set_default(&c->efi_firmware_code, "/usr/share/OVMF/OVMF_CODE.fd");
	set_default(&c->efi_firmware_vars, "/usr/share/OVMF/OVMF_VARS.fd");
}

static void set_machine(struct qemu_config *c, const struct decoded *decoded)
{
	const struct guest_arch *arch = guest_arch_of(c->qemu_binary);

	set_default(&c->machine_type, arch->machine);
	set_default(&c->tpm_device_type, arch->tpm_device);
	if (arch->needs_uefi && guest_arch_is_bare(arch, c->machine_type) &&
	    !decoded_is_set(decoded, "efi_boot") && !has_own_start(c))
		c->efi_boot = true;
	set_firmware(c, arch);
}

void qemu_config_set_defaults(struct qemu_config *c, const struct prepare_ctx *ctx)
{
	if (c->memory < MIN_MEMORY)
		c->memory = DEFAULT_MEMORY;
	if (c->shutdown_timeout == 0)
		c->shutdown_timeout = DEFAULT_SHUTDOWN_MINUTES * 60 * NSEC_PER_SEC;
	set_default(&c->qemu_binary, "qemu-system-x86_64");
	set_default(&c->net_device, "virtio-net");
	set_default(&c->disk_interface, "virtio");
	/* A build that is cut short is thrown away, so the guest need not wait for the host's disk;
	 * unused blocks need not be kept, so there is less to compact. */
	set_default(&c->disk_cache, "unsafe");
	set_default(&c->disk_discard, "unmap");
	set_default(&c->disk_detect_zeroes, "unmap");
	set_default(&c->format, "qcow2");
	set_default(&c->vnc_bind_address, "127.0.0.1");
	set_default(&c->iso_target_extension, "iso");
	set_machine(c, ctx->decoded);
	if (!strcmp(c->format, "raw")) {
		c->skip_compaction = true;
		c->disk_compression = false;
	}
	if (c->use_backing_file)
		c->skip_compaction = true;
	/* the reference needs the socket for these itself; here a template that names one means it */
	if ((!text_is_empty(c->net_bridge) || c->vnc_use_password) &&
	    !text_is_empty(c->qmp_socket_path))
		c->qmp_enable = true;
	set_names(c, ctx);
}
