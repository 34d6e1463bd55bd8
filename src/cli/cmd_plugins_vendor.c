/* SPDX-License-Identifier: Apache-2.0 */
/* plugins vendor: all that a template requires in one archive, for a place without a network. */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/plugin_session.h"
#include "os/fs.h"
#include "plugin/get/bundle.h"
#include "plugin/get/platform.h"

#include <string.h>

struct vendor_args {
	struct template_args t;
	const char *output;
	struct strv platforms;
	const char *path; /* of the template */
};

static const struct option_spec vendor_options[] = {
	OPT_STRING(struct vendor_args, output, "o", "FILE", "The archive: .tar.zst or .tar.gz."),
	OPT_CSV(struct vendor_args, platforms, "platform", "OS_ARCH,...",
		"For which systems (this one)."),
	TEMPLATE_OPTIONS(struct vendor_args, t),
	OPT_END,
};

struct vendor {
	struct command_ctx *ctx;
	const struct vendor_args *args;
	struct plugin_session *session;
	struct plugin_lock *lock;
	struct place_list places; /* what is installed first, then as the session has them */
	const char *tree;
	size_t count; /* of plugins */
};

/* The same release for all platforms, in *version once the first is there. */
static int add_platform(struct vendor *v, const struct config_plugin *p, const char *platform,
			char **version, struct error **err)
{
	AUTO(plugin_got) struct plugin_got got = { 0 };
	AUTO_FREE char *exact = *version ? xasprintf("= %s", *version) : NULL;
	struct plugin_getting getting = v->session->getting;
	const struct plugin_want want = {
		.source = p->source,
		.constraint = exact ? exact : p->constraint,
		.lock = v->lock,
	};
	struct plugin_lock_entry *e;

	getting.dir = v->tree;
	getting.places = &v->places;
	getting.platform = platform;
	getting.is_foreign = !text_eq(platform, host_platform);
	if (plugin_get(&getting, &want, v->session->interrupt.cancel, &got, err) < 0)
		return error_prefix(err, "%s for %s", p->source, platform);
	if (!*version)
		*version = xstrdup(got.version);
	e = plugin_lock_take_up(v->lock, p->source);
	plugin_lock_set_version(e, got.version, p->constraint);
	plugin_lock_note(e, platform, &got);
	return 0;
}

static int add_plugin(struct vendor *v, const struct config_plugin *p, struct error **err)
{
	const struct plugin_lock_entry *locked = plugin_lock_find(v->lock, p->source);
	AUTO_FREE char *version = locked ? xstrdup(locked->version) : NULL;

	if (p->prefers_builtin && plugin_session_is_builtin(p->accessor))
		return 0;
	if (locked && plugin_lock_allows(v->lock, locked, p->constraint, err) < 0)
		return -1;
	for (size_t i = 0; i < v->args->platforms.len; i++)
		if (add_platform(v, p, v->args->platforms.v[i], &version, err) < 0)
			return -1;
	v->count++;
	return 0;
}

static int gather(struct vendor *v, const struct config *config, struct error **err)
{
	AUTO_FREE char *file = path_absolute(v->ctx->cwd, v->args->output);

	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct config_plugin *p = &config->plugins[i];

		if (plugin_session_has_rival(config, p))
			plugin_lock_remove(v->lock, p->source);
		if (add_plugin(v, p, err) < 0)
			return -1;
		if (plugin_session_has_rival(config, p))
			plugin_lock_remove(v->lock, p->source);
	}
	if (bundle_index(v->tree, err) < 0)
		return -1;
	plugin_session_hush(v->session);
	return bundle_write(v->tree, file, v->session->interrupt.cancel, err);
}

/* In a temporary folder that goes away. */
static int pack(struct vendor *v, const struct config *config, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *tree = NULL;
	int r = fs_mkdir_all(v->ctx->dirs.temp, 0777, err);

	if (r == 0)
		r = fs_temp_dir(v->ctx->dirs.temp, "ingot-vendor-", &tree, err);
	if (r < 0)
		return -1;
	v->tree = tree;
	r = gather(v, config, err);
	v->tree = NULL;
	if (fs_remove_tree(tree, &e) < 0)
		error_ignore(&e, "a temporary folder stays behind");
	return r;
}

static void make_places(struct vendor *v)
{
	const struct place_list *all = &v->session->places;

	place_list_add_mirror(&v->places, v->session->dir);
	for (size_t i = 0; i < all->len; i++)
		*vec_push(&v->places) = place_copy(&all->items[i]);
}

static int vendor_config(struct command_ctx *ctx, const struct vendor_args *a,
			 const struct config *config)
{
	AUTO(plugin_session) struct plugin_session s = PLUGIN_SESSION_INIT;
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	AUTO(error) struct error *e = NULL, *later = NULL;
	struct vendor v = { .ctx = ctx, .args = a, .session = &s, .lock = &lock };
	int r;

	if (plugin_session_open(&s, ctx, &e) < 0 ||
	    plugin_lock_read(config->base_dir, &lock, &e) < 0)
		return plugin_session_fail(&s, e);
	make_places(&v);
	r = pack(&v, config, &e);
	place_list_release(&v.places);
	if (r < 0)
		return plugin_session_fail(&s, e);
	/* Where this archive goes there is nobody to ask what its files should look like. */
	if ((lock.exists || !ctx->is_packer) && plugin_lock_write(&lock, &later) < 0)
		command_say(ctx, "The lock file is not kept: %s", later->message);
	command_say(ctx, "Packed %zu plugin%s into %s", v.count, v.count == 1 ? "" : "s",
		    a->output);
	return EXIT_OK;
}

static int vendor(struct command_ctx *ctx, const struct vendor_args *a)
{
	AUTO(config) struct config *config = plugin_session_load(ctx, a->path, &a->t);

	if (!config)
		return EXIT_ERROR;
	if (config->plugin_count)
		return vendor_config(ctx, a, config);
	plugin_session_say_none(ctx);
	return EXIT_OK;
}

/* Flags may stand anywhere. */
static int parse(struct command_ctx *ctx, struct vendor_args *a, struct error **err)
{
	for (int i = 0, first; i < ctx->argc; i++) {
		if (options_parse(vendor_options, ctx->argc - i, ctx->argv + i, a, &first, err) < 0)
			return -1;
		i += first;
		if (i >= ctx->argc)
			break;
		if (a->path)
			return error_set(err, ERROR_INVALID,
					 "'plugins vendor' needs exactly one template path");
		a->path = ctx->argv[i];
	}
	if (!a->path || !a->output)
		return error_set(err, ERROR_INVALID,
				 "'plugins vendor' needs a template path, and -o FILE");
	if (!bundle_name_is_valid(a->output))
		return error_set(err, ERROR_INVALID,
				 "-o %s: its name must end in .tar.zst or .tar.gz", a->output);
	for (size_t i = 0; i < a->platforms.len; i++)
		if (!platform_is_valid(a->platforms.v[i]))
			return error_set(err, ERROR_INVALID,
					 "-platform %s: that is none, as linux_amd64 is",
					 a->platforms.v[i]);
	return 0;
}

static int run(struct command_ctx *ctx)
{
	struct vendor_args args = { .platforms = STRV_INIT };
	struct error *e = NULL;
	int r;

	template_args_init(&args.t);
	if (parse(ctx, &args, &e) < 0) {
		r = command_usage_error(ctx, e);
	} else {
		if (!args.platforms.len)
			strv_push(&args.platforms, host_platform);
		r = vendor(ctx, &args);
	}
	template_args_release(&args.t);
	strv_release(&args.platforms);
	return r;
}

const struct command command_plugins_vendor = {
	.name = "plugins vendor",
	.synopsis = "pack all plugins of a template into one archive",
	.usage = "[options] TEMPLATE -o FILE",
	.doc = "Writes the plugins that a template requires, in the versions of its lock\n"
	       "file, to one archive for a place without a network. There\n"
	       "'ingot plugins install -from' installs from it; unpacked, it is a mirror for\n"
	       "INGOT_PLUGIN_MIRROR, as a folder or behind a web server.",
	.options = vendor_options,
	.run = run,
};
