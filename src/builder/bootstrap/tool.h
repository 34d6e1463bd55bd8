/* SPDX-License-Identifier: Apache-2.0 */
/* Running the programs of this host: cleaned environment, journal, cancellation. */
#pragma once

#include "base/strv.h"
#include "core/component.h"
#include "os/proc.h"

struct tool_call {
	struct build_ctx *ctx;
	const char *what; /* for the journal and messages */
	const struct strv *argv;
	const struct strv *more_env; /* NULL: none */
	int64_t epoch;               /* the time the tool shall take for now; -1: none */
	const char *input;           /* NULL: none */
	proc_line_fn line;           /* NULL: output is dropped */
	void *line_data;
	int *ret_status; /* NULL: any status but 0 is an error that quotes stderr */
};
MUST_CHECK int tool_run(const struct tool_call *call, struct error **err);
