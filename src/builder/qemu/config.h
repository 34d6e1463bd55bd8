/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the qemu builder (qemu-builder.md 2): the table, defaults and
 * cross-checks. After qemu_config_prepare() the struct is immutable and every
 * text that the command line needs is set.
 */
#pragma once

#include "comm/config.h"
#include "core/component.h"
#include "schema/schema.h"

#include <stdbool.h>
#include <stdint.h>

struct qemu_img_args {
	struct text_list convert, create, resize;
};

struct qemu_config {
	/* machine */
	const char *accelerator; /* NULL: to be found out */
	const char *machine_type;
	const char *cpu_model; /* NULL: QEMU's default */
	int64_t cpus, sockets, cores, threads;
	int64_t memory; /* MiB */
	const char *qemu_binary;
	struct text_table qemuargs;
	bool headless;
	const char *display;
	bool use_default_display;
	const char *vga;
	const char *firmware;
	bool use_pflash;
	bool efi_boot;
	const char *efi_firmware_code, *efi_firmware_vars;
	bool efi_drop_efivars;
	bool vtpm, use_tpm1;
	const char *tpm_device_type;
	const char *net_device;
	const char *net_bridge;
	bool run_once;

	/* disks */
	bool disk_image;
	bool use_backing_file;
	const char *disk_size; /* with a unit */
	struct text_list disk_additional_size;
	const char *disk_interface;
	const char *disk_cache, *disk_discard, *disk_detect_zeroes;
	const char *format;
	bool skip_resize_disk;
	bool skip_compaction;
	bool disk_compression;
	const void *qemu_img_args; /* struct qemu_img_args, or NULL */
	const char *vm_name;
	const char *output_directory;
	const char *cdrom_interface;

	/* screen and keyboard */
	const char *vnc_bind_address;
	int64_t vnc_port_min, vnc_port_max;
	bool vnc_use_password;
	const char *vnc_password;
	bool disable_vnc;
	int64_t boot_wait;
	struct text_list boot_command;
	struct text_table boot_steps;
	int64_t boot_key_interval, boot_keygroup_interval;
	bool qmp_enable;
	const char *qmp_socket_path;

	/* network */
	int64_t host_port_min, host_port_max;
	int64_t ssh_host_port_min, ssh_host_port_max;
	bool skip_nat_mapping;
	const char *http_directory;
	struct text_map http_content;
	int64_t http_port_min, http_port_max;
	const char *http_bind_address, *http_interface, *http_network_protocol;

	/* media */
	struct text_list floppy_files, floppy_dirs;
	struct text_map floppy_content;
	const char *floppy_label;
	struct text_list cd_files;
	struct text_map cd_content;
	const char *cd_label;
	const char *iso_url;
	struct text_list iso_urls;
	const char *iso_checksum;
	const char *iso_target_path, *iso_target_extension;
	bool iso_skip_cache;

	const char *shutdown_command;
	int64_t shutdown_timeout;

	struct comm_config comm;

	/* found by prepare */
	struct text_list urls; /* iso_url or iso_urls */
	bool key_type_set;     /* the template says which kind of temporary key */
};

extern const struct schema qemu_schema;

void qemu_config_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags);

/* Does qemuargs have a row for the switch? As it is written, before it is rendered. */
bool qemu_config_overrides(const struct qemu_config *c, const char *key);
/* Never NULL: empty lists where the block is absent. */
const struct qemu_img_args *qemu_config_img_args(const struct qemu_config *c);
char *qemu_config_boot_command(const struct qemu_config *c); /* all lines, joined; heap */
bool qemu_config_has_comm(const struct qemu_config *c);      /* communicator is not `none` */
/* The port inside the guest that the communicator wants. */
int qemu_config_guest_port(const struct qemu_config *c);
