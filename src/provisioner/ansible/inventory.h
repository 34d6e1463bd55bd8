/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory that is made for a run: the machine, in all its groups. */
#pragma once

#include "base/strbuf.h"
#include "provisioner/ansible/ansible.h"

enum inventory_kind { INVENTORY_SSH, INVENTORY_CONTAINER, INVENTORY_WINRM };

/* The machine as Ansible is to find it. NULL: not said. */
struct inventory_host {
	enum inventory_kind kind;
	bool old_names; /* Ansible 1: ansible_ssh_host */
	const char *host, *user;
	int port;
	const char *connection; /* name of the plugin for a container */
	const char *executable; /* of podman, where it is not the usual one */
	const char *key;        /* private key file */
};

MUST_CHECK int inventory_text(const struct ansible_config *c, const struct inventory_host *h,
			      const struct provision_ctx *ctx, struct strbuf *ret,
			      struct error **err);
