/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "core/journal.h"

#include <stdio.h>

static void report(void *data, const char *run_id, const char *what, bool ok)
{
	if (ok)
		command_say(data, "Removed %s, left by run %s", what, run_id);
	else
		command_error(data, "Could not remove what run %s left: %s", run_id, what);
}

static int run(struct command_ctx *ctx)
{
	struct error *e = NULL;
	int first = 0, removed = 0;

	if (options_parse(NULL, ctx->argc, ctx->argv, NULL, &first, &e) < 0)
		return command_usage_error(ctx, e);
	if (first != ctx->argc)
		return command_usage_error(ctx, NULL);
	if (journal_recover(ctx->dirs.state, report, ctx, &removed, &e) < 0) {
		command_print_error(ctx, e);
		error_free(e);
		return EXIT_ERROR;
	}
	if (!removed)
		command_say(ctx, "Nothing to clean up.");
	return EXIT_OK;
}

const struct command command_gc = {
	.name = "gc",
	.synopsis = "remove what dead runs left behind",
	.usage = "",
	.doc = "Ends the processes and removes the files of runs that were killed before they\n"
	       "could clean up. Runs that are alive, and what -on-error=abort left on purpose,\n"
	       "are not touched. Every build does the same when it starts.",
	.run = run,
};
