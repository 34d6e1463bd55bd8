/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/ansible/ansible.h"

/* struct provisioner_type.run */
MUST_CHECK int ansible_run(const void *config, struct provision_ctx *ctx, struct error **err);
