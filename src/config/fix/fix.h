/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fix`: brings a legacy template up to date (legacy-json.md 10). One row per
 * rule, in the order in which they are applied.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fixer {
	const char *name;
	const char *synopsis;
	/* "COMPONENTS: OPTION…; …": options that the rule replaces; NULL: none. Components are ids
	 * of plugins, `*` stands for anything. */
	const char *deprecated;
	/* Which builders, provisioners and post-processors are changed, and how: see rows.h. */
	const struct fixer_change *changes;
	bool needs_post_processors; /* does nothing in templates without that list */
};

extern const struct fixer fixers[]; /* name NULL ends */

/* The fixed template as text (heap), or NULL with the message of the command. */
char *fix_template(const char *text, size_t len, struct error **err);

/* Whether `fix` does away with the option of a component, e.g. "packer.docker", "login_email". */
bool fix_is_deprecated(const char *component_id, const char *option);
