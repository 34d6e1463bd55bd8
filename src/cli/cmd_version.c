/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/output.h"
#include "os/clock.h"

#include <stdio.h>

static int run(struct command_ctx *ctx)
{
	if (ctx->machine_readable) {
		const char *none[] = { "", NULL };

		machine_line(stdout, clock_wall(), NULL, "version",
			     (const char *const[]){ INGOT_VERSION, NULL });
		machine_line(stdout, clock_wall(), NULL, "version-prelease", none);
		machine_line(stdout, clock_wall(), NULL, "version-commit", none);
	}
	command_say(ctx, "ingot v%s", INGOT_VERSION);
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.synopsis = "print the version",
	.usage = "",
	.doc = "Prints the version. It never calls home.",
	.run = run,
};
