/* SPDX-License-Identifier: Apache-2.0 */
/* fmt: files, folders, standard input; -check, -diff, -write, -recursive (cli.md 7). */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/command.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "os/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fmt_args {
	bool check, diff, write, recursive;
};

static const struct option_spec fmt_options[] = {
	OPT_BOOL(struct fmt_args, check, "check",
		 "Write nothing; exit code 3 if a file would change."),
	OPT_BOOL(struct fmt_args, diff, "diff", "Show what changes."),
	OPT_BOOL(struct fmt_args, write, "write", "Write the result into the file (default true)."),
	OPT_BOOL(struct fmt_args, recursive, "recursive", "Go into subfolders, too."),
	OPT_END,
};

struct fmt_run {
	struct command_ctx *ctx;
	const struct fmt_args *args;
	bool changed, failed;
};

static bool is_template_name(const char *name)
{
	return text_ends_with(name, ".pkr.hcl") || text_ends_with(name, ".pkrvars.hcl") ||
	       text_ends_with(name, ".ingot.hcl");
}

static void fail(struct fmt_run *f, const char *path, const char *why)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;

	diags_error(&diags, NULL, "encountered an error while formatting", "%s: %s", path, why);
	command_print_diags(f->ctx, &diags);
	f->failed = true;
}

/* NULL after reporting. */
static char *formatted(struct fmt_run *f, const char *name, const struct strbuf *text)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, name, text->buf, text->len);
	char *out = hcl_format(src, &diags);

	if (!diags_has_errors(&diags))
		return out;
	command_print_diags(f->ctx, &diags);
	f->failed = true;
	free(out);
	return NULL;
}

static int show_diff(struct fmt_run *f, const char *path, const char *old, const char *new,
		     struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO_FREE char *old_path = NULL;
	int fd = -1, status;

	if (fs_temp_file(f->ctx->dirs.temp, "ingot-fmt-", "", &old_path, &fd, err) < 0)
		return -1;
	close(fd);
	strv_pushl(&argv, "diff", "-u", NULL);
	strv_pushf(&argv, "--label=old/%s", path);
	strv_pushf(&argv, "--label=new/%s", path);
	strv_pushl(&argv, old_path, "-", NULL);

	struct proc_run run = {
		.spec = { .argv = &argv },
		.input = new,
		.input_len = strlen(new),
		.output = &out,
	};
	int r = fs_write(old_path, old, strlen(old), 0600, err);

	if (r == 0)
		r = proc_run(&run, NULL, &status, err);
	(void)unlink(old_path);
	if (r == 0)
		fputs(out.buf, stdout);
	return r;
}

static int put_result(struct fmt_run *f, const char *path, const char *old, const char *new,
		      struct error **err)
{
	command_say(f->ctx, "%s", path);
	if (f->args->write && !f->args->check &&
	    fs_write_atomic(path, new, strlen(new), 0644, err) < 0)
		return -1;
	if (f->args->diff)
		return show_diff(f, path, old, new, err);
	return 0;
}

static void format_file(struct fmt_run *f, const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO(error) struct error *e = NULL;

	if (!is_template_name(path)) {
		AUTO_FREE char *why = xasprintf("file %s is not a HCL file", path);

		fail(f, path, why);
		return;
	}
	if (fs_read(path, FS_READ_MAX, &text, &e) < 0) {
		fail(f, path, e->message);
		return;
	}

	AUTO_FREE char *out = formatted(f, path, &text);

	if (!out || (strlen(out) == text.len && !memcmp(out, text.buf, text.len)))
		return;
	f->changed = true;
	if (put_result(f, path, text.buf, out, &e) < 0)
		fail(f, path, e->message);
}

static bool is_skipped(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' || name[n - 1] == '~' || (name[0] == '#' && name[n - 1] == '#');
}

static void format_path(struct fmt_run *f, const char *path);

static void format_folder(struct fmt_run *f, const char *dir)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(dir, &names, &e) < 0) {
		fail(f, dir, e->message);
		return;
	}
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		enum fs_kind kind = FS_ABSENT;
		AUTO(error) struct error *ignored = NULL;

		if (is_skipped(names.v[i]) || fs_stat_kind(path, &kind, &ignored) < 0)
			continue;
		if (kind == FS_DIR ? f->args->recursive : is_template_name(names.v[i]))
			format_path(f, path);
	}
}

static void format_path(struct fmt_run *f, const char *path)
{
	enum fs_kind kind;
	AUTO(error) struct error *e = NULL;

	if (fs_stat_kind(path, &kind, &e) < 0)
		fail(f, path, e->message);
	else if (kind == FS_DIR)
		format_folder(f, path);
	else
		format_file(f, path);
}

static void format_stdin(struct fmt_run *f)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	ssize_t n;

	while ((n = read(STDIN_FILENO, strbuf_reserve(&text, 65536), 65536)) > 0) {
		if (text.len + (size_t)n > FS_READ_MAX) {
			fail(f, "<stdin>", "more than 64 MiB");
			return;
		}
		strbuf_advance(&text, (size_t)n);
	}
	if (n < 0) {
		fail(f, "<stdin>", strerrordesc_np(errno));
		return;
	}

	AUTO_FREE char *out = formatted(f, "<stdin>", &text);

	if (!out)
		return;

	bool changed = strcmp(out, text.buf) != 0;

	f->changed |= changed;
	if (!changed || (f->args->write && !f->args->check))
		fputs(out, stdout);
}

static int run(struct command_ctx *ctx)
{
	struct fmt_args args = { .write = true };
	struct fmt_run f = { .ctx = ctx, .args = &args };
	struct error *e = NULL;
	int first;

	if (options_parse(ctx->command->options, ctx->argc, ctx->argv, &args, &first, &e) < 0)
		return command_usage_error(ctx, e);
	if (first == ctx->argc) {
		error_set(&e, ERROR_INVALID, "'fmt' needs at least one path");
		error_hint(&e, "'ingot fmt .' formats this folder");
		return command_usage_error(ctx, e);
	}
	for (int i = first; i < ctx->argc; i++) {
		if (!strcmp(ctx->argv[i], "-"))
			format_stdin(&f);
		else
			format_path(&f, ctx->argv[i]);
	}
	fflush(stdout);
	if (f.failed)
		return EXIT_ERROR;
	return args.check && f.changed ? EXIT_UNFORMATTED : EXIT_OK;
}

const struct command command_fmt = {
	.name = "fmt",
	.synopsis = "Rewrites HCL2 config files to canonical format",
	.usage = "[options] PATH...",
	.doc = "Lays out .pkr.hcl and .pkrvars.hcl files in the canonical way and prints the\n"
	       "name of each file that changed. A path is a file, a folder, or - for standard\n"
	       "input, whose result goes to standard output.",
	.options = fmt_options,
	.run = run,
};
