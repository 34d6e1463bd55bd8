/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as something to read. signals_open() is called once, by the main
 * thread, before any other thread exists: the signals are blocked from then on
 * in every thread and arrive on the descriptor, which is polled along with
 * everything else. Children start with a clean mask (os/proc.h). SIGPIPE is
 * ignored: a reader that is gone is an error of the write.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum signal_kind {
	SIGNAL_NONE,      /* nothing is waiting */
	SIGNAL_INTERRUPT, /* SIGINT */
	SIGNAL_TERMINATE, /* SIGTERM; SIGHUP, unless we were started with it ignored (nohup) */
	SIGNAL_RESIZE,    /* SIGWINCH: the terminal has another size */
	SIGNAL_STOP,      /* SIGTSTP, if that is watched for */
};

MUST_CHECK int signals_open(int *ret_fd, struct error **err);
/* Also for SIGTSTP, which stops the process otherwise, and SIGQUIT (SIGNAL_TERMINATE), which kills
 * it: while the terminal is in a state that neither must leave behind. */
MUST_CHECK int signals_watch_stop(int fd, bool on, struct error **err);
/* The next signal; never blocks. */
enum signal_kind signals_read(int fd);
