/* SPDX-License-Identifier: Apache-2.0 */
/* The list of commands, and the way from main() to one of them (cli.md 1). */
#include "cli/command.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/debug_log.h"
#include "cli/main.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "plugin/host/host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_KEPT = 50 };

extern const struct command command_attach, command_build, command_cache, command_console,
	command_fix, command_fmt, command_gc, command_hcl2_upgrade, command_help, command_init,
	command_inspect, command_plan, command_plugin, command_plugins, command_reference,
	command_run, command_runs, command_validate, command_version;

const struct command *const commands[] = {
	&command_attach, &command_build,    &command_cache,     &command_console,
	&command_fix,    &command_fmt,      &command_gc,        &command_hcl2_upgrade,
	&command_help,   &command_init,     &command_inspect,   &command_plan,
	&command_plugin, &command_plugins,  &command_reference, &command_run,
	&command_runs,   &command_validate, &command_version,   NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

/* The last word of its name: what stands in a command line. */
static const char *own_word(const struct command *sub)
{
	const char *space = strrchr(sub->name, ' ');

	return space ? space + 1 : sub->name;
}

const struct command *command_find_words(int argc, char *const *argv, int *ret_words)
{
	const struct command *found = argc ? command_find(argv[0]) : NULL;

	*ret_words = 1;
	for (size_t i = 0; found && found->subcommands && argc > 1 && found->subcommands[i]; i++)
		if (!strcmp(own_word(found->subcommands[i]), argv[1])) {
			*ret_words = 2;
			return found->subcommands[i];
		}
	return found;
}

void command_print_list(void)
{
	size_t width = 0;

	for (const struct command *const *c = commands; *c; c++)
		width = MAX(width, (*c)->hidden ? 0 : strlen((*c)->name));
	puts("Usage: ingot [--version] [--help] <command> [<args>]\n\nAvailable commands are:");
	for (const struct command *const *c = commands; *c; c++)
		if (!(*c)->hidden)
			printf("    %-*s    %s\n", (int)width, (*c)->name, (*c)->synopsis);
}

const char *command_env(const char *name)
{
	static const char *const prefixes[] = { "INGOT_", "PACKER_" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		AUTO_FREE char *full = xasprintf("%s%s", prefixes[i], name);
		const char *value = getenv(full);

		if (value && *value)
			return value;
	}
	return NULL;
}

int64_t command_source_date_epoch(void)
{
	int64_t n;
	const char *text = getenv("SOURCE_DATE_EPOCH");

	return text && parse_int64(text, 10, &n) && n >= 0 ? n : -1;
}

int command_runs_kept(int64_t *ret, struct error **err)
{
	const char *text = command_env("RUNS_KEEP");
	int64_t n;

	*ret = RUNS_KEPT;
	if (!text)
		return 0;
	if (!parse_int64(text, 10, &n) || n < 0)
		return error_set(err, ERROR_INVALID,
				 "INGOT_RUNS_KEEP is '%s', not a number of runs to keep", text);
	*ret = n;
	return 0;
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "-h") || !strcmp(arg, "-help") || !strcmp(arg, "--help");
}

static bool is_version(const char *arg)
{
	return !strcmp(arg, "-v") || !strcmp(arg, "-version") || !strcmp(arg, "--version");
}

/* Help may stand anywhere before the first `--`. */
static bool wants_help(int argc, char *const *argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

/* The first `-machine-readable` anywhere switches the output. */
static bool take_machine_readable(int *argc, char **argv)
{
	for (int i = 0; i < *argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "-machine-readable")) {
			memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
			--*argc;
			return true;
		}
	return false;
}

/* What could not be printed makes the run a failure; a reader that left knows that it did. */
static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (!fd_is_broken_pipe(STDOUT_FILENO))
		fputs("ingot: cannot write to standard output\n", stderr);
	return code == EXIT_OK ? EXIT_ERROR : code;
}

static int run_command(const struct command *cmd, struct command_ctx *ctx)
{
	AUTO(error) struct error *e = NULL;
	const char *no_color = getenv("NO_COLOR");
	int r = EXIT_ERROR;

	ctx->command = cmd;
	ctx->no_color = command_env("NO_COLOR") || (no_color && *no_color);
	ctx->start_time = clock_wall();
	ctx->redactor = redactor_new();
	ctx->sources = sources_new();
	ctx->cwd = fs_cwd();
	random_uuid(ctx->run_uuid);
	interrupt_init(&ctx->interrupt);
	if (debug_log_open(ctx) == 0) {
		if (host_dirs_init(&ctx->dirs, from_environment, &e) < 0) {
			command_print_error(ctx, e);
		} else {
			debug_log_dirs(ctx);
			r = cmd->run(ctx);
			plugin_host_free(ctx->plugins);
		}
		debug_log_close(ctx, r);
	}
	interrupt_release(&ctx->interrupt);
	host_dirs_release(&ctx->dirs);
	redactor_free(ctx->redactor);
	sources_free(ctx->sources);
	free(ctx->cwd);
	return r;
}

static int dispatch(const char *program, int argc, char **argv, char **environ)
{
	struct command_ctx ctx = { .environ = environ,
				   .is_packer = !strcmp(path_basename(program), "packer") };

	ctx.machine_readable = take_machine_readable(&argc, argv);
	if (argc && is_version(argv[0]))
		return run_command(&command_version, &ctx);
	if (argc && is_help(argv[0]) && argc == 1) {
		command_print_list();
		return EXIT_OK;
	}

	int at = argc && is_help(argv[0]) ? 1 : 0, words;
	const struct command *cmd = command_find_words(argc - at, argv + at, &words);

	if (!cmd) {
		command_print_list();
		return EXIT_NO_COMMAND;
	}
	if (at || wants_help(argc - words, argv + words)) {
		command_print_help(cmd);
		return EXIT_OK;
	}
	ctx.argc = argc - words;
	ctx.argv = argv + words;
	return run_command(cmd, &ctx);
}

int cli_main(int argc, char **argv, char **environ)
{
	fd_open_standard();
	fd_raise_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	return finish_output(dispatch(argc ? argv[0] : "", argc - 1, argv + 1, environ));
}
