/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a running machine through its monitor. */
#pragma once

#include "builder/qemu/qmp.h"

/* Where the guest has put the first memory region of a PCI device; 0: nowhere (yet), or there is no
 * such device. */
MUST_CHECK int hardware_pci_region(struct qmp *q, const char *id, struct cancel *c, uint64_t *ret,
				   struct error **err);

/* The address of the network card on a -netdev, "52:54:00:12:34:56" (heap). ERROR_NOT_FOUND: no
 * card is connected to it. */
MUST_CHECK int hardware_mac(struct qmp *q, const char *netdev, struct cancel *c, char **ret,
			    struct error **err);
