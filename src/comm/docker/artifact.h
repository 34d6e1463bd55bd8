/* SPDX-License-Identifier: Apache-2.0 */
/* Images as artifacts: the identifiers by which post-processors know what they may work on. */
#pragma once

#include "core/artifact.h"

#define DOCKER_BUILDER_ID "packer.docker" /* a file system in a tar file */
#define DOCKER_IMPORT_ID  "packer.post-processor.docker-import"
#define DOCKER_TAG_ID     "packer.post-processor.docker-tag"

/* `tags`: names that it has, NULL: none. Destroying it removes the image with `program`. */
struct artifact *docker_image_artifact(const char *builder_id, const char *id,
				       const struct strv *tags, const char *program);
/* The record of an image that an earlier build made is one again; false: it is something else. */
bool docker_artifact_restore(struct artifact *a, const char *program);
/* The names in the state of an artifact, appended. */
void docker_artifact_tags(const struct artifact *a, struct strv *ret);
/* The tool that has the image, as far as it is one of ours; NULL. Borrowed. */
const char *docker_artifact_program(const struct artifact *a);
/* Is it an image? ERROR_INVALID with what the post-processor `what` wants. */
MUST_CHECK int docker_check_image(const struct artifact *a, const char *what, struct error **err);
