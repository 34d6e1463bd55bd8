/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces of this host. */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct interface {
	int index;
	uint32_t address; /* its first IPv4 address, in host order */
	int prefix;       /* how many bits of it name the network */
	char text[16];    /* the address as text */
};

/* ERROR_NOT_FOUND: there is no such interface, or it has no IPv4 address. */
MUST_CHECK int interface_find(const char *name, struct interface *ret, struct error **err);
