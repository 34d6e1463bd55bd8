/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What provisioners that run a tool on the machine share (ansible-local,
 * puppet-masterless, chef-solo): a folder there, into which the user's files
 * are copied, and the commands for that on Unix and on Windows.
 */
#pragma once

#include "core/component.h"

struct staging {
	struct provision_ctx *ctx;
	const char *dir; /* on the machine, with forward slashes */
	bool sudo;       /* make and remove folders as root, for everybody to write to */
	bool windows;
};

/* `sudo` holds for Unix only. */
struct staging staging_of(struct provision_ctx *ctx, const char *dir, const char *guest_os_type,
			  bool sudo);
/* `dir` itself or one below it, with all that lead there. */
MUST_CHECK int staging_make(const struct staging *s, const char *dir, struct error **err);
MUST_CHECK int staging_file(const struct staging *s, const char *src, const char *dst,
			    struct error **err);
MUST_CHECK int staging_text(const struct staging *s, const char *text, const char *dst,
			    struct error **err);
/* What is in a local folder, into one there, which is made. */
MUST_CHECK int staging_folder(const struct staging *s, const char *src, const char *dst,
			      struct error **err);
MUST_CHECK int staging_remove(const struct staging *s, struct error **err);
/* A command whose output the user sees. A lost connection is an error. */
MUST_CHECK int staging_run(const struct staging *s, const char *command, int *ret_status,
			   struct error **err);

enum staging_want { STAGING_ANY, STAGING_FILE, STAGING_FOLDER };
/* For prepare(): `NAME: PATH is invalid: …`. Empty paths are passed over. */
void staging_check(const char *name, const char *path, enum staging_want want,
		   const struct prepare_ctx *ctx, struct diags *diags);
void staging_check_all(const char *name, const struct text_list *paths, enum staging_want want,
		       const struct prepare_ctx *ctx, struct diags *diags);
/* `guest_os_type`: NULL becomes "unix". */
void staging_check_os(const char **type, const struct prepare_ctx *ctx, struct diags *diags);

/* For local_files(): the file, or all below a folder. Empty paths are passed over. */
MUST_CHECK int local_files_add(const char *path, struct strv *ret, struct error **err);
MUST_CHECK int local_files_add_all(const struct text_list *paths, struct strv *ret,
				   struct error **err);
