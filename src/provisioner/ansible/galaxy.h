/* SPDX-License-Identifier: Apache-2.0 */
/* Files of requirements for ansible-galaxy. */
#pragma once

#include "provisioner/ansible/ansible.h"

/* Whether it names roles, collections or both. */
struct galaxy_needs {
	bool roles, collections;
};
MUST_CHECK int galaxy_read(const char *path, struct galaxy_needs *ret, struct error **err);
/* Arguments of one installation. */
void galaxy_argv(const struct ansible_config *c, bool collections, struct strv *argv);
/* What comes from elsewhere without saying which version may be another one next time. */
bool galaxy_is_fixed(const char *text);
