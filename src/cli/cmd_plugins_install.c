/* SPDX-License-Identifier: Apache-2.0 */
/* plugins install: from the hosts, a binary of one's own, or an archive of `plugins vendor` (cli.md 8.5). */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/plugin_session.h"
#include "config/plugin_source.h"
#include "os/fs.h"
#include "plugin/get/bundle.h"

#include <string.h>

struct install_args {
	struct template_args t; /* accepted, as everywhere */
	const char *path, *from;
	bool force;
	const char *source, *constraint; /* or NULL */
};

static const struct option_spec install_options[] = {
	OPT_STRING(struct install_args, path, "path", "BINARY",
		   "Install this file, which somebody built."),
	OPT_STRING(struct install_args, from, "from", "FILE",
		   "Install from an archive of 'ingot plugins vendor'."),
	OPT_BOOL(struct install_args, force, "force", "Install again what is installed."),
	TEMPLATE_OPTIONS(struct install_args, t),
	OPT_END,
};

/* ---- from the hosts ------------------------------------------------------------------------ */

/* "1.2.3" or "= 1.2.3": which of them is installed can be told without asking anybody. */
static bool is_exact(const char *constraint)
{
	struct version v;
	struct str text = str_trim(str_of(constraint));

	if (text.len && *text.p == '=')
		text = str_trim((struct str){ text.p + 1, text.len - 1 });

	AUTO_FREE char *version = str_dup(text);

	return version_parse(version, &v);
}

static int check_constraint(const struct install_args *a, struct error **err)
{
	AUTO_FREE char *pre = NULL;
	struct version any;
	bool fits;

	if (!a->constraint)
		return 0;
	(void)version_parse("0", &any);
	if (version_matches(a->constraint, &any, &fits, err) < 0)
		return -1;
	pre = version_find_prerelease(a->constraint);
	if (pre)
		return error_set(err, ERROR_INVALID, "Unsupported prerelease for constraint \"%s\"",
				 pre);
	return 0;
}

static int install_remote(struct plugin_session *s, const struct install_args *a)
{
	AUTO(plugin_binary_list) struct plugin_binary_list found = { 0 };
	AUTO(plugin_got) struct plugin_got got = { 0 };
	AUTO(error) struct error *e = NULL;
	const struct plugin_want want = {
		.source = a->source,
		.constraint = a->constraint,
		.force = a->force,
	};

	if (check_constraint(a, &e) < 0) {
		command_error(s->ctx, "%s", e->message);
		return EXIT_ERROR;
	}
	if (a->constraint && is_exact(a->constraint) && !a->force) {
		if (plugin_session_find(s, a->source, a->constraint, false, &found, &e) < 0)
			return plugin_session_fail(s, e);
		if (found.len)
			return EXIT_OK;
	}
	if (plugin_get(&s->getting, &want, s->interrupt.cancel, &got, &e) < 0) {
		plugin_session_hush(s);
		command_error(s->ctx, "Failed getting the \"%s\" plugin:", a->source);
		return plugin_session_fail(s, e);
	}
	if (!got.was_there)
		plugin_session_told_installed(s, a->source, &got);
	return EXIT_OK;
}

/* ---- one's own ----------------------------------------------------------------------------- */

static int install_binary(struct plugin_session *s, const struct install_args *a)
{
	AUTO_FREE char *from = path_absolute(s->ctx->cwd, a->path);
	AUTO_FREE char *to = NULL;
	AUTO(error) struct error *e = NULL;
	const char *summary;

	if (plugin_adopt(s->dir, a->source, from, s->interrupt.cancel, &to, &summary, &e) < 0)
		return plugin_session_complain(s->ctx, summary, e->message);
	command_say(s->ctx, "Successfully installed plugin %s from %s to %s", a->source, from, to);
	return EXIT_OK;
}

/* ---- an archive ---------------------------------------------------------------------------- */

static int install_bundled(struct plugin_session *s, const struct install_args *a, const char *tree,
			   struct error **err)
{
	AUTO(place_list) struct place_list places = { 0 };
	AUTO(strv) struct strv sources = STRV_INIT;
	struct plugin_getting getting = s->getting;
	size_t n = 0;

	place_list_add_mirror(&places, tree);
	getting.places = &places;
	if (bundle_sources(tree, host_platform, &sources, err) < 0)
		return -1;
	for (size_t i = 0; i < sources.len; i++) {
		AUTO(plugin_got) struct plugin_got got = { 0 };
		const struct plugin_want want = {
			.source = sources.v[i],
			.constraint = a->constraint,
			.force = a->force,
		};

		if (a->source && !text_eq(a->source, sources.v[i]))
			continue;
		if (plugin_get(&getting, &want, s->interrupt.cancel, &got, err) < 0)
			return -1;
		n++;
		if (!got.was_there)
			plugin_session_told_installed(s, sources.v[i], &got);
	}
	if (n)
		return 0;
	return error_set(err, ERROR_NOT_FOUND, "'%s' has no plugin%s%s for %s", a->from,
			 a->source ? " " : "", a->source ? a->source : "", host_platform);
}

static int install_archive(struct plugin_session *s, const struct install_args *a)
{
	AUTO_FREE char *file = path_absolute(s->ctx->cwd, a->from);
	AUTO(error) struct error *e = NULL, *later = NULL;
	AUTO_FREE char *tree = NULL;
	int r = check_constraint(a, &e);

	if (r == 0)
		r = fs_mkdir_all(s->ctx->dirs.temp, 0777, &e);
	if (r == 0)
		r = fs_temp_dir(s->ctx->dirs.temp, "ingot-plugins-", &tree, &e);
	if (r == 0)
		r = bundle_read(file, tree, s->interrupt.cancel, &e);
	if (r == 0)
		r = install_bundled(s, a, tree, &e);
	if (tree && fs_remove_tree(tree, &later) < 0)
		error_ignore(&later, "a temporary folder stays behind");
	return r == 0 ? EXIT_OK : plugin_session_fail(s, e);
}

/* ---- the command --------------------------------------------------------------------------- */

static int wrong(struct command_ctx *ctx, const char *what)
{
	struct error *e = NULL;

	error_set(&e, ERROR_INVALID, "%s", what);
	return command_usage_error(ctx, e);
}

static int install(struct command_ctx *ctx, const struct install_args *a, int count)
{
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *text = NULL;

	if (count > 2 || (count < 1 && !a->from)) {
		text = xasprintf("Invalid arguments, expected either 1 or 2 positional arguments, "
				 "got %d",
				 count);
		return wrong(ctx, text);
	}
	if (a->path && a->from)
		return wrong(ctx, "-path and -from cannot be used together");
	if (a->path && count > 1)
		return wrong(ctx, "no version may be given with -path: the binary says its own");
	if (a->source && plugin_source_check(a->source, &e) < 0) {
		command_error(ctx, "Invalid source string \"%s\": %s", a->source, e->message);
		return EXIT_ERROR;
	}
	if (plugin_session_open(&s, ctx, &e) < 0)
		return plugin_session_fail(&s, e);
	if (a->path)
		return install_binary(&s, a);
	return a->from ? install_archive(&s, a) : install_remote(&s, a);
}

static int run(struct command_ctx *ctx)
{
	struct install_args args = { 0 };
	struct error *e = NULL;
	int first, r, count;

	template_args_init(&args.t);
	if (options_parse(install_options, ctx->argc, ctx->argv, &args, &first, &e) < 0) {
		error_prefix(&e, "Failed to parse options");
		r = command_usage_error(ctx, e);
	} else {
		count = ctx->argc - first;
		args.source = count > 0 ? ctx->argv[first] : NULL;
		args.constraint = count > 1 ? ctx->argv[first + 1] : NULL;
		r = install(ctx, &args, count);
	}
	template_args_release(&args.t);
	return r;
}

const struct command command_plugins_install = {
	.name = "plugins install",
	.synopsis = "install the latest plugin [matching a version constraint]",
	.usage = "[options] SOURCE [CONSTRAINT]",
	.doc = "Installs the highest release of a plugin, for example of\n"
	       "github.com/hashicorp/amazon, that the constraint allows. With -path it is a\n"
	       "binary that somebody built; with -from all plugins of an archive, or one.",
	.options = install_options,
	.run = run,
};
