/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished image on trial: booted on a throw-away overlay, so that not a
 * byte of it changes, with ports of the guest forwarded and its serial console
 * in a file. Everything that is made is in the journal and gone afterwards.
 */
#pragma once

#include "base/vec.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/image.h"
#include "os/host.h"
#include "os/port.h"

struct trial_forward {
	int host, guest; /* host 0: a free one, filled in by trial_start() */
};
VEC_DECLARE(trial_forwards, struct trial_forward);

VEC_DECLARE(port_list, struct port_reservation);

struct trial_spec {
	const char *image;
	const char *binary; /* "qemu-system-x86_64" */
	int64_t memory;     /* MiB */
	int64_t cpus;
	bool uefi;
	const char *accelerator; /* NULL: found out */
	const char *console;     /* NULL: below temp_dir */
	const char *credential;  /* value of -smbios, or NULL */
	struct trial_forwards *forwards;
	const char *temp_dir; /* exists, journaled by the caller */
	const struct host_dirs *dirs;
	struct journal *journal;
	char *const *environ;
	const char *cwd;
};

struct trial {
	struct guest *guest;
	struct image_info info; /* of the image */
	char *console;
	const char *accel;
	char *why_slow; /* why there is no hardware acceleration; NULL: there is, or tcg was asked for */
	struct port_list ports;
};

/* The spec must outlive the call only. On failure *ret is released. */
MUST_CHECK int trial_start(struct trial *ret, const struct trial_spec *spec, struct cancel *c,
			   struct error **err);
/* Throws the guest away; safe on a zeroed one. */
void trial_release(struct trial *t);

/*
 * Until an SSH server answers on a forwarded port: with a banner, not just an
 * open port, which the emulator offers long before the guest does.
 */
MUST_CHECK int trial_wait_ssh(struct trial *t, int port, int64_t deadline, struct cancel *c,
			      struct error **err);
