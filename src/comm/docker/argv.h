/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of the communicator. Pure, so that golden files can show them. */
#pragma once

#include "base/strv.h"
#include "comm/docker/docker.h"

/* How a command of ours is started in the container. */
enum docker_stdin { DOCKER_STDIN_NONE, DOCKER_STDIN_OPEN, DOCKER_STDIN_TERMINAL };

/* Up to the container: the command follows, word by word. */
void argv_docker_exec(struct strv *ret, const struct docker_comm_config *c, enum docker_stdin in);
/* The same; the command gets this variable of the client's environment. NULL: none. */
void argv_docker_exec_with(struct strv *ret, const struct docker_comm_config *c,
			   enum docker_stdin in, const char *variable);
/* A tar stream on standard input, unpacked below an existing directory. */
void argv_docker_put(struct strv *ret, const struct docker_comm_config *c, const char *dir);
/* What is at `path` as a tar stream on standard output. */
void argv_docker_get(struct strv *ret, const struct docker_comm_config *c, const char *path);
