/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person (or a script) at work in a machine: standard input and output, the
 * terminal and the signals while a shell of the machine has them. One thread:
 * `told` is the root of all waits, and looks at signals itself.
 */
#pragma once

#include "core/comm.h"
#include "os/cancel.h"
#include "os/tty.h"

struct foreground {
	int signal_fd;
	int resized;         /* eventfd */
	struct tty_raw raw;  /* standard input while the shell runs */
	struct cancel *told; /* ends with a signal */
};
#define FOREGROUND_INIT                                                                            \
	{                                                                                          \
		.signal_fd = -1, .resized = -1, .raw = {.fd = -1 }                                 \
	}

/* Before there are threads. */
MUST_CHECK int foreground_open(struct foreground *f, struct error **err);
void foreground_release(struct foreground *f);

/*
 * The shell of the user in the machine, or a command. A terminal on standard input is given to the
 * shell (not to a command). *ret_status as comm_ops.shell has it; *ret_hung_up: the person did.
 */
MUST_CHECK int foreground_shell(struct foreground *f, struct comm *comm, const char *command,
				struct cancel *c, int *ret_status, bool *ret_hung_up,
				struct error **err);

/* Asks the person at the terminal for a line (heap), as event_sink.ask. "no available tty"
 * (ERROR_NOT_FOUND) where there is none. */
MUST_CHECK int foreground_ask(const char *question, bool hidden, struct cancel *c, char **ret_line,
			      struct error **err);
