/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the source type `docker` (post-processors.md 12). Immutable after prepare(). */
#pragma once

#include "comm/config.h"
#include "comm/docker/login.h"

/* How to make the image to start from. */
struct dockerfile {
	const char *path, *build_dir, *platform;
	struct text_map arguments;
	bool pull, compress;
};

struct docker_config {
	const char *docker_path; /* "docker" */
	const char *image;
	bool pull;
	const char *platform;

	struct docker_login login; /* for the pull */

	struct text_list run_command; /* late; empty: docker_default_run_command */
	struct text_list device, cap_add, cap_drop, tmpfs;
	bool privileged;
	const char *runtime;
	struct text_map volumes; /* path here -> path in the container, prepare() expands `~/` */
	const char *container_dir;
	bool windows_container;

	const char *exec_user;
	bool pty, fix_upload_owner;

	bool commit, discard;
	const char *export_path;
	const char *author, *message;
	struct text_list changes;

	const void *build; /* struct dockerfile, instead of image; or NULL */
	struct comm_config comm;
};

/* Why the steps of a container are never reused, in words (heap); NULL: they may be. */
char *docker_never_reused(const struct docker_config *c);

extern const struct schema docker_schema;
void docker_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags);
