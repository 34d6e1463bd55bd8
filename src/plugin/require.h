/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins that a template requires: which of them are there, and what is wrong with the rest. */
#pragma once

#include "config/config.h"
#include "lang/diag.h"
#include "plugin/find.h"
#include "plugin/get/lock_file.h"
#include "plugin/registry.h"

/* The best installed binary for an entry, or NULL in *ret; then `misses` gets a line for each file
 * that would have been it, and why it is not. Of `base` all but source and constraint counts. */
MUST_CHECK int plugin_require(const struct plugin_query *base, const struct config_plugin *entry,
			      struct cancel *c, struct plugin_binary **ret, struct strv *misses,
			      struct error **err);

struct plugin_demand {
	const struct config_plugin *entries; /* live as long as the registry */
	size_t count;
	const struct components *builtins;
	const char *install; /* what installs them, for people: "ingot init web.pkr.hcl" */
	const struct plugin_lock *lock; /* of the template's folder: these versions and files only;
					 * NULL: whatever satisfies the constraints */
};
/*
 * Adds all that a template requires. One that is missing, or that the lock file
 * does not allow, is a diagnostic at its entry. Instead of a missing one what is
 * built in serves, unless the lock file knows that it was a plugin before. Fails
 * only if the directory cannot be searched.
 */
MUST_CHECK int plugin_require_all(struct plugin_registry *r, const struct plugin_query *base,
				  const struct plugin_demand *demand, struct cancel *c,
				  struct diags *diags, struct error **err);
/* Adds what is installed beyond that, for templates that require nothing of what they use. */
MUST_CHECK int plugin_add_installed(struct plugin_registry *r, const struct plugin_query *base,
				    struct cancel *c, struct error **err);
