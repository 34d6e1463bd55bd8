/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running emulator: started under the journal, controlled through its
 * monitor over a socket pair (no path, nothing on disk, no race), watched
 * through one fd. Its words go to a log file, the serial console to another;
 * both are quoted when it ends unasked. Used by one thread.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "builder/qemu/qmp.h"
#include "core/journal.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct tpm;

struct guest_spec {
	const struct strv *argv; /* the monitor is added */
	const char *temp_dir;    /* for the log; must outlive the guest */
	const char *console;     /* file of the serial console; NULL: not ours */
	bool own_pvpanic;        /* a pvpanic device is there only to tell us */
	struct tpm *tpm;         /* outlives the guest; NULL: none */
	const char *cwd;         /* directory to run in; NULL: ours */
	struct journal *journal;
	char *const *environ;
};

/*
 * Returns when the machine is set up and runs. ERROR_EXISTS: a port that it
 * should listen on is taken, try another one. ERROR_NOT_FOUND: there is no such
 * program (the hint names the package). On failure nothing is left.
 */
struct guest *guest_start(const struct guest_spec *spec, struct cancel *c, struct error **err);

/* Readable when something happened that guest_check() should look at. */
int guest_watch_fd(const struct guest *g);
/*
 * 0: all is well (only chatter of the monitor). -1: it ended by itself, lost
 * its TPM, is stuck for lack of disk space or its kernel panicked; ERROR_GONE with its words, the
 * console in the hint. `connected`: somebody inside will notice a proper power-off by the lost
 * connection, so that one is reported only after a moment.
 */
int guest_check(struct guest *g, bool connected, struct error **err);

/* After a command failed since the monitor was closed: replaces *err with how QEMU ended, if it
 * did. Returns -1. */
int guest_explain(struct guest *g, struct error **err);

/* From here on an end is what we want: the watched fd stays silent. */
void guest_expect_end(struct guest *g);
MUST_CHECK int guest_press_power(struct guest *g, struct cancel *c, struct error **err);
/* Until the process has ended by itself; an unclean end is an error, a panic too. */
MUST_CHECK int guest_wait_end(struct guest *g, int64_t deadline, struct cancel *c,
			      struct error **err);
bool guest_has_ended(struct guest *g);

struct qmp *guest_monitor(struct guest *g);
/* Appends the last lines of the serial console, without control sequences. */
void guest_console_tail(struct guest *g, struct strbuf *ret);
/* Files that the emulator and the serial console write; the latter may be NULL. */
const char *guest_log(const struct guest *g);
const char *guest_console(const struct guest *g);
/* Commands are about to be given while the build's token watches the guest, which would read their
 * answers: it looks away from the monitor. false: no more. */
MUST_CHECK int guest_talk(struct guest *g, bool on, struct error **err);
/*
 * The machine's state is about to be written or read (QMP's migrate, migrate-incoming, with the
 * capability "events"); until that is over. ERROR_REMOTE: QEMU gave up; ERROR_DISCONNECTED: it
 * is ending.
 */
void guest_expect_move(struct guest *g);
MUST_CHECK int guest_wait_move(struct guest *g, int64_t deadline, struct cancel *c,
			       struct error **err);
/* Ends it (asked first, then made to) and frees; NULL is fine. */
void guest_stop(struct guest *g);
DEFINE_AUTO(guest, struct guest *, guest_stop);

/* Is the binary there? Else ERROR_NOT_FOUND with its package in the hint. */
MUST_CHECK int guest_find_binary(const char *binary, struct error **err);
