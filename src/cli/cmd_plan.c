/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what `build` would do, and why. Starts nothing; writes nothing but what saves reading the
 * same files again. */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/plan_print.h"
#include "cli/reuse_args.h"
#include "cli/template_args.h"
#include "core/preview.h"
#include "os/clock.h"
#include "os/tty.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_WORK = 2, JSON_FORM = JSON_INDENT(1) | JSON_REAL_PRECISION(6) };

struct plan_args {
	struct template_args t;
	struct reuse_args reuse;
	bool color, detailed, force, json, machine_readable;
	bool warn_undeclared, sequential;
};

static const struct option_spec plan_options[] = {
	OPT_BOOL(struct plan_args, color, "color", "Colours (default true)."),
	OPT_BOOL(struct plan_args, detailed, "detailed-exitcode",
		 "Exit code 2 when there is work to do."),
	OPT_BOOL(struct plan_args, force, "force", "As for a build that replaces its artifacts."),
	OPT_BOOL(struct plan_args, json, "json", "Print one JSON document."),
	OPT_BOOL(struct plan_args, machine_readable, "machine-readable",
		 "Print comma-separated lines."),
	OPT_BOOL(struct plan_args, warn_undeclared, "warn-on-undeclared-var",
		 "Warn about variables that are set but not declared."),
	OPT_BOOL(struct plan_args, sequential, "use-sequential-evaluation",
		 "Evaluate data sources, then locals, in order."),
	REUSE_OPTIONS(struct plan_args, reuse),
	TEMPLATE_OPTIONS(struct plan_args, t),
	OPT_END,
};

/* ---- the one document ------------------------------------------------------------------- */

static void print_json(struct command_ctx *ctx, json_t *o)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO_FREE char *text = json_dumps(o, JSON_FORM);

	strbuf_addstr(&sb, text);
	redactor_filter(ctx->redactor, &sb);
	puts(sb.buf);
	json_decref(o);
}

static int fail(struct command_ctx *ctx, const struct plan_args *a, const char *text)
{
	json_t *o;

	if (a->json) {
		o = json_object();
		json_object_set_new(o, "format", json_integer(1));
		json_object_set_new(o, "error", json_string(text));
		print_json(ctx, o);
	} else if (*text) {
		command_error(ctx, "%s", text);
	}
	return EXIT_ERROR;
}

static int fail_error(struct command_ctx *ctx, const struct plan_args *a, const struct error *e)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "Error: %s", e->message);
	for (struct str rest = str_of(e->hint), line; rest.len;) {
		line = str_split(rest, '\n', &rest);
		strbuf_addf(&sb, "\n  %.*s", STR_FMT(line));
	}
	return fail(ctx, a, sb.buf);
}

/* Warnings have no place in a document: who reads it wants to know whether it can be read. */
static int show_diags(struct command_ctx *ctx, const struct plan_args *a, const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style style = { .width = 80 };

	if (!a->json) {
		command_print_diags(ctx, diags);
		return diags_has_errors(diags) ? EXIT_ERROR : EXIT_OK;
	}
	if (!diags_has_errors(diags))
		return EXIT_OK;
	diags_format(&sb, diags, &style);
	strbuf_rtrim(&sb);
	return fail(ctx, a, sb.buf);
}

/* ---- the plan ----------------------------------------------------------------------------- */

static const char *why_off(const struct plan_args *a)
{
	if (a->reuse.no_cache)
		return "-no-cache";
	return command_env("CACHE") ? "INGOT_CACHE=off"
				    : "steps are not reused under the name packer";
}

static void show(struct command_ctx *ctx, const struct plan_args *a, const struct preview *p,
		 const char *template_path)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const struct plan_style style = { .color = a->color && !ctx->no_color &&
						   tty_is_terminal(STDOUT_FILENO),
					  .now = ctx->start_time };

	if (a->json) {
		print_json(ctx, plan_json(p, template_path, style.now));
	} else if (ctx->machine_readable) {
		plan_machine(p, style.now);
	} else {
		plan_text(&sb, p, &style);
		command_say(ctx, "%s", sb.buf);
	}
}

static bool has_work(const struct preview *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (!p->builds[i].done)
			return true;
	return false;
}

static void drop(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	(void)ev;
}

static int look(struct command_ctx *ctx, const struct plan_args *a, const struct plan *plan,
		struct preview_options *opts)
{
	AUTO(cancel) struct cancel *cancel = cancel_new(NULL, DEADLINE_NEVER);
	struct event_sink silent = { .emit = drop };
	struct ui ui = { .sink = &silent, .redactor = ctx->redactor, .build = -1 };
	const struct build_ctx build = { .ui = &ui,
					 .cancel = cancel,
					 .dirs = &ctx->dirs,
					 .cwd = ctx->cwd,
					 .temp_dir = ctx->dirs.temp,
					 .source_date_epoch = command_source_date_epoch(),
					 .look_only = true,
					 .environ = ctx->environ };
	AUTO(error) struct error *e = NULL, *warning = NULL;
	AUTO(preview) struct preview p = { 0 };
	int r;

	if (reuse_args_policy(ctx, &a->reuse, plan, &opts->policy, &warning, &e) < 0)
		return fail_error(ctx, a, e);
	if (warning && !opts->off)
		opts->off = warning->message;
	opts->policy.needs_artifact = a->force;
	opts->ctx = &build;
	r = preview_make(plan, opts, &p, &e);
	store_close(opts->policy.store);
	ui_release(&ui);
	if (r < 0)
		return fail_error(ctx, a, e);
	show(ctx, a, &p, opts->template_path);
	return a->detailed && has_work(&p) ? EXIT_WORK : EXIT_OK;
}

static int plan(struct command_ctx *ctx, struct plan_args *a, const char *path)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct template_plan how = { .force = a->force, .on_error = "cleanup" };
	const struct template_loading loading = { .warn_undeclared = a->warn_undeclared,
						  .sequential = a->sequential };
	AUTO_FREE char *full = path_absolute(ctx->cwd, path);
	struct preview_options opts = { .template_path = full };
	AUTO(error) struct error *e = NULL;

	a->reuse.only_look = true;
	if (reuse_args_enabled(ctx, &a->reuse, &how.may_be_done, &e) < 0)
		return fail_error(ctx, a, e);
	opts.off = how.may_be_done ? NULL : why_off(a);

	AUTO(config) struct config *config = template_load(ctx, path, &a->t, &loading, &diags);
	AUTO(plan)
	struct plan *plan = config ? template_plan(ctx, config, &a->t, &how, &diags) : NULL;

	if (show_diags(ctx, a, &diags) != EXIT_OK || !plan)
		return EXIT_ERROR;
	if (!plan->len)
		return fail(ctx, a, "Error: no builds to plan\n  -only and -except leave none.");
	return look(ctx, a, plan, &opts);
}

static int run(struct command_ctx *ctx)
{
	struct plan_args args = { .color = true };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = plan(ctx, &args, path);
	template_args_release(&args.t);
	return r;
}

const struct command command_plan = {
	.name = "plan",
	.synopsis = "show what a build would do, and why",
	.usage = "[options] TEMPLATE",
	.doc = "Says for each step of each build whether it would run, and why, or whether\n"
	       "what earlier builds have kept of it is reused; how long what runs took before;\n"
	       "and which steps several builds share. Nothing is started or changed.\n"
	       "\n"
	       "  run          it runs; the time is the median of the last five\n"
	       "  share        it runs once, for another build as well\n"
	       "  reuse        the machine goes on from a kept state behind it\n"
	       "  up-to-date   what the build made is there, unaltered\n"
	       "\n"
	       "With -detailed-exitcode: 0 nothing to do, 2 work to do, 1 error.",
	.options = plan_options,
	.run = run,
};
