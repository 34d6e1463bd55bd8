/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool knows of an image or a container. */
#pragma once

#include "comm/docker/client.h"

struct docker_facts {
	char *id; /* "sha256:…", of a container without the prefix */
	char *digest; /* of an image that came from a registry or went there: "NAME@sha256:…"; or NULL */
	bool running; /* a container */
	char *image;  /* of a container: the id of its image */
	int64_t size; /* of an image, with what it stands on */
	size_t layers;
	struct strv cmd, entrypoint, volumes; /* places that are kept in volumes */
};
#define DOCKER_FACTS_INIT                                                                          \
	{                                                                                          \
		.cmd = STRV_INIT, .entrypoint = STRV_INIT, .volumes = STRV_INIT                    \
	}
void docker_facts_release(struct docker_facts *f);
static inline void auto_docker_facts(struct docker_facts *f)
{
	docker_facts_release(f);
}

/* Podman leaves "sha256:" out, in some places. */
bool docker_same_id(const char *a, const char *b);

/* `kind` is "image" or "container". ERROR_NOT_FOUND: there is none of that name. */
MUST_CHECK int docker_inspect(const struct docker_client *client, const char *kind,
			      const char *name, struct docker_facts *ret, struct error **err);
/* The same from the tool's answer. */
MUST_CHECK int docker_parse_facts(const char *json, struct docker_facts *ret, struct error **err);
