/* SPDX-License-Identifier: Apache-2.0 */
/* What shell and shell-local share: where scripts come from and which exit codes are good. */
#pragma once

#include "core/component.h"

/* Reports a path that does not exist: `Bad script 'P': stat P: …`, at `attr`. */
void script_check_file(const char *kind, const char *path, const char *attr,
		       const struct prepare_ctx *ctx, struct diags *diags);

struct script_inline {
	const struct text_list *lines;
	const char *shebang; /* without "#!" */
	bool keep_own;       /* lines that begin with "#!" need no other */
	const char *prefix;  /* of the file name */
	const char *suffix;  /* or "" */
	mode_t mode;
};
/* Renders each line and writes a file of the build's temporary directory. */
MUST_CHECK int script_write_inline(const struct script_inline *in, const struct provision_ctx *ctx,
				   char **ret_path, struct error **err);
/* Such a file, at the end; the build's directory goes anyway. */
void script_remove(const char *path);

bool script_exit_allowed(const struct int_list *allowed, int status);
/* `Script exited with non-zero exit status: N. Allowed exit codes are: [0]` */
int script_exit_error(const struct int_list *allowed, int status, struct error **err);
/* [0] when nothing is set. */
void script_exit_default(struct int_list *allowed, struct arena *arena);
