/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that goes on from a checkpoint. */
#pragma once

#include "core/component.h"

struct guest;
struct qemu_machine;

/* Reads what the checkpoint says and takes its chains over. ERROR_INVALID: it is of no use. */
MUST_CHECK int resume_open(struct qemu_machine *m, struct error **err);
/* The key that the guest knows. */
MUST_CHECK int resume_key(struct qemu_machine *m, struct error **err);
bool resume_wants_memory(const struct qemu_machine *m);
/* May its disks be booted? ERROR_INVALID: not without its memory. */
MUST_CHECK int resume_check_disks(const struct qemu_machine *m, struct error **err);
/* Into a guest that waits for it; then it runs. After a failure it is of no use. */
MUST_CHECK int resume_memory(struct qemu_machine *m, struct build_ctx *ctx, struct error **err);
/* The same without a look at whether it is of such a machine. *ret_first: the whole state that it was kept as
 * a difference to, or it itself. */
struct saved;
MUST_CHECK int resume_load(struct guest *g, const struct saved *s, struct build_ctx *ctx,
			   int *ret_first, struct error **err);
/* Clock and random numbers of a guest that stood still; the password is for sudo, or NULL. ERROR_AUTH:
 * it may not. */
MUST_CHECK int resume_put_right(struct comm *comm, const char *password, struct cancel *c,
				struct error **err);
/* machine_ops.resumed: the same. */
int qemu_resumed(struct machine *machine, struct build_ctx *ctx, struct error **err);
