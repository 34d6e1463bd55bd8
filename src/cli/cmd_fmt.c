/* SPDX-License-Identifier: Apache-2.0 */
/* fmt: files, folders, standard input; -check, -diff, -write, -recursive (cli.md 7). */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/command.h"
#include "lang/parser.h"
#include "os/fd.h"
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

static void fail_with(struct fmt_run *f, const char *path, const struct error *e)
{
	AUTO_FREE char *why =
		xasprintf("%s%s%s", e->message, e->hint ? "\n" : "", e->hint ? e->hint : "");

	fail(f, path, why);
}

/* False after reporting. */
static bool formatted(struct fmt_run *f, const char *name, const struct strbuf *text,
		      struct strbuf *ret)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, name, text->buf, text->len);

	if (hcl_format_into(src, ret, &diags) && !diags_has_errors(&diags))
		return true;
	command_print_diags(f->ctx, &diags);
	f->failed = true;
	return false;
}

static bool is_same(const struct strbuf *a, const struct strbuf *b)
{
	return a->len == b->len && !memcmp(a->buf, b->buf, a->len);
}

static int show_diff(struct fmt_run *f, const char *path, const struct strbuf *old,
		     const struct strbuf *new, struct error **err)
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
		.input = new->buf,
		.input_len = new->len,
		.output = &out,
	};
	int r = fs_write(old_path, old->buf, old->len, 0600, err);

	if (r == 0)
		r = proc_run(&run, NULL, &status, err);
	(void)unlink(old_path);
	if (r == 0)
		(void)fwrite(out.buf, 1, out.len, stdout);
	return r;
}

static int put_result(struct fmt_run *f, const char *path, const struct strbuf *old,
		      const struct strbuf *new, struct error **err)
{
	command_say(f->ctx, "%s", path);
	if (f->args->write && !f->args->check &&
	    fs_write_atomic(path, new->buf, new->len, 0644, err) < 0)
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
		fail_with(f, path, e);
		return;
	}

	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (!formatted(f, path, &text, &out) || is_same(&out, &text))
		return;
	f->changed = true;
	if (put_result(f, path, &text, &out, &e) < 0)
		fail_with(f, path, e);
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
		fail_with(f, dir, e);
		return;
	}
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		enum fs_kind kind = FS_ABSENT;
		AUTO(error) struct error *failed = NULL;

		if (is_skipped(names.v[i]))
			continue;
		if (fs_stat_kind(path, &kind, &failed) < 0) {
			if (f->args->recursive || is_template_name(names.v[i]))
				fail_with(f, path, failed);
			continue;
		}
		/* a link to a folder may lead around in circles */
		if (kind == FS_DIR ? f->args->recursive && !fs_is_link(path)
				   : is_template_name(names.v[i]))
			format_path(f, path);
	}
}

static void format_path(struct fmt_run *f, const char *path)
{
	enum fs_kind kind;
	AUTO(error) struct error *e = NULL;

	if (fs_stat_kind(path, &kind, &e) < 0)
		fail_with(f, path, e);
	else if (kind == FS_DIR)
		format_folder(f, path);
	else if (kind == FS_OTHER && is_template_name(path))
		fail(f, path, "not a regular file; '-' formats standard input");
	else
		format_file(f, path);
}

static void format_stdin(struct fmt_run *f)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	ssize_t n;

	while ((n = fd_read(STDIN_FILENO, strbuf_reserve(&text, 65536), 65536)) > 0) {
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

	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (!formatted(f, "<stdin>", &text, &out))
		return;

	bool changed = !is_same(&out, &text);

	f->changed |= changed;
	if (!changed || (f->args->write && !f->args->check))
		(void)fwrite(out.buf, 1, out.len, stdout);
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
