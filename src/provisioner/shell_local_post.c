/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `shell-local` (post-processors.md 7): the provisioner of
 * that name with the artifact's build data, so it lives beside it. The
 * artifact is passed on.
 */
#include "provisioner/shell_local.h"

static int run(const void *config, struct build_ctx *ctx, struct artifact *input,
	       struct postproc_result *ret, struct error **err)
{
	struct map none;

	value_map_init(&none);

	AUTO(value) struct value *empty = value_object_take(&none);
	struct provision_ctx p = {
		.build = ctx,
		.generated = input->generated_data ? input->generated_data : empty,
	};

	if (provisioner_shell_local.run(config, &p, err) < 0)
		return -1;
	*ret = (struct postproc_result){ artifact_ref(input), .keep = true, .force_keep = true };
	return 0;
}

static void prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	provisioner_shell_local.prepare(config, ctx, diags);
}

const struct postproc_type postproc_shell_local = {
	.name = "shell-local",
	.doc = "Runs scripts on this host.",
	.schema = &shell_local_schema,
	.prepare = prepare,
	.run = run,
};
