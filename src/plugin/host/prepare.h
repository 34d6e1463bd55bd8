/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a plugin the configuration of a block (plugin-protocol.md 9): in
 * layers, again each time that more is known of the build.
 */
#pragma once

#include "plugin/host/type.h"

/* What prepare() of a row does: asks the plugin whether the configuration is right. Its process is
 * kept for plugin_prepared(). */
void plugin_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags);
/* The process that has this configuration; a new one, prepared in the same way, if it is gone. */
MUST_CHECK struct instance *plugin_prepared(const void *config, const struct component_info *info,
					    struct cancel *c, struct error **err);
/* Names of build.* values that a builder says it will give. */
const char *const *plugin_generated_names(const void *config);
