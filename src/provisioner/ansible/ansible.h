/* SPDX-License-Identifier: Apache-2.0 */
/* Runs Ansible of this host on the machine (provisioners.md 11; docs/configuration-management.md). */
#pragma once

#include "core/component.h"

struct ansible_config {
	const char *playbook_file;
	const char *command;
	const char *galaxy_command;
	struct text_list extra_arguments;
	struct text_list ansible_env_vars;
	struct text_list groups;
	struct text_list empty_groups;
	const char *host_alias;
	const char *user; /* NULL: as whom the build logs in; with the proxy the local user */
	int64_t local_port;
	const char *ssh_host_key_file;
	const char *ssh_authorized_key_file;
	const char *ansible_proxy_key_type;
	const char *sftp_command;
	bool use_sftp;
	bool skip_version_check;
	const char *inventory_directory;
	const char *inventory_file;
	const char *inventory_file_template;
	bool keep_inventory_file;
	const char *galaxy_file;
	bool galaxy_force_install;
	bool galaxy_force_with_deps;
	const char *roles_path;
	const char *collections_path;
	enum tribool use_proxy;
	struct text_list ansible_ssh_extra_args;
	bool ansible_winrm_use_http;
	/* set by prepare() */
	const char *cache_dir; /* NULL: none */
	const char *cwd;
};

extern const struct schema ansible_schema;
extern const struct provisioner_type provisioner_ansible;
