/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of Ansible, each in a process group of its own, in the journal while they run. */
#pragma once

#include "comm/proxy/proxy.h"
#include "core/component.h"
#include "provisioner/ansible/watch.h"

struct child {
	struct build_ctx *build;
	const struct strv *env;
	struct proxy *proxy; /* serves meanwhile; NULL: none */
	struct watch *watch; /* sees the output */
};
MUST_CHECK int child_run(const struct child *c, const struct strv *argv, int *ret_status,
			 struct error **err);
/* Connections that OpenSSH keeps open, by their sockets in `dir`. */
void child_end_masters(const struct child *c, const char *dir);
