/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins as components of ours (docs/internals/plugins.md): finds them when a
 * template asks for something that is not built in, gives each a row like
 * those of built-in ones, and keeps the processes that prepared a block until
 * it is run. Rows are made on the main thread, while the template is loaded
 * and planned; the processes belong to whoever takes them.
 */
#pragma once

#include "config/config.h"
#include "core/component.h"
#include "os/host.h"

struct plugin_host;

struct plugin_host_options {
	const struct components *builtins;
	const struct host_dirs *dirs;
	host_env_fn getenv;
	char *const *environ;
	const char *run_uuid;
	const char *template_path; /* as given; NULL: none */
	const char *program;       /* what it is called, for people */
	bool releases_only;
	/* Ends what is waited for while there is no build. Told before the first process starts: from
	 * then on it is no way to end the program to let it die; or NULL. */
	struct cancel *cancel;
	void (*starting)(void *data);
	void *starting_data;
};
/* What the options point to outlives it. */
struct plugin_host *plugin_host_new(const struct plugin_host_options *o);
/* Ends all processes that nobody has taken. */
void plugin_host_free(struct plugin_host *h);
DEFINE_AUTO(plugin_host, struct plugin_host *, plugin_host_free);

/* The built-in ones and those of plugins; lives as long as the host. */
const struct components *plugin_host_components(struct plugin_host *h);
/* What a template requires, once that is known. Those that are missing are diagnostics. */
void plugin_host_require(struct plugin_host *h, const struct config *c, struct diags *diags);
