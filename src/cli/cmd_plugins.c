/* SPDX-License-Identifier: Apache-2.0 */
/* plugins: what is installed, what a template requires, removing (cli.md 8.4, 8.6). */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/plugin_session.h"
#include "config/plugin_source.h"
#include "os/fs.h"
#include "plugin/binary.h"

#include <string.h>

/* ---- installed ----------------------------------------------------------------------------- */

static int run_installed(struct command_ctx *ctx)
{
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(plugin_binary_list) struct plugin_binary_list found = { 0 };
	struct plugin_query q = { .cache_dir = ctx->dirs.cache, .all_versions = true };
	AUTO(error) struct error *e = NULL;
	struct error *usage = NULL;
	int first;

	if (options_parse(NULL, ctx->argc, ctx->argv, NULL, &first, &usage) < 0)
		return command_usage_error(ctx, usage);
	if (plugin_session_open(&s, ctx, &e) < 0)
		return plugin_session_fail(&s, e);
	q.dir = s.dir;
	if (plugin_find(&q, s.interrupt.cancel, &found, &e) < 0)
		return plugin_session_fail(&s, e);
	for (size_t i = 0; i < found.len; i++)
		command_say(ctx, "%s", found.items[i]->path);
	return EXIT_OK;
}

static const struct command command_plugins_installed = {
	.name = "plugins installed",
	.synopsis = "list all installed plugin binaries",
	.usage = "",
	.doc = "Prints the paths of all plugins that can be used, sorted by name and version.\n"
	       "What has no matching checksum, or does not say what it is, is left out; why is\n"
	       "in the debug log (INGOT_LOG=1).",
	.run = run_installed,
};

/* ---- required ------------------------------------------------------------------------------ */

struct required_args {
	struct template_args t;
};

static const struct option_spec required_options[] = {
	TEMPLATE_OPTIONS(struct required_args, t),
	OPT_END,
};

/* As Packer prints it: the parts joined by commas alone, an operator and a space before each. */
static char *normal_constraint(const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	for (struct str rest = str_of(text), part; rest.len;) {
		part = str_trim(str_split(rest, ',', &rest));
		strbuf_addf(&sb, "%s%.*s", sb.len ? "," : "", STR_FMT(part));
	}
	return strbuf_detach(&sb);
}

/* Ours, below the line that tools read. */
static void explain(struct command_ctx *ctx, const struct config_plugin *p,
		    const struct plugin_binary_list *found, const struct strv *passed_over)
{
	bool is_ours = plugin_session_is_builtin(p->accessor);

	if (ctx->is_packer || ctx->machine_readable)
		return;
	if (is_ours && p->prefers_builtin)
		command_say(ctx, "    built in: the template prefers it");
	else if (found->len)
		command_say(
			ctx, "    version %s is used%s", found->items[found->len - 1]->version_text,
			is_ours ? "; built in, too: '# ingot: builtin' above the entry prefers it"
				: "");
	else
		command_say(ctx, "    not installed: run 'ingot init'");
	for (size_t i = 0; i < passed_over->len && !found->len; i++)
		command_say(ctx, "    passed over: %s", passed_over->v[i]);
}

static int list_one(struct plugin_session *s, const struct config_plugin *p, struct error **err)
{
	AUTO(plugin_binary_list) struct plugin_binary_list found = { 0 };
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	AUTO(strv) struct strv passed_over = STRV_INIT;
	AUTO_FREE char *constraint = normal_constraint(p->constraint);
	const struct plugin_query q = {
		.dir = s->dir,
		.cache_dir = s->ctx->dirs.cache,
		.source = p->source,
		.constraint = p->constraint,
		.all_versions = true,
		.passed_over = &passed_over,
	};

	if (plugin_find(&q, s->interrupt.cancel, &found, err) < 0)
		return -1;
	strbuf_addf(&line, "%s %s \"%s\"", p->accessor, p->source, constraint);
	for (size_t i = 0; i < found.len; i++)
		strbuf_addf(&line, " %s", found.items[i]->path);
	command_say(s->ctx, "%s", line.buf);
	explain(s->ctx, p, &found, &passed_over);
	return 0;
}

static int list_required(struct command_ctx *ctx, const struct required_args *args,
			 const char *path)
{
	AUTO(config) struct config *config = plugin_session_load(ctx, path, &args->t);
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(error) struct error *e = NULL;

	if (!config)
		return EXIT_ERROR;
	if (!config->plugin_count)
		plugin_session_say_none(ctx);
	else if (plugin_session_open(&s, ctx, &e) < 0)
		return plugin_session_fail(&s, e);
	for (size_t i = 0; i < config->plugin_count; i++)
		if (list_one(&s, &config->plugins[i], &e) < 0)
			return plugin_session_fail(&s, e);
	return EXIT_OK;
}

static int run_required(struct command_ctx *ctx)
{
	struct required_args args = { 0 };
	struct error *e = NULL;
	int first, r;

	template_args_init(&args.t);
	if (options_parse(required_options, ctx->argc, ctx->argv, &args, &first, &e) < 0)
		r = command_usage_error(ctx, e);
	else if (ctx->argc - first != 1)
		r = command_show_help(ctx);
	else
		r = list_required(ctx, &args, ctx->argv[first]);
	template_args_release(&args.t);
	return r;
}

static const struct command command_plugins_required = {
	.name = "plugins required",
	.synopsis = "list plugins required by a template",
	.usage = "[options] TEMPLATE",
	.doc = "Prints for each entry of required_plugins its name, source, constraint and the\n"
	       "installed binaries that satisfy it, best last; and below it which one is used,\n"
	       "or that the template prefers what is built in.",
	.options = required_options,
	.run = run_required,
};

/* ---- remove -------------------------------------------------------------------------------- */

/* A path, as `plugins installed` prints it. */
static int remove_path(struct plugin_session *s, const char *path)
{
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *clean = path_clean(path), *dir = path_clean(s->dir);
	AUTO_FREE char *detail = NULL;

	encode_go_quoted(&quoted, path, strlen(path));
	if (!path_is_below(clean, dir) ||
	    !text_starts_with(path_basename(clean), PLUGIN_FILE_PREFIX)) {
		detail = xasprintf("The path %s is not under the plugin directory inferred by "
				   "Packer (%s) and will not be removed.",
				   quoted.buf, s->dir);
		return plugin_session_complain(s->ctx, "Invalid plugin location", detail);
	}
	if (!fs_exists(clean))
		error_set(&e, ERROR_NOT_FOUND, "remove %s: no such file or directory", clean);
	if (e || plugin_delete(clean, s->interrupt.cancel, &e) < 0) {
		detail = xasprintf(
			"The plugin %s failed to be deleted with the following error: \"%s\"",
			quoted.buf, e->message);
		return plugin_session_complain(s->ctx, "Failed to delete plugin", detail);
	}
	command_say(s->ctx, "%s", clean);
	return EXIT_OK;
}

static int remove_source(struct plugin_session *s, const char *source, const char *constraint)
{
	AUTO(plugin_binary_list) struct plugin_binary_list found = { 0 };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *want = NULL;
	const struct plugin_query q = {
		.dir = s->dir,
		.cache_dir = s->ctx->dirs.cache,
		.source = source,
		.constraint = constraint,
		.all_versions = true,
	};

	if (plugin_source_check(source, &e) < 0) {
		AUTO_FREE char *detail =
			xasprintf("Invalid source string \"%s\": %s", source, e->message);

		command_error(s->ctx, "%s", detail);
		return EXIT_ERROR;
	}
	if (plugin_find(&q, s->interrupt.cancel, &found, &e) < 0)
		return plugin_session_fail(s, e);
	for (size_t i = 0; i < found.len; i++) {
		if (plugin_delete(found.items[i]->path, s->interrupt.cancel, &e) < 0)
			return plugin_session_fail(s, e);
		command_say(s->ctx, "%s", found.items[i]->path);
	}
	if (found.len)
		return EXIT_OK;
	command_error(s->ctx, "No installed plugin found matching the plugin constraints %s%s%s",
		      source, constraint ? " " : "", constraint ? constraint : "");
	return EXIT_ERROR;
}

static int run_remove(struct command_ctx *ctx)
{
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(error) struct error *e = NULL;
	struct error *usage = NULL;
	int first, n;

	if (options_parse(NULL, ctx->argc, ctx->argv, NULL, &first, &usage) < 0)
		return command_usage_error(ctx, usage);
	n = ctx->argc - first;
	if (n != 1 && n != 2)
		return command_show_help(ctx);
	if (plugin_session_open(&s, ctx, &e) < 0)
		return plugin_session_fail(&s, e);
	if (*ctx->argv[first] != '/')
		return remove_source(&s, ctx->argv[first], n > 1 ? ctx->argv[first + 1] : NULL);
	if (n == 1)
		return remove_path(&s, ctx->argv[first]);
	command_error(ctx,
		      "Unsupported: no version constraint may be specified with a local plugin "
		      "path.\n");
	return command_show_help(ctx);
}

static const struct command command_plugins_remove = {
	.name = "plugins remove",
	.synopsis = "remove plugins [matching a version]",
	.usage = "SOURCE [CONSTRAINT] | PATH",
	.doc = "Removes the installed versions of a plugin, those that meet a constraint, or\n"
	       "one binary by its path, with their checksum files. Prints what it removed.",
	.run = run_remove,
};

/* ---- the command --------------------------------------------------------------------------- */

extern const struct command command_plugins_install, command_plugins_vendor;

static const struct command *const subcommands[] = {
	&command_plugins_install,  &command_plugins_installed, &command_plugins_remove,
	&command_plugins_required, &command_plugins_vendor,    NULL,
};

#define PLUGINS_ROW(name_, hidden_)                                                                \
	{                                                                                          \
		.name = (name_), .synopsis = "interact with plugins",                              \
		.usage = "<subcommand> [options] [args]",                                          \
		.doc = "Lists, installs and removes plugins: programs that bring builders,\n"      \
		       "provisioners, post-processors and data sources.",                          \
		.run = command_show_help, .hidden = (hidden_), .subcommands = subcommands          \
	}

const struct command command_plugins = PLUGINS_ROW("plugins", false);
const struct command command_plugin = PLUGINS_ROW("plugin", true);
