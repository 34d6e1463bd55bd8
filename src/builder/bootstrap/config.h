/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the source type `bootstrap` and what prepare() derives from
 * them. Filled once, immutable afterwards; everything is owned by the arena of
 * the configuration.
 */
#pragma once

#include "builder/bootstrap/distro.h"
#include "core/component.h"

#include <stdbool.h>
#include <stdint.h>

struct bootstrap_user {
	const char *name; /* the block's label */
	struct text_list ssh_authorized_keys;
	const char *password_hash; /* crypt(5), NULL: locked */
	struct text_list groups;
	bool sudo;
	const char *shell;
	int64_t uid; /* 0: the next free one */
};

struct bootstrap {
	const char *distribution, *release, *mirror, *security_mirror, *keyring;
	bool updates, check_valid_until;
	struct text_list components, packages;
	const char *variant, *architecture, *kernel_package;
	bool install_recommends;

	const char *hostname, *locale, *timezone;
	struct block_list user; /* of struct bootstrap_user */

	const char *disk_size, *root_label, *firmware;
	struct text_list kernel_options;
	int64_t boot_timeout; /* seconds */
	const char *format;
	bool disk_compression;
	const char *output_directory, *vm_name, *seed;

	/* derived by bootstrap_prepare() */
	const struct distro *distro;
	const struct distro_release *rel;
	const struct arch *arch;
	int64_t disk_bytes;
	bool bios, uefi;
	const char *output_dir; /* absolute */
	const char *image_name; /* in output_dir, with its suffix */
};

extern const struct schema bootstrap_schema;

void bootstrap_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags);
const struct bootstrap_user *bootstrap_user_at(const struct bootstrap *b, size_t i);
/*
 * Adds every option that decides the bytes of the disk (not the names and the
 * format of what is written), in the order of the table.
 */
void bootstrap_digest(const struct bootstrap *b, struct digest *d);
/* The kernel package is the one for virtual machines. */
bool bootstrap_is_virtual(const struct bootstrap *b);
bool bootstrap_needs_locales(const struct bootstrap *b); /* beyond those of libc itself */
