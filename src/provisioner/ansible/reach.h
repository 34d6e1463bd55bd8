/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How Ansible gets to the machine: straight over SSH or into a container where
 * that is as good as our own way, otherwise through the SSH proxy, behind which
 * is whatever communicator there is.
 */
#pragma once

#include "comm/proxy/proxy.h"
#include "core/route.h"
#include "provisioner/ansible/inventory.h"
#include "provisioner/ansible/settings.h"
#include "provisioner/ansible/ssh_files.h"

struct reach {
	struct inventory_host host; /* texts are borrowed from here and from the configuration */
	struct comm_route route;
	struct ssh_files ssh; /* no config: OpenSSH takes no part */
	struct proxy *proxy;  /* NULL: straight */
	char *text;           /* heap, for `host` */
	const char *password; /* of WinRM; borrowed from the build's values */
};
void reach_close(struct reach *r);
static inline void auto_reach(struct reach *r)
{
	reach_close(r);
}

struct reach_options {
	const struct ansible_config *config;
	struct provision_ctx *ctx;
	const struct settings *settings;
	const char *dir; /* ours alone */
	const char
		*sockets; /* for those of connections that stay; NULL: wherever Ansible has them */
};
MUST_CHECK int reach_open(const struct reach_options *o, struct reach *ret, struct error **err);
/* What Ansible needs of it in its environment. */
void reach_export(const struct reach *r, const struct reach_options *o, struct strv *env);
