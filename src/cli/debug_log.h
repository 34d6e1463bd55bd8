/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the debug log is on, and what stands at its beginning (cli.md 2): INGOT_LOG
 * or PACKER_LOG, which "0" turns off; INGOT_LOG_PATH or PACKER_LOG_PATH, which alone
 * turn it on, too.
 */
#pragma once

#include "cli/command.h"

/* Of a command that is about to run. On failure it was told why. */
MUST_CHECK int debug_log_open(struct command_ctx *ctx);
void debug_log_dirs(const struct command_ctx *ctx);
void debug_log_close(const struct command_ctx *ctx, int exit_code);
