/* SPDX-License-Identifier: Apache-2.0 */
/* What decides a run of Ansible beyond its options: files of the playbook, and what is outside. */
#pragma once

#include "provisioner/ansible/ansible.h"

/* As in struct provisioner_type. */
MUST_CHECK int ansible_local_files(const void *config, struct strv *ret, struct error **err);
const char *ansible_barrier(const void *config, bool declared);
