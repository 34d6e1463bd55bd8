/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hosts on the way to a machine, as ssh_bastion_host names them:
 * `[USER@]HOST[:PORT]`, several separated by commas, the first one first (as
 * OpenSSH's ProxyJump). An IPv6 address with a port stands in brackets.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"

struct hop {
	char *user; /* NULL: ssh_bastion_username */
	char *host;
	int port; /* 0: ssh_bastion_port */
};
VEC_DECLARE(hop_list, struct hop);

enum { HOPS_MAX = 16 };

/* Appends to *ret; at least one on success. ERROR_INVALID says what is wrong. */
MUST_CHECK int hops_parse(const char *text, struct hop_list *ret, struct error **err);
void hops_release(struct hop_list *l);
static inline void auto_hops(struct hop_list *l)
{
	hops_release(l);
}
