/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM for one guest: swtpm(8), started under the journal and connected to the
 * emulator by a socket pair. So there is no path that may be too long, and
 * nothing to wait for: what the emulator says first lies in the socket until
 * swtpm reads it. Its state is a directory that goes with it.
 */
#pragma once

#include "base/strbuf.h"
#include "core/journal.h"

#include <stdbool.h>

struct tpm;

struct tpm_spec {
	bool version_1; /* TPM 1.2 */
	const char *temp_dir;
	const char *from, *from_prefix; /* where tpm_keep() put its state; NULL: a new one */
	struct journal *journal;
	char *const *environ;
};

/* Is swtpm there? Else ERROR_NOT_FOUND with its package in the hint. */
MUST_CHECK int tpm_find_binary(struct error **err);

struct tpm *tpm_start(const struct tpm_spec *spec, struct error **err);
/* Ends it and removes its state; NULL is fine. */
void tpm_stop(struct tpm *t);

/* The emulator's end of the connection, for `-chardev socket,fd=…`. */
int tpm_fd(const struct tpm *t);
/* The emulator has it now; when it ends, so does swtpm. */
void tpm_close_fd(struct tpm *t);

/* Copies its state, of a guest that stands still, to files whose names begin with `prefix`. */
struct cancel;
MUST_CHECK int tpm_keep(const struct tpm *t, const char *dir, const char *prefix, struct cancel *c,
			struct error **err);

int tpm_watch_fd(const struct tpm *t); /* readable when it has ended */
bool tpm_has_ended(struct tpm *t);
/* Its last words, if any, as a further hint of an error. */
void tpm_hint_words(struct tpm *t, struct error **err);
/* ERROR_GONE with its last words. */
int tpm_say_ended(struct tpm *t, struct error **err);
