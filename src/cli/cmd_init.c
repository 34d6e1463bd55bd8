/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: the plugins that a template requires (cli.md 8.3), and the lock file
 * beside it. Nobody is asked anything when what is installed will do.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/plugin_session.h"
#include "os/fs.h"

#include <stdlib.h>

struct init_args {
	struct template_args t;
	bool upgrade, force;
};

static const struct option_spec init_options[] = {
	OPT_BOOL(struct init_args, upgrade, "upgrade",
		 "Take newer releases, as far as constraints allow."),
	OPT_BOOL(struct init_args, force, "force", "Install again what is installed."),
	TEMPLATE_OPTIONS(struct init_args, t),
	OPT_END,
};

struct init {
	struct command_ctx *ctx;
	const struct init_args *args;
	struct plugin_session *session;
	struct plugin_lock *lock;
};

/* What is in use from now on goes to the lock file. */
static void note(const struct init *in, const struct config_plugin *p, const char *version,
		 const char *digest)
{
	struct plugin_lock_entry *e = plugin_lock_take_up(in->lock, p->source);

	plugin_lock_set_version(e, version, p->constraint);
	map_set(&e->hashes, host_platform, xstrdup(digest));
}

static int fetch(const struct init *in, const struct config_plugin *p, const char *constraint,
		 const struct plugin_binary *installed, struct error **err)
{
	AUTO(plugin_got) struct plugin_got got = { 0 };
	const struct plugin_want want = {
		.source = p->source,
		.constraint = constraint,
		.lock = in->lock,
		.force = in->args->force,
	};
	struct version v;

	if (plugin_get(&in->session->getting, &want, in->session->interrupt.cancel, &got, err) < 0)
		return -1;
	if (!got.was_there)
		plugin_session_told_installed(in->session, p->source, &got);
	/* What is installed may be newer than what there is to fetch. */
	if (installed && version_parse(got.version, &v) &&
	    version_compare(&installed->version, &v) > 0) {
		note(in, p, installed->version_text, installed->digest);
		return 0;
	}
	note(in, p, got.version, got.digest);
	plugin_lock_note(plugin_lock_take_up(in->lock, p->source), host_platform, &got);
	return 0;
}

static int provide(const struct init *in, const struct config_plugin *p, struct error **err)
{
	AUTO(plugin_binary_list) struct plugin_binary_list found = { 0 };
	const struct plugin_lock_entry *locked = plugin_lock_find(in->lock, p->source);
	const struct plugin_binary *best = NULL;
	AUTO_FREE char *constraint = xstrdup(p->constraint);

	if (locked && !in->args->upgrade) {
		if (plugin_lock_allows(in->lock, locked, p->constraint, err) < 0)
			return -1;
		free(constraint);
		constraint = xasprintf("= %s", locked->version);
	}
	if (plugin_session_find(in->session, p->source, constraint, false, &found, err) < 0)
		return -1;
	if (found.len)
		best = found.items[found.len - 1];
	if (best && !in->args->upgrade && !in->args->force) {
		if (plugin_lock_check(in->lock, p->source, best->version_text, best->digest,
				      host_platform, err) < 0)
			return -1;
		note(in, p, best->version_text, best->digest);
		return 0;
	}
	if (best && !in->args->upgrade) { /* the same one again */
		free(constraint);
		constraint = xasprintf("= %s", best->version_text);
	}
	return fetch(in, p, constraint, in->args->upgrade ? best : NULL, err);
}

/* Ours is used without further ado only where the template says so. */
static bool is_left_to_us(const struct init *in, const struct config_plugin *p)
{
	if (!plugin_session_is_builtin(p->accessor))
		return false;
	if (!p->prefers_builtin && !in->ctx->is_packer)
		command_say(in->ctx,
			    "ingot has its own \"%s\": the comment '# ingot: builtin' above its "
			    "entry in required_plugins makes it use that.",
			    p->accessor);
	return p->prefers_builtin;
}

/* The lock file has one version of each source. */
static void forget_rivals(struct plugin_lock *lock, const struct config *config)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (plugin_session_has_rival(config, &config->plugins[i]))
			plugin_lock_remove(lock, config->plugins[i].source);
}

static int init_all(const struct init *in, const struct config *config)
{
	int r = EXIT_OK;

	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct config_plugin *p = &config->plugins[i];
		AUTO(error) struct error *e = NULL;

		forget_rivals(in->lock, config);
		if (is_left_to_us(in, p) || provide(in, p, &e) == 0)
			continue;
		r = EXIT_ERROR;
		plugin_session_hush(in->session);
		if (!cancel_is_triggered(in->session->interrupt.cancel))
			command_error(in->ctx, "Failed getting the \"%s\" plugin:", p->source);
		plugin_session_fail(in->session, e);
		if (cancel_is_triggered(in->session->interrupt.cancel))
			break;
	}
	forget_rivals(in->lock, config);
	return r;
}

static bool is_required(const struct config *config, const char *source)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (text_eq(config->plugins[i].source, source))
			return true;
	return false;
}

/* A whole folder says all that is required in it; one file of several does not. */
static void forget_others(struct plugin_lock *lock, const struct config *config)
{
	for (size_t i = lock->entries.len; i-- > 0;)
		if (!is_required(config, lock->entries.items[i]->source))
			plugin_lock_remove(lock, lock->entries.items[i]->source);
}

/* Packer has no such file, so under its name only one that is there is kept up. */
static void write_lock(const struct init *in, const struct config *config, const char *path)
{
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind = FS_ABSENT;

	if (in->ctx->is_packer && !in->lock->exists)
		return;
	if (fs_stat_kind(path, &kind, &e) == 0 && kind == FS_DIR)
		forget_others(in->lock, config);
	if (!e && (plugin_lock_write(in->lock, &e) == 0))
		return;
	command_say(in->ctx, "The lock file is not kept: %s", e->message);
}

static int init(struct command_ctx *ctx, const struct init_args *a, const char *path)
{
	AUTO(config) struct config *config = plugin_session_load(ctx, path, &a->t);
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	AUTO(error) struct error *e = NULL;
	const struct init in = { .ctx = ctx, .args = a, .session = &s, .lock = &lock };
	int r;

	if (!config)
		return EXIT_ERROR;
	if (!config->plugin_count) {
		plugin_session_say_none(ctx);
		return EXIT_OK;
	}
	if (plugin_session_open(&s, ctx, &e) < 0 ||
	    plugin_lock_read(config->base_dir, &lock, &e) < 0)
		return plugin_session_fail(&s, e);
	r = init_all(&in, config);
	if (lock.exists || lock.entries.len)
		write_lock(&in, config, path);
	return r;
}

static int run(struct command_ctx *ctx)
{
	struct init_args args = { 0 };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = init(ctx, &args, path);
	template_args_release(&args.t);
	return r;
}

const struct command command_init = {
	.name = "init",
	.synopsis = "install missing plugins or upgrade plugins",
	.usage = "[options] TEMPLATE",
	.doc = "Installs the plugins that required_plugins of the template names: of each the\n"
	       "highest release that its constraint allows. What is installed and good enough\n"
	       "stays, and nobody is asked for it.\n"
	       "\n"
	       "The exact versions and what their files look like are written to\n"
	       ".ingot.lock.hcl beside the template, and are what counts from then on, here\n"
	       "and wherever that file goes; -upgrade chooses anew.\n"
	       "\n"
	       "INGOT_PLUGIN_MIRROR names folders or servers that are asked first\n"
	       "(docs/plugins.md), PACKER_GITHUB_API_TOKEN is for hosts behind which many ask\n"
	       "GitHub.",
	.options = init_options,
	.run = run,
};
