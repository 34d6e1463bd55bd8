/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ^C for commands that work on the main thread: a token that ends with the first
 * signal, so that whatever waits stops and what is half-made goes away.
 */
#pragma once

#include "os/cancel.h"

struct interrupt {
	struct cancel *cancel;
	int signal_fd;
};
#define INTERRUPT_INIT                                                                             \
	{                                                                                          \
		.signal_fd = -1                                                                    \
	}

/* Before there are threads that take signals. It must not move afterwards. */
MUST_CHECK int interrupt_open(struct interrupt *i, struct error **err);
/* The same in two parts: a token; and from here on a signal ends it and not the program. */
void interrupt_init(struct interrupt *i);
MUST_CHECK int interrupt_watch(struct interrupt *i, struct error **err);
/* Signals are somebody else's from now on; none is lost. */
void interrupt_stop(struct interrupt *i);
void interrupt_release(struct interrupt *i);
static inline void auto_interrupt(struct interrupt *i)
{
	interrupt_release(i);
}
