/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_args.h"

#include <stdio.h>

struct inspect_args {
	struct template_args t;
};

static const struct option_spec inspect_options[] = {
	TEMPLATE_OPTIONS(struct inspect_args, t),
	OPT_END,
};

static int inspect(struct command_ctx *ctx, const struct inspect_args *a, const char *path)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct template_loading loading = { .may_lack_plugins = true };
	AUTO(config) struct config *config = template_load(ctx, path, &a->t, &loading, &diags);

	if (!config) {
		command_print_diags(ctx, &diags);
		return EXIT_ERROR;
	}

	if (config->legacy) {
		AUTO(strbuf) struct strbuf all = STRBUF_INIT;

		config_inspect_legacy(&all, config);
		command_say(ctx, "%s", all.buf);
		return EXIT_OK;
	}

	AUTO(strbuf) struct strbuf title = STRBUF_INIT;
	AUTO(strbuf) struct strbuf variables = STRBUF_INIT;
	AUTO(strbuf) struct strbuf builds = STRBUF_INIT;

	config_inspect_title(&title);
	config_inspect_variables(&variables, config);
	config_inspect_builds(&builds, config);
	command_say(ctx, "%s", title.buf);
	command_say(ctx, "%s", variables.buf);
	command_say(ctx, "%s", builds.buf);
	return EXIT_OK;
}

static int run(struct command_ctx *ctx)
{
	struct inspect_args args = { 0 };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = inspect(ctx, &args, path);
	template_args_release(&args.t);
	return r;
}

const struct command command_inspect = {
	.name = "inspect",
	.synopsis = "see components of a template",
	.usage = "[options] TEMPLATE",
	.doc = "Prints the variables, the sources, the provisioners and the post-processors\n"
	       "of a template.",
	.options = inspect_options,
	.run = run,
};
