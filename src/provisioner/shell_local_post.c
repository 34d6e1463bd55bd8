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

/* Once it was one text, for a shell: that is still how one element is taken. */
static void wrap_single_command(struct shell_local_config *c, struct arena *arena)
{
	const char **argv;

	if (c->execute_command.len != 1)
		return;
	argv = ARENA_ARRAY(arena, const char *, 4);
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = c->execute_command.v[0];
	c->execute_command = (struct text_list){ argv, 3 };
}

static void prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	wrap_single_command(config, ctx->arena);
	provisioner_shell_local.prepare(config, ctx, diags);
}

const struct postproc_type postproc_shell_local = {
	.name = "shell-local",
	.doc = "Runs scripts on this host.",
	.schema = &shell_local_schema,
	.prepare = prepare,
	.run = run,
	.never_reused = "shell-local may read anything",
};
