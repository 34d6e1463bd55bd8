/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a prepared configuration and disks to a running guest: ports that are
 * reserved and, if somebody else takes one in between, tried again; the
 * acceleration that works here; the command line.
 */
#pragma once

#include "builder/qemu/argv.h"
#include "builder/qemu/config.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/tpm.h"
#include "core/component.h"
#include "os/port.h"

struct launch {
	const struct qemu_config *config;
	const struct strv *disks;
	const char *iso;                   /* NULL: none */
	const char *floppy;                /* so too */
	const char *cd;                    /* made from files, or NULL */
	const struct flash *flash;         /* NULL: no UEFI */
	const char *console;               /* file for the serial console */
	const char *credential;            /* value of -smbios, or NULL */
	const char *host_address;          /* of this host, as the guest sees it */
	const char *mac;                   /* of the guest's card; NULL: QEMU's choice */
	int http_port;                     /* 0: nothing is served */
	bool layered, installed, incoming; /* as in struct qemu_argv */
	const char *tpm_from;              /* directory of a checkpoint; NULL: a new TPM */

	/* set by launch() */
	struct guest *guest;
	struct tpm *tpm; /* NULL: none */
	const char *accel;
	struct port_reservation comm_port, vnc_port; /* lock_fd -1: none */
	struct qemu_argv_facts facts;
};
#define LAUNCH_INIT .comm_port = { .lock_fd = -1 }, .vnc_port = { .lock_fd = -1 }

/* On failure the guest is gone; ports are given back by launch_release(). */
MUST_CHECK int launch(struct launch *l, struct build_ctx *ctx, struct error **err);
/* The command line of a launched guest, with `@{name}` for what differs from run to run
 * (docs/internals/qemu.md). */
MUST_CHECK int launch_describe(const struct launch *l, struct build_ctx *ctx, struct strv *ret,
			       struct error **err);
/* Stops the guest if it runs, gives the ports back. */
void launch_release(struct launch *l);

/* accel_choose() in this build. */
struct accel_choice;
MUST_CHECK int launch_choose_accel(struct build_ctx *ctx, const char *binary, const char *wanted,
				   struct accel_choice *ret, struct error **err);
/* ERROR_EXISTS of port_reserve() with what to do about it. */
MUST_CHECK int launch_reserve_port(const struct host_dirs *dirs, const char *address, int min,
				   int max, struct port_reservation *ret, struct error **err);
