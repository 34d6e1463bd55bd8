/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of comm/ssh: the way of a connection, told to others (core/route.h). */
#pragma once

#include "comm/ssh/dial.h"
#include "core/route.h"

/* `l`: the connection that was made that way; it knows the host key. */
MUST_CHECK int sshroute_describe(const struct dialer *d, const struct sshlink *l,
				 struct comm_route *ret, struct error **err);
