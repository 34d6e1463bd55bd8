/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of the builder. Pure, so that golden files can show them. */
#pragma once

#include "base/strv.h"
#include "builder/docker/config.h"
#include "comm/docker/inspect.h"

void argv_docker_pull(struct strv *ret, const struct docker_config *c);
/* The image of a Dockerfile; its ID goes to the file `id_file`. */
void argv_docker_build(struct strv *ret, const struct docker_config *c, const struct dockerfile *d,
		       const char *id_file);
enum { DOCKER_START_WORDS = 5 }; /* of the program up to the name */
/* `shared`: directory of this host for container_dir, NULL: none. `command`: rendered run_command. */
void argv_docker_start(struct strv *ret, const struct docker_config *c, const char *name,
		       const char *shared, const struct strv *command);
/*
 * What a start with `command`, which has `image` in it, has made of the entry
 * point and the command of the container: one word in a list stands for any.
 * The tool would tell, too, for the price of a process.
 */
void docker_started_facts(const struct strv *command, const char *image, struct docker_facts *ret);
/*
 * `source` and `now`: the image it was made from, and the container. Its start
 * changed the entry point and the command, which the image gets back unless the
 * template sets others.
 */
void argv_docker_commit(struct strv *ret, const struct docker_config *c,
			const struct docker_facts *source, const struct docker_facts *now);
/* The present state under a name, as it is. */
void argv_docker_keep(struct strv *ret, const struct docker_config *c, const char *container,
		      const char *name);
/* Takes volumes and mounts out of the words of a run_command; false: there were none. */
bool docker_drop_volumes(struct strv *command);
/* Running or not. */
void argv_docker_remove(struct strv *ret, const struct docker_config *c, const char *container);
void argv_docker_export(struct strv *ret, const struct docker_config *c, const char *container);

/* Without a run_command. */
extern const struct text_list docker_default_run_command;
/* A run_command gives the container a name of its own. */
bool docker_names_container(const struct strv *command);
