/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cli/template_args.h"

struct validate_args {
	struct template_args t;
	bool syntax_only, evaluate_datasources, no_warn_undeclared;
	bool ignore_prerelease, sequential;
};

static const struct option_spec validate_options[] = {
	OPT_BOOL(struct validate_args, syntax_only, "syntax-only",
		 "Check syntax and variables, not the components."),
	OPT_BOOL(struct validate_args, evaluate_datasources, "evaluate-datasources",
		 "Ask the data sources, too."),
	OPT_BOOL(struct validate_args, no_warn_undeclared, "no-warn-undeclared-var",
		 "Do not warn about variables set but not declared."),
	OPT_BOOL(struct validate_args, ignore_prerelease, "ignore-prerelease-plugins",
		 "Do not use plugins that are no releases."),
	OPT_BOOL(struct validate_args, sequential, "use-sequential-evaluation",
		 "Evaluate data sources, then locals, in order."),
	TEMPLATE_OPTIONS(struct validate_args, t),
	OPT_END,
};

static int validate(struct command_ctx *ctx, const struct validate_args *a, const char *path)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct template_loading loading = {
		.warn_undeclared = !a->no_warn_undeclared,
		.syntax_only = a->syntax_only,
		.sequential = a->sequential,
		.dry_data = !a->evaluate_datasources,
		.releases_only = a->ignore_prerelease,
	};
	AUTO(config) struct config *config = template_load(ctx, path, &a->t, &loading, &diags);
	AUTO(plan) struct plan *plan = NULL;

	options_warn_ignored(ctx->command->options, a, &diags);
	if (config && !a->syntax_only) {
		struct template_plan how = { .on_error = "cleanup" };

		plan = template_plan(ctx, config, &a->t, &how, &diags);
	}
	command_print_diags(ctx, &diags);
	if (!config || diags_has_errors(&diags))
		return EXIT_ERROR;
	command_say(ctx, "%s",
		    a->syntax_only ? "Syntax-only check passed. Everything looks okay."
				   : "The configuration is valid.");
	return EXIT_OK;
}

static int run(struct command_ctx *ctx)
{
	struct validate_args args = { 0 };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = validate(ctx, &args, path);
	template_args_release(&args.t);
	return r;
}

const struct command command_validate = {
	.name = "validate",
	.synopsis = "check that a template is valid",
	.usage = "[options] TEMPLATE",
	.doc = "Reads the template, evaluates it and lets every component check its\n"
	       "configuration. Nothing is built. Exit code 1 if anything is wrong.",
	.options = validate_options,
	.run = run,
};
