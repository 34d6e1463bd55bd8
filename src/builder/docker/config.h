/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the source type `docker` (post-processors.md 12). Immutable after prepare(). */
#pragma once

#include "comm/config.h"

struct docker_config {
	const char *docker_path; /* "docker" */
	const char *image;
	bool pull;
	const char *platform;

	bool login;
	const char *login_username, *login_password, *login_server;
	bool ecr_login;
	const char *aws_access_key, *aws_secret_key, *aws_token, *aws_profile;
	bool aws_force_use_public_ecr;

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

	const void *build; /* a Dockerfile: told as not supported */
	struct comm_config comm;
};

extern const struct schema docker_schema;
void docker_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags);
