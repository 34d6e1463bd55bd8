/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/argv.h"

#include "base/str.h"

void argv_docker_exec(struct strv *ret, const struct docker_comm_config *c, enum docker_stdin in)
{
	argv_docker_exec_with(ret, c, in, NULL);
}

void argv_docker_exec_with(struct strv *ret, const struct docker_comm_config *c,
			   enum docker_stdin in, const char *variable)
{
	strv_pushl(ret, c->program, "exec", NULL);
	if (!text_is_empty(c->exec_user))
		strv_pushl(ret, "-u", c->exec_user, NULL);
	if (in == DOCKER_STDIN_OPEN)
		strv_push(ret, "-i");
	/* with -i the client would want a terminal of its own, too */
	if (in == DOCKER_STDIN_TERMINAL)
		strv_push(ret, "-t");
	if (variable)
		strv_pushl(ret, "-e", variable, NULL);
	strv_push(ret, c->container);
}

void argv_docker_put(struct strv *ret, const struct docker_comm_config *c, const char *dir)
{
	strv_pushl(ret, c->program, "cp", "-", NULL);
	strv_pushf(ret, "%s:%s", c->container, dir);
}

void argv_docker_get(struct strv *ret, const struct docker_comm_config *c, const char *path)
{
	strv_pushl(ret, c->program, "cp", NULL);
	strv_pushf(ret, "%s:%s", c->container, path);
	strv_push(ret, "-");
}
