/* SPDX-License-Identifier: Apache-2.0 */
/* Runs scripts on the machine (provisioners.md 4). */
#pragma once

#include "core/component.h"

struct shell_config {
	struct text_list inline_;
	const char *script;
	struct text_list scripts;
	const char *inline_shebang;
	bool binary;
	struct text_map env;
	struct text_list environment_vars;
	const char *env_var_format;
	bool use_env_var_file;
	const char *execute_command;
	const char *remote_folder;
	const char *remote_file;
	const char *remote_path;
	bool skip_clean;
	bool expect_disconnect;
	struct int_list valid_exit_codes;
	int64_t start_retry_timeout;
	int64_t pause_after;
	/* set by prepare() */
	bool own_shebang; /* inline_shebang was given */
};

extern const struct schema shell_schema;
extern const struct provisioner_type provisioner_shell;
