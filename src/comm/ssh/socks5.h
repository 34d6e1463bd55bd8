/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS5 (RFC 1928, 1929): the proxy resolves the host name. */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdint.h>

struct socks5_options {
	const char *proxy_host;
	int proxy_port;
	const char *user, *password; /* user NULL or "": none */
	const char *host;
	int port;
};
/* *ret_fd: connected through to host:port, non-blocking. */
MUST_CHECK int socks5_connect(const struct socks5_options *o, int64_t deadline, struct cancel *c,
			      int *ret_fd, struct error **err);
