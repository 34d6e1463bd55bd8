/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print outside builds, in the form of the run. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "cli/command.h"
#include "cli/output.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/tty.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DIAG_WIDTH = 80, RED = 31 };

static void put(struct command_ctx *ctx, bool is_error, struct strbuf *text)
{
	redactor_filter(ctx->redactor, text);
	log_ui(is_error, text->buf);
	if (ctx->machine_readable)
		machine_line(stdout, clock_wall(), NULL, "ui",
			     (const char *const[]){ is_error ? "error" : "say", text->buf, NULL });
	else if (is_error && !ctx->no_color && tty_is_terminal(STDOUT_FILENO))
		printf("\033[1;%dm%s\033[0m\n", RED, text->buf);
	else
		puts(text->buf);
	fflush(stdout);
}

void command_say(struct command_ctx *ctx, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	put(ctx, false, &sb);
}

void command_error(struct command_ctx *ctx, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	put(ctx, true, &sb);
}

char *command_time(int64_t wall)
{
	time_t t = (time_t)(wall / NSEC_PER_SEC);
	char text[sizeof("2026-01-02 03:04:05")];
	struct tm tm;

	localtime_r(&t, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return xstrdup(text);
}

void command_print_error(struct command_ctx *ctx, const struct error *e)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "Error: %s", e->message);
	for (struct str rest = str_of(e->hint), line; rest.len;) {
		line = str_split(rest, '\n', &rest);
		strbuf_addf(&sb, "\n  %.*s", STR_FMT(line));
	}
	put(ctx, true, &sb);
}

/* One write for the whole list, one more newline (language.md 9.3). */
void command_print_diags(struct command_ctx *ctx, const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style style = { .width = DIAG_WIDTH, .caret = true };

	if (!diags->len)
		return;
	diags_format(&sb, diags, &style);
	put(ctx, diags_has_errors(diags), &sb);
}

static void print_option(const struct option_spec *o)
{
	AUTO(strbuf) struct strbuf left = STRBUF_INIT;

	strbuf_addf(&left, "  -%s", o->name);
	if (o->choices)
		for (size_t i = 0; o->choices[i]; i++)
			strbuf_addf(&left, "%s%s", i ? "|" : "=", o->choices[i]);
	else if (o->arg)
		strbuf_addf(&left, "=%s", o->arg);
	if (left.len < 28)
		printf("%-28s %s\n", left.buf, o->doc);
	else
		printf("%s\n%28s %s\n", left.buf, "", o->doc);
}

static void print_subcommands(const struct command *const *subs)
{
	size_t width = 0;

	for (size_t i = 0; subs[i]; i++)
		width = MAX(width, strlen(strrchr(subs[i]->name, ' ') + 1));
	puts("\nSubcommands:");
	for (size_t i = 0; subs[i]; i++)
		printf("    %-*s    %s\n", (int)width, strrchr(subs[i]->name, ' ') + 1,
		       subs[i]->synopsis);
}

void command_print_help(const struct command *cmd)
{
	printf("Usage: ingot %s %s\n\n", cmd->name, cmd->usage);
	for (struct str rest = str_of(cmd->doc), line; rest.len;) {
		line = str_split(rest, '\n', &rest);
		printf("%s%.*s\n", line.len ? "  " : "", STR_FMT(line));
	}
	if (cmd->options && cmd->options->kind != OPTION_END) {
		puts("\nOptions:\n");
		for (const struct option_spec *o = cmd->options; o->kind != OPTION_END; o++)
			print_option(o);
	}
	if (cmd->subcommands)
		print_subcommands(cmd->subcommands);
	if (cmd->more_help)
		cmd->more_help();
}

int command_show_help(struct command_ctx *ctx)
{
	command_print_help(ctx->command);
	return EXIT_ERROR;
}

int command_usage_error(struct command_ctx *ctx, struct error *e)
{
	if (e) {
		/* as it is: people and scripts know the texts */
		command_error(ctx, e->hint ? "%s\n  %s" : "%s", e->message, e->hint);
		error_free(e);
	}
	command_print_help(ctx->command);
	return EXIT_ERROR;
}
