/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A login at a registry for the time of a pull or a push. It is kept in a
 * folder of the build, not among the user's own: two builds do not log each
 * other out, and nothing is left when we are killed. What the user is logged
 * in to already is seen all the same.
 */
#pragma once

#include "comm/docker/client.h"

struct docker_login {
	const char *server; /* NULL or "": Docker Hub */
	const char *username, *password;
};

/* Sets client->config_dir. The password goes through standard input. */
MUST_CHECK int docker_login(struct docker_client *client, const struct docker_login *login,
			    struct error **err);
/* Logs out and removes the folder; safe without a login. */
void docker_logout(struct docker_client *client, const struct docker_login *login);
