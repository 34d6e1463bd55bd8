/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user has set for Ansible: the environment, and below it the one
 * ansible.cfg that counts. We add to some settings and give others a default,
 * but only where the user has said nothing.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"

#include <stdbool.h>

struct settings {
	const struct strv *env; /* borrowed: of the program that will run */
	char *path;             /* of the ansible.cfg; NULL: there is none */
	struct map values;      /* "section.key" -> char * */
};
#define SETTINGS_INIT                                                                              \
	{                                                                                          \
		.values = MAP_INIT(free)                                                           \
	}
void settings_release(struct settings *s);
static inline void auto_settings(struct settings *s)
{
	settings_release(s);
}

/* `cwd` is where Ansible will run. */
MUST_CHECK int settings_load(struct settings *s, const struct strv *env, const char *cwd,
			     struct error **err);

/* One setting: names of variables, then of "section.key"; both end with NULL. */
struct setting {
	const char *variables[3];
	const char *keys[4];
};
extern const struct setting setting_ssh_args, setting_pipelining, setting_control_path,
	setting_transfer, setting_roles_path, setting_collections_path, setting_color;

/* Borrowed; NULL: not set. */
const char *settings_get(const struct settings *s, const struct setting *which);
/* A list of folders as Ansible reads it, made absolute and separated by colons; heap. `fallback`
 * when not set. */
char *settings_paths(const struct settings *s, const struct setting *which, const char *fallback,
		     const char *cwd);

/* Replaces or adds; does not touch one that is there. */
void env_put(struct strv *env, const char *name, const char *value);
void env_default(struct strv *env, const char *name, const char *value);
