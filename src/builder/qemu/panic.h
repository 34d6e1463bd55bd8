/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the guest's kernel panicked for good? Told by its pvpanic device (as events of the monitor),
 * or read where it writes its serial console. A kernel that restarts by itself afterwards (panic=N)
 * is none of our business: Linux says "Rebooting in N seconds.." then, else "---[ end Kernel
 * panic". When the device is all there is, a moment is left for a restart. Used by one thread.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct panic;

/* `console`: a file that is written to, made if it is not there; NULL: none. */
struct panic *panic_new(const char *console, struct error **err);
void panic_free(struct panic *p); /* NULL is fine */
/* Readable: panic_look(). Not more than ten times a second, however much the guest writes. */
int panic_fd(const struct panic *p);

/* The device says so. `stopped`: QEMU keeps the guest from doing anything about it. */
void panic_tell(struct panic *p, bool stopped);
/* It does more about it: a crash kernel is loaded. */
void panic_restart(struct panic *p);
/* The guest starts anew. */
void panic_reset(struct panic *p);

/* Takes what is new; true: it panicked and stays so. */
bool panic_look(struct panic *p);
/* It panicked since it last started, whatever comes after that. */
bool panic_is_told(const struct panic *p);
/* Sets ERROR_GONE with the kernel's own words, as far as they are known; returns -1. */
int panic_say(const struct panic *p, struct error **err);
