/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plugin_session.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cli/output.h"
#include "core/component.h"
#include "core/datasource.h"
#include "os/proc.h"
#include "os/tty.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- progress ------------------------------------------------------------------------------ */

static void on_progress(void *data, const char *what, int64_t done, int64_t total)
{
	struct plugin_session *s = data;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	format_bytes(&sb, (double)done);
	if (total > 0) {
		strbuf_addstr(&sb, " of ");
		format_bytes(&sb, (double)total);
	}
	printf("\r\033[2K    %.40s: %s", what, sb.buf);
	fflush(stdout);
	s->shows_line = true;
}

void plugin_session_hush(struct plugin_session *s)
{
	if (s->shows_line)
		fputs("\r\033[2K", stdout);
	s->shows_line = false;
}

int plugin_session_fail(struct plugin_session *s, const struct error *e)
{
	plugin_session_hush(s);
	/* Where it was interrupted matters to nobody. */
	if (s->interrupt.cancel && cancel_is_triggered(s->interrupt.cancel))
		command_error(s->ctx, "Error: interrupted");
	else
		command_print_error(s->ctx, e);
	return EXIT_ERROR;
}

void plugin_session_told_installed(struct plugin_session *s, const char *source,
				   const struct plugin_got *got)
{
	plugin_session_hush(s);
	command_say(s->ctx, "Installed plugin %s v%s in \"%s\"", source, got->version, got->path);
}

/* ---- life ---------------------------------------------------------------------------------- */

static const char *from_environment(const char *name)
{
	return getenv(name);
}

static void make_places(struct plugin_session *s)
{
	const struct place_settings settings = {
		.mirrors = getenv("INGOT_PLUGIN_MIRROR"),
		.releases_url = getenv("INGOT_PLUGIN_RELEASES_URL"),
		.github_api_url = getenv("INGOT_GITHUB_API_URL"),
		.github_url = getenv("INGOT_GITHUB_URL"),
		.token = command_env("GITHUB_API_TOKEN"),
		.cwd = s->ctx->cwd,
	};

	if (settings.token)
		redactor_add(s->ctx->redactor, settings.token, strlen(settings.token));
	place_list_init(&s->places, &settings);
}

int plugin_session_open(struct plugin_session *s, struct command_ctx *ctx, struct error **err)
{
	const char *proxy = env_get(ctx->environ, "HTTP_PROXY");

	s->ctx = ctx;
	if (plugin_dir(&ctx->dirs, from_environment, &s->dir, err) < 0 ||
	    interrupt_open(&s->interrupt, err) < 0)
		return -1;
	make_places(s);
	s->http = http_client_new();
	s->getting = (struct plugin_getting){
		.dir = s->dir,
		.platform = host_platform,
		.places = &s->places,
		.http = s->http,
		.plain_proxy = text_is_empty(proxy) ? NULL : proxy,
		.data = s,
	};
	if (!ctx->machine_readable && tty_is_terminal(STDOUT_FILENO))
		s->getting.progress = on_progress;
	return 0;
}

void plugin_session_release(struct plugin_session *s)
{
	plugin_session_hush(s);
	http_client_free(s->http);
	place_list_release(&s->places);
	interrupt_release(&s->interrupt);
	free(s->dir);
}

int plugin_session_find(struct plugin_session *s, const char *source, const char *constraint,
			bool all, struct plugin_binary_list *ret, struct error **err)
{
	const struct plugin_query q = {
		.dir = s->dir,
		.cache_dir = s->ctx->dirs.cache,
		.source = source,
		.constraint = constraint,
		.releases_only = true,
		.all_versions = all,
	};

	return plugin_find(&q, s->interrupt.cancel, ret, err);
}

/* ---- templates ----------------------------------------------------------------------------- */

bool plugin_session_is_builtin(const char *accessor)
{
	return plugin_is_builtin(&builtin_components, accessor);
}

bool plugin_session_has_rival(const struct config *config, const struct config_plugin *p)
{
	for (size_t i = 0; i < config->plugin_count; i++)
		if (text_eq(config->plugins[i].source, p->source) &&
		    !text_eq(config->plugins[i].constraint, p->constraint))
			return true;
	return false;
}

int plugin_session_complain(struct command_ctx *ctx, const char *summary, const char *detail)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;

	diags_error(&diags, NULL, summary, "%s", detail);
	command_print_diags(ctx, &diags);
	return EXIT_ERROR;
}

void plugin_session_say_none(struct command_ctx *ctx)
{
	command_say(ctx, "\nNo plugins requirement found, make sure you reference a Packer config\n"
			 "containing a packer.required_plugins block. See\n"
			 "https://www.packer.io/docs/templates/hcl_templates/blocks/packer\n"
			 "for more info.");
}

struct config *plugin_session_load(struct command_ctx *ctx, const char *path,
				   const struct template_args *args)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(error) struct error *e = NULL;
	const struct template_loading how = { .syntax_only = true };
	struct config *config = NULL;
	bool is_legacy;

	if (config_is_legacy(path, args->config_type, &is_legacy, &e) < 0)
		diags_error(&diags, NULL, "", "%s", e->message)->is_plain = true;
	else if (is_legacy)
		diags_error(&diags, NULL,
			    "Packer plugins currently only works with HCL2 configuration templates",
			    "Please manually install plugins with the plugins command or use a "
			    "HCL2 configuration that will do that for you.");
	else
		config = template_load(ctx, path, args, &how, &diags);
	command_print_diags(ctx, &diags);
	if (!diags_has_errors(&diags))
		return config;
	config_free(config);
	return NULL;
}
