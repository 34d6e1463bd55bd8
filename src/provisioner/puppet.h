/* SPDX-License-Identifier: Apache-2.0 */
/* Applies Puppet manifests on the machine. */
#pragma once

#include "core/component.h"

struct puppet_config {
	const char *manifest_file, *manifest_dir, *hiera_config_path;
	struct text_list module_paths;
	struct text_map facter;
	struct text_list extra_arguments;
	const char *execute_command;
	const char *guest_os_type;
	const char *puppet_bin_dir;
	const char *staging_directory, *working_directory;
	bool prevent_sudo, ignore_exit_codes, clean_staging_directory;
	const char *elevated_user, *elevated_password;
};

extern const struct schema puppet_schema;
extern const struct provisioner_type provisioner_puppet_masterless;
