/* SPDX-License-Identifier: Apache-2.0 */
/* The line by which a plugin says where it listens (plugin-protocol.md 2.4), and going there. */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>

enum { HANDSHAKE_MAX = 4096 };

struct handshake {
	bool is_tcp;
	char *text; /* path, or "127.0.0.1:10000" */
};
void handshake_release(struct handshake *a);
static inline void auto_handshake(struct handshake *a)
{
	handshake_release(a);
}

/* Without the newline. Errors go on where "'packer-plugin-x' " ends. */
MUST_CHECK int handshake_parse(const char *line, size_t len, struct handshake *ret,
			       struct error **err);
/* Connects once. */
MUST_CHECK int handshake_connect(const struct handshake *a, int64_t deadline, struct cancel *c,
				 int *ret_fd, struct error **err);
