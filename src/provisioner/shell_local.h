/* SPDX-License-Identifier: Apache-2.0 */
/* Runs scripts on this host (provisioners.md 6). */
#pragma once

#include "core/component.h"

struct shell_local_config {
	const char *command;
	struct text_list inline_;
	const char *script;
	struct text_list scripts;
	const char *inline_shebang;
	struct text_list execute_command;
	struct text_map env;
	struct text_list environment_vars;
	const char *env_var_format;
	struct int_list valid_exit_codes;
	struct text_list only_on;
	const char *tempfile_extension;
	bool use_linux_pathing;
	/* set by prepare() */
	bool own_command; /* execute_command was given */
};

extern const struct schema shell_local_schema;
extern const struct provisioner_type provisioner_shell_local;
extern const struct postproc_type postproc_shell_local;
