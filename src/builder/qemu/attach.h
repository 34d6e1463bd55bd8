/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of a checkpoint once more, for somebody who wants to look around in it: without its
 * template, on overlays that are thrown away. Nothing of the checkpoint changes. What the guest
 * had of media that were made for the build alone is gone: those drives are empty.
 */
#pragma once

#include "builder/qemu/flash.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/saved.h"
#include "comm/config.h"
#include "core/component.h"
#include "os/port.h"

struct attach {
	struct saved saved;
	struct guest *guest;
	bool has_memory;         /* it goes on where it stood; else its disk was booted */
	char *why_booted;        /* for people; NULL: it was not, or had no memory to begin with */
	struct comm_config comm; /* how to log in, but for a password */
	struct comm_target target; /* borrows from here */

	char *dir;          /* of the checkpoint */
	struct strv disks;  /* the overlays */
	struct flash flash; /* empty: no UEFI */
	struct tpm *tpm;
	struct port_reservation port;
	char *blank, *console, *accel;
};
#define ATTACH_INIT                                                                                \
	{                                                                                          \
		.saved = SAVED_INIT, .disks = STRV_INIT, .port = {.lock_fd = -1 }                  \
	}

/*
 * `dir`: of an entry of ctx->store, which the caller holds. ctx->temp_dir gets the overlays, and is
 * removed by the caller afterwards. ERROR_INVALID: it can never be used (again), the message says why.
 */
MUST_CHECK int attach_start(struct attach *a, const char *dir, struct build_ctx *ctx,
			    struct error **err);
/* It does not answer: its disk is booted instead, on new overlays. `why` is kept. */
MUST_CHECK int attach_boot(struct attach *a, const char *why, struct build_ctx *ctx,
			   struct error **err);
void attach_release(struct attach *a);
