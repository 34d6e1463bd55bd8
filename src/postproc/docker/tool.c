/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/docker/tool.h"

#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/artifact.h"

void docker_require(const char *value, const char *attr, const struct prepare_ctx *ctx,
		    struct diags *diags)
{
	AUTO_FREE char *text = xasprintf("%s must be specified", attr);

	if (text_is_empty(value))
		diags_error(diags, &ctx->decoded->range, text, "%s", "");
}

struct docker_client docker_client_of(const char *docker_path, const struct artifact *input,
				      struct build_ctx *ctx)
{
	const char *made_by = docker_artifact_program(input);

	if (text_is_empty(docker_path))
		docker_path = made_by ? made_by : "docker";
	return (struct docker_client){ .program = docker_path, .ctx = ctx };
}
