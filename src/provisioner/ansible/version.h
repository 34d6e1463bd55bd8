/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Ansible is installed. Its `--version` takes a third of a second, so the
 * answer is kept in the cache for a day, or until the program is replaced.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>

struct ansible_version {
	int major, minor;
	char *modules; /* folder of its Python package; NULL: it did not tell */
};
void ansible_version_release(struct ansible_version *v);
static inline void auto_ansible_version(struct ansible_version *v)
{
	ansible_version_release(v);
}

/* `env`: of the program, NULL: our own. `cache_dir` NULL: nothing is kept. */
MUST_CHECK int ansible_version_ask(const char *command, char *const *env, const char *cache_dir,
				   struct cancel *c, struct ansible_version *ret,
				   struct error **err);
/* From the program's answer. */
MUST_CHECK int ansible_version_parse(const char *output, struct ansible_version *ret,
				     struct error **err);
/* What to do when the program is not there. Returns -1. */
int ansible_explain_missing(const char *command, const char *option, struct error **err);
