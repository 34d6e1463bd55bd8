/* SPDX-License-Identifier: Apache-2.0 */
/* Runs chef-solo on the machine. */
#pragma once

#include "core/component.h"

struct chef_config {
	struct text_list cookbook_paths, remote_cookbook_paths, run_list;
	const char *roles_path, *data_bags_path, *environments_path;
	const char *encrypted_data_bag_secret_path;
	const char *chef_environment, *chef_license, *config_template;
	struct value *json;
	const char *json_string;
	const char *execute_command, *install_command, *version;
	const char *guest_os_type, *staging_directory;
	bool prevent_sudo, skip_install;
};

extern const struct schema chef_schema;
extern const struct provisioner_type provisioner_chef_solo;
