/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plugin serves which component of templates (plugin-protocol.md 1.4).
 * A component goes by ACCESSOR-NAME, or ACCESSOR alone when it is the main one
 * of its plugin. Who is first has the name:
 *
 *   1. plugins that the template requires
 *   2. what is built in: plugin_registry_find() gives NULL for it
 *   3. plugins that happen to be installed
 *
 * An entry with prefers_builtin stands behind what is built in, yet before the
 * rest. All required plugins are added before any other. Filled by one thread,
 * then read by many.
 */
#pragma once

#include "core/component.h"
#include "plugin/find.h"

struct plugin_component {
	char *key;  /* in templates: "amazon-ebs" */
	char *name; /* as in `describe`, for the plugin */
	enum component_kind kind;
	const struct plugin_binary *binary;   /* the registry's */
	const struct config_plugin *required; /* entry of required_plugins; NULL: found by chance */
};

struct plugin_registry;

/* Of `builtins` only the lists count. All three are borrowed for as long as the registry lives. */
struct plugin_registry *plugin_registry_new(const struct components *builtins);
void plugin_registry_free(struct plugin_registry *r);
DEFINE_AUTO(plugin_registry, struct plugin_registry *, plugin_registry_free);
void plugin_registry_add_required(struct plugin_registry *r, const struct config_plugin *entry,
				  struct plugin_binary *binary_take);
/* Goes by the name in its file name. One that is required in another version serves in that. */
void plugin_registry_add_found(struct plugin_registry *r, struct plugin_binary *binary_take);

/* NULL: none of a plugin; what is built in may have the name. */
const struct plugin_component *plugin_registry_find(const struct plugin_registry *r,
						    enum component_kind kind, const char *key);
/* The keys of a kind, in order of registration; appended. */
void plugin_registry_names(const struct plugin_registry *r, enum component_kind kind,
			   struct strv *ret);
/* Is there a component of any kind that a plugin of this name would have, built in? */
bool plugin_is_builtin(const struct components *builtins, const char *accessor);
