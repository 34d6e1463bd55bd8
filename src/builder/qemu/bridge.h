/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest on a bridge of the host (net_bridge) instead of QEMU's own network:
 * what the host is called there, a network card that no other guest of ours
 * has at the same time, and the address that the guest gets from whoever gives
 * addresses on that network.
 */
#pragma once

#include "builder/qemu/config.h"
#include "builder/qemu/guest.h"
#include "core/component.h"
#include "os/neighbour.h"

struct bridge {
	struct interface host;
	struct neighbours *neighbours; /* NULL: the guest is on no bridge */
	char *mac;                     /* for the card; NULL: QEMU's own */
	int mac_lock;
	char *guest_address; /* set by bridge_wait() */
};
#define BRIDGE_INIT .mac_lock = -1

/* Is there such a bridge, with an address? */
MUST_CHECK int bridge_check(const char *name, struct interface *ret, struct error **err);

/* Before the guest starts. Does nothing when the template names no bridge. */
MUST_CHECK int bridge_open(struct bridge *b, const struct qemu_config *c, struct build_ctx *ctx,
			   struct error **err);
/* Until the guest has an address; the time that its communicator has for becoming available. */
MUST_CHECK int bridge_wait(struct bridge *b, const struct qemu_config *c, struct guest *guest,
			   struct build_ctx *ctx, struct error **err);
void bridge_release(struct bridge *b);
