/* SPDX-License-Identifier: Apache-2.0 */
/* What the post-processors that drive Docker or Podman have in common (post-processors.md 11). */
#pragma once

#include "comm/docker/client.h"

#define ATTR_DOCKER_PATH(type)                                                                     \
	ATTR_STRING(type, docker_path, 0,                                                          \
		    "The command line of Docker, or of Podman; unset: the one that made the "      \
		    "image, else docker.")

/* Complains where a text is missing. */
void docker_require(const char *value, const char *attr, const struct prepare_ctx *ctx,
		    struct diags *diags);
struct docker_client docker_client_of(const char *docker_path, const struct artifact *input,
				      struct build_ctx *ctx);
