/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_args.h"

#include "base/alloc.h"
#include "base/str.h"
#include "core/datasource.h"
#include "plugin/host/host.h"

#include <stdlib.h>
#include <string.h>

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

static bool is_plain(const struct config *config, struct str name)
{
	for (size_t i = 0; config && i < config->variable_count; i++)
		if (str_is(name, config->variables[i].name))
			return !config->variables[i].sensitive;
	for (size_t i = 0; config && config->legacy && i < config->legacy->variable_count; i++)
		if (str_is(name, config->legacy->variables[i].name))
			return !config->legacy->variables[i].sensitive;
	return false;
}

/* `word`, in which key=value begins at `assignment`. */
static char *hide_value(const struct config *config, const char *word, const char *assignment)
{
	struct str value, name = str_split(str_of(assignment), '=', &value);

	if (is_plain(config, name))
		return xstrdup(word);
	return xasprintf("%.*s<sensitive>", (int)(value.p - word), word);
}

void template_args_shown(const struct command_ctx *ctx, const struct config *config,
			 struct strv *ret)
{
	bool is_value = false;

	for (int i = 0; i < ctx->argc; i++) {
		const char *word = ctx->argv[i], *flag = word;
		AUTO_FREE char *shown = NULL;

		while (flag - word < 2 && *flag == '-')
			flag++;
		if (is_value)
			shown = hide_value(config, word, word);
		else if (flag > word && text_starts_with(flag, "var="))
			shown = hide_value(config, word, flag + strlen("var="));
		else
			shown = xstrdup(word);
		is_value = flag > word && text_eq(flag, "var");
		strv_push_take(ret, redactor_copy(ctx->redactor, shown));
	}
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

/* ---- plugins ---------------------------------------------------------------------------------- */

/* A plugin that waits for us does not end with us. */
static void watch_signals(void *data)
{
	struct command_ctx *ctx = data;
	AUTO(error) struct error *e = NULL;

	if (interrupt_watch(&ctx->interrupt, &e) < 0)
		error_ignore(&e, "the next run cleans up");
}

static struct plugin_host *plugins_of(struct command_ctx *ctx, const char *path,
				      const struct template_loading *how)
{
	struct plugin_host_options o = {
		.builtins = &builtin_components,
		.dirs = &ctx->dirs,
		.getenv = from_environment,
		.environ = ctx->environ,
		.run_uuid = ctx->run_uuid,
		.template_path = path,
		.program = ctx->is_packer ? "packer" : "ingot",
		.releases_only = how->releases_only,
		.cancel = ctx->interrupt.cancel,
		/* A console has a use of its own for ^C. */
		.starting = how->may_lack_plugins ? NULL : watch_signals,
		.starting_data = ctx,
	};

	if (!ctx->plugins)
		ctx->plugins = plugin_host_new(&o);
	return ctx->plugins;
}

static void require_plugins(void *data, const struct config *c, struct diags *diags)
{
	plugin_host_require(data, c, diags);
}

static void look_for_plugins(void *data, const struct config *c, struct diags *diags)
{
	AUTO(diags) struct diags ignored = DIAGS_INIT;

	plugin_host_require(data, c, &ignored);
}

/* ---- the two stages ----------------------------------------------------------------------------- */

/* What failed because of it is not worth a word. */
static bool was_interrupted(struct command_ctx *ctx, struct diags *diags)
{
	AUTO(error) struct error *e = NULL;

	if (cancel_check(ctx->interrupt.cancel, &e) == 0)
		return false;
	diags_release(diags);
	*diags = (struct diags)DIAGS_INIT;
	diags_error(diags, NULL, "", "Cancelled: interrupted before anything was built.")
		->is_plain = true;
	return true;
}

struct config *template_load(struct command_ctx *ctx, const char *path,
			     const struct template_args *a, const struct template_loading *how,
			     struct diags *diags)
{
	struct plugin_host *plugins = plugins_of(ctx, path, how);
	struct datasource_reader reader = {
		.components = plugin_host_components(plugins),
		.ctx = { .dirs = &ctx->dirs,
			 .cwd = ctx->cwd,
			 .getenv = from_environment,
			 .cancel = ctx->interrupt.cancel },
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
		.required = how->may_lack_plugins ? look_for_plugins : require_plugins,
		.required_data = plugins,
		.data_reader = &reader.pub,
		.redactor = ctx->redactor,
		.sources = ctx->sources,
		.cancel = ctx->interrupt.cancel,
	};

	datasource_reader_init(&reader);

	struct config *config = config_load(&opts, diags);

	if (!was_interrupted(ctx, diags))
		return config;
	config_free(config);
	return NULL;
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
		.may_be_done = how->may_be_done,
		.on_error = how->on_error,
		.dirs = &ctx->dirs,
		.cwd = ctx->cwd,
		.redactor = ctx->redactor,
		.cancel = ctx->interrupt.cancel,
	};
	struct plan *plan = plan_make(config, plugin_host_components(ctx->plugins), &opts, diags);

	if (was_interrupted(ctx, diags))
		plan->len = 0;
	return plan;
}
