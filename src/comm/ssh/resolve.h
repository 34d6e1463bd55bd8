/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names to addresses. The system's resolver cannot be interrupted and may
 * take tens of seconds, so it runs on a thread of its own that is left behind
 * when the caller gives up; numeric addresses never start one.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"
#include "os/cancel.h"

#include <stdint.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};
VEC_DECLARE(address_list, struct address);

/* At least one address in *ret (appended), in the resolver's order of preference. */
MUST_CHECK int resolve_host(const char *host, int port, int64_t deadline, struct cancel *c,
			    struct address_list *ret, struct error **err);
