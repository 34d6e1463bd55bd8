/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_args.h"

#include "base/alloc.h"
#include "core/datasource.h"

#include <stdlib.h>

const char *const config_types[] = { "json", "hcl2", NULL };

void template_args_init(struct template_args *a)
{
	*a = (struct template_args){ 0 };
	strv_init(&a->only);
	strv_init(&a->except);
	strv_init(&a->vars);
	strv_init(&a->var_files);
}

void template_args_release(struct template_args *a)
{
	strv_release(&a->only);
	strv_release(&a->except);
	strv_release(&a->vars);
	strv_release(&a->var_files);
}

int template_args_parse(struct command_ctx *ctx, void *args, const char **ret_path)
{
	struct error *e = NULL;
	int first;

	if (options_parse(ctx->command->options, ctx->argc, ctx->argv, args, &first, &e) < 0)
		return command_usage_error(ctx, e);
	if (ctx->argc - first != 1) {
		error_set(&e, ERROR_INVALID, "'%s' needs exactly one template path, got %d",
			  ctx->command->name, ctx->argc - first);
		if (ctx->argc - first > 1)
			error_hint(&e, "flags stand before the template path");
		return command_usage_error(ctx, e);
	}
	*ret_path = ctx->argv[first];
	return -1;
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

struct config *template_load(struct command_ctx *ctx, const char *path,
			     const struct template_args *a, const struct template_loading *how,
			     struct diags *diags)
{
	struct datasource_reader reader = {
		.components = &builtin_components,
		.ctx = { .dirs = &ctx->dirs, .cwd = ctx->cwd, .getenv = from_environment },
		.redactor = ctx->redactor,
		.is_dry = how->dry_data,
	};
	AUTO(error) struct error *e = NULL;
	const char *type = a->config_type;
	bool is_legacy = false;

	/* Without a template the console speaks the language of today. */
	if (!path && !type)
		type = "hcl2";
	if (how->legacy) {
		is_legacy = true;
	} else if (config_is_legacy(path, type, &is_legacy, &e) < 0) {
		diags_error(diags, NULL, "", "%s", e->message)->is_plain = true;
		return NULL;
	}

	struct config_options opts = {
		.path = path,
		.legacy_json = is_legacy,
		.vars = &a->vars,
		.var_files = &a->var_files,
		.warn_undeclared = how->warn_undeclared,
		.syntax_only = how->syntax_only,
		.sequential = how->sequential,
		.cwd = ctx->cwd,
		.home = ctx->dirs.home,
		.environ = (const char *const *)ctx->environ,
		.start_time = ctx->start_time,
		.data_reader = &reader.pub,
		.redactor = ctx->redactor,
		.sources = ctx->sources,
	};

	datasource_reader_init(&reader);
	return config_load(&opts, diags);
}

static struct text_list borrow(const struct strv *sv)
{
	return (struct text_list){ .v = (const char *const *)sv->v, .len = sv->len };
}

struct plan *template_plan(struct command_ctx *ctx, const struct config *config,
			   const struct template_args *a, const struct template_plan *how,
			   struct diags *diags)
{
	struct plan_options opts = {
		.only = borrow(&a->only),
		.except = borrow(&a->except),
		.debug = how->debug,
		.force = how->force,
		.on_error = how->on_error,
		.dirs = &ctx->dirs,
		.cwd = ctx->cwd,
		.redactor = ctx->redactor,
	};

	return plan_make(config, &builtin_components, &opts, diags);
}
