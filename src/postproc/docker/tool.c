/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/docker/tool.h"

#include "base/alloc.h"
#include "base/str.h"

void docker_require(const char *value, const char *attr, const struct prepare_ctx *ctx,
		    struct diags *diags)
{
	AUTO_FREE char *text = xasprintf("%s must be specified", attr);

	if (text_is_empty(value))
		diags_error(diags, &ctx->decoded->range, text, "%s", "");
}

struct docker_client docker_client_of(const char *docker_path, struct build_ctx *ctx)
{
	return (struct docker_client){
		.program = text_is_empty(docker_path) ? "docker" : docker_path,
		.ctx = ctx,
	};
}
