/* SPDX-License-Identifier: Apache-2.0 */
/* The image that a container is made of. */
#pragma once

#include "builder/docker/config.h"
#include "comm/docker/inspect.h"
#include "core/component.h"

/* dockerfile.c: makes the image that config->build tells of; its id is heap. */
MUST_CHECK int image_build(const struct docker_config *c, struct build_ctx *ctx, char **ret,
			   struct error **err);
/* Builds or pulls it, if that is to be done and fingerprint() has not. *ret: the name or id to start from; heap. */
MUST_CHECK int image_get(const struct docker_config *c, struct build_ctx *ctx, char **ret,
			 struct error **err);
/* The one that is here. */
MUST_CHECK int image_look(const struct docker_config *c, struct build_ctx *ctx, const char *name,
			  struct docker_facts *ret, struct error **err);
/* builder_type.fingerprint. Gets it, unless ctx only looks, and settles in ctx->resolved which image it is. */
MUST_CHECK int docker_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
				  struct error **err);
