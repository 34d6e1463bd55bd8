/* SPDX-License-Identifier: Apache-2.0 */
/* hcl2_upgrade: a legacy template as a file in HCL (legacy-json.md 11). */
#include "base/alloc.h"
#include "base/path.h"
#include "cli/template_args.h"
#include "config/upgrade/upgrade.h"
#include "core/component.h"
#include "os/fs.h"

#include <string.h>

struct upgrade_args {
	struct template_args t;
	const char *output_file;
	bool with_annotations;
};

static const struct option_spec upgrade_cli_options[] = {
	OPT_STRING(struct upgrade_args, output_file, "output-file", "path",
		   "The new file (default TEMPLATE.pkr.hcl)."),
	OPT_BOOL(struct upgrade_args, with_annotations, "with-annotations",
		 "Say above each part of the file what it is."),
	TEMPLATE_OPTIONS(struct upgrade_args, t),
	OPT_END,
};

static int fail(struct command_ctx *ctx, const char *what, const struct error *e)
{
	command_error(ctx, "%s: %s", what, e->message);
	return EXIT_ERROR;
}

/* A file that is there stays as it is until all of the new one is known. */
static int check_file(struct command_ctx *ctx, const char *template, const char *output)
{
	AUTO_FREE char *dir = path_dirname(output);
	AUTO_FREE char *from = path_absolute(ctx->cwd, template);
	AUTO_FREE char *to = path_absolute(ctx->cwd, output);
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind;

	if (!strcmp(from, to)) {
		command_error(ctx, "Failed to create output file: %s is the template itself",
			      output);
		return EXIT_ERROR;
	}
	if (fs_mkdir_all(dir, 0777, &e) < 0)
		return fail(ctx, "Failed to create output directory", e);
	if (fs_stat_kind(output, &kind, &e) < 0)
		return fail(ctx, "Failed to create output file", e);
	if (kind == FS_DIR) {
		command_error(ctx, "Failed to create output file: %s is a directory", output);
		return EXIT_ERROR;
	}
	return EXIT_OK;
}

/* Mistakes that leave the template readable do not matter here. */
static bool loads(struct command_ctx *ctx, const char *path, const struct template_args *a)
{
	static const struct template_loading how = { .legacy = true, .dry_data = true };
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(config) struct config *config = template_load(ctx, path, a, &how, &diags);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!config) {
		command_print_diags(ctx, &diags);
		command_error(ctx, "Failed to get config from JSON");
		return false;
	}
	if (!diags_has_errors(&diags))
		return true;
	for (size_t i = 0; i < diags.len; i++)
		diags.items[i].subject.source = NULL;
	diags_format_error(&text, &diags);
	command_error(ctx, "Ignoring following initialization error: %s", text.buf);
	return true;
}

/* False after saying which builders nobody knows. */
static bool all_known(struct command_ctx *ctx, const struct strv *types)
{
	AUTO(strv) struct strv unknown = STRV_INIT;

	for (size_t i = 0; i < types->len; i++)
		if (!components_builder(&builtin_components, types->v[i]))
			strv_push(&unknown, types->v[i]);
	if (!unknown.len)
		return true;
	strv_sort(&unknown);

	AUTO_FREE char *list = strv_join(&unknown, " ");

	command_error(ctx,
		      "Ignoring following sources.Parse error: unknown builder type(s): [%s]\n",
		      list);
	return false;
}

static int upgrade(struct command_ctx *ctx, const struct upgrade_args *a, const char *path)
{
	AUTO_FREE char *output =
		a->output_file ? xstrdup(a->output_file) : xasprintf("%s.pkr.hcl", path);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO(strv) struct strv types = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (check_file(ctx, path, output) != EXIT_OK || !loads(ctx, path, &a->t))
		return EXIT_ERROR;
	if (fs_read(path, FS_READ_MAX, &text, &e) < 0)
		return fail(ctx, "Failed to get config from JSON", e);

	const struct upgrade_options opts = { text.buf, text.len, a->with_annotations };
	AUTO_FREE char *result = upgrade_template(&opts, &types, &e);

	if (!result)
		return fail(ctx, "Failed to get config from JSON", e);
	if (fs_write_atomic(output, result, strlen(result), 0666, &e) < 0)
		return fail(ctx, "Failed to create output file", e);

	int code = all_known(ctx, &types) ? EXIT_OK : EXIT_ERROR;

	command_say(ctx, "Successfully created %s. Exit %d", output, code);
	return code;
}

static int run(struct command_ctx *ctx)
{
	struct upgrade_args args = { 0 };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = upgrade(ctx, &args, path);
	template_args_release(&args.t);
	return r;
}

const struct command command_hcl2_upgrade = {
	.name = "hcl2_upgrade",
	.synopsis = "transform a JSON template into an HCL2 configuration",
	.usage = "[options] TEMPLATE",
	.doc = "Writes what a legacy JSON template says as a template in HCL. What has no\n"
	       "counterpart is kept below a comment. The template stays as it is.",
	.options = upgrade_cli_options,
	.run = run,
};
