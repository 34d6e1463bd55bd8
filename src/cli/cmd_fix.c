/* SPDX-License-Identifier: Apache-2.0 */
/* fix: what of a legacy template is out of date, brought up to date (legacy-json.md 10). */
#include "base/str.h"
#include "cli/template_args.h"
#include "config/fix/fix.h"
#include "os/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct fix_args {
	struct template_args t;
	bool validate;
};

static const struct option_spec fix_options[] = {
	OPT_BOOL(struct fix_args, validate, "validate", "Check the result, too (default true)."),
	TEMPLATE_OPTIONS(struct fix_args, t),
	OPT_END,
};

static int unreadable(struct command_ctx *ctx, const char *path, const struct error *e)
{
	if (e->kind == ERROR_NOT_FOUND)
		command_error(ctx, "Error opening template: open %s: no such file or directory",
			      path);
	else if (e->os_errno == EISDIR)
		command_error(ctx, "Error parsing template: read %s: is a directory", path);
	else
		command_error(ctx, "Error opening template: %s", e->message);
	return EXIT_ERROR;
}

static int check_result(struct command_ctx *ctx, const char *fixed)
{
	AUTO(error) struct error *e = NULL;
	bool parses = false;

	if (config_legacy_check(fixed, strlen(fixed), &parses, &e) == 0)
		return EXIT_OK;
	command_error(ctx,
		      "Error! Fixed template %s: %s\n\n"
		      "This is usually caused by an error in the input template.\n"
		      "Please fix the error and try again.",
		      parses ? "failed to validate" : "fails to parse", e->message);
	return EXIT_ERROR;
}

static int fix(struct command_ctx *ctx, const char *path, bool validate)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO(error) struct error *e = NULL;

	if (text_ends_with(path, ".pkr.hcl")) {
		command_error(ctx, "packer fix only works with JSON files for now.");
		return EXIT_ERROR;
	}
	if (fs_read(path, FS_READ_MAX, &text, &e) < 0)
		return unreadable(ctx, path, e);

	AUTO_FREE char *fixed = fix_template(text.buf, text.len, &e);

	if (!fixed) {
		command_error(ctx, "%s", e->message);
		return EXIT_ERROR;
	}
	command_say(ctx, "%s\n", fixed);
	return validate ? check_result(ctx, fixed) : EXIT_OK;
}

static int run(struct command_ctx *ctx)
{
	struct fix_args args = { .validate = true };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0)
		r = fix(ctx, path, args.validate);
	template_args_release(&args.t);
	return r;
}

static void more_help(void)
{
	puts("\nWhat is fixed, in this order:\n");
	for (const struct fixer *f = fixers; f->name; f++)
		printf("  %-27s%s\n", f->name, f->synopsis);
}

const struct command command_fix = {
	.name = "fix",
	.synopsis = "fixes templates from old versions of packer",
	.usage = "[options] TEMPLATE",
	.doc = "Reads a JSON template, replaces options that are out of date, and prints the\n"
	       "result. The file stays as it is.",
	.options = fix_options,
	.more_help = more_help,
	.run = run,
};
