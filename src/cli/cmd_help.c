/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>

static int run(struct command_ctx *ctx)
{
	if (ctx->argc == 0) {
		command_print_list();
		return EXIT_OK;
	}

	int words;
	const struct command *c = command_find_words(ctx->argc, ctx->argv, &words);

	if (!c) {
		command_print_list();
		return EXIT_NO_COMMAND;
	}
	command_print_help(c);
	return EXIT_OK;
}

const struct command command_help = {
	.name = "help",
	.synopsis = "show help for a command",
	.usage = "[COMMAND]",
	.doc = "Lists the commands, or explains one.",
	.run = run,
};
