/* SPDX-License-Identifier: Apache-2.0 */
/* Runs Ansible on the machine itself (provisioners.md 12). */
#pragma once

#include "core/component.h"

struct ansible_local_config {
	const char *playbook_file;
	struct text_list playbook_files;
	const char *command;
	struct text_list extra_arguments;
	const char *group_vars, *host_vars, *playbook_dir;
	struct text_list playbook_paths, role_paths, collection_paths;
	const char *staging_directory;
	bool clean_staging_directory;
	const char *inventory_file;
	struct text_list inventory_groups;
	const char *galaxy_file, *galaxy_command;
	bool galaxy_force_install;
	const char *galaxy_roles_path, *galaxy_collections_path;
};

extern const struct schema ansible_local_schema;
extern const struct provisioner_type provisioner_ansible_local;
