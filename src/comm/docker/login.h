/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A login at a registry for the time of a pull or a push, with a name and a
 * password of the template or with what Amazon's registry gives for a key. It
 * is kept in a folder of the build, not among the user's own: two builds do
 * not log each other out, and nothing is left when we are killed. What the
 * user is logged in to already is seen all the same.
 */
#pragma once

#include "comm/docker/client.h"
#include "schema/schema.h"

/* The options of the builder and of docker-push. */
struct docker_login {
	bool login;
	const char *login_username, *login_password;
	const char *login_server; /* NULL or "": Docker Hub */
	bool ecr_login;
	const char *aws_access_key, *aws_secret_key, *aws_token, *aws_profile;
	bool aws_force_use_public_ecr;
};

extern const struct schema docker_login_schema;
void docker_login_prepare(const struct docker_login *login, const struct prepare_ctx *ctx,
			  struct diags *diags);

/* If the options want one: sets client->config_dir. The password goes through standard input. */
MUST_CHECK int docker_login(struct docker_client *client, const struct docker_login *login,
			    struct error **err);
/* Logs out and removes the folder; safe without a login. */
void docker_logout(struct docker_client *client, const struct docker_login *login);
