/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts that a plugin has made (plugin-protocol.md 6.11). */
#pragma once

#include "core/artifact.h"
#include "plugin/host/instance.h"

/*
 * Asks for all that people and post-processors see of it. The artifact keeps the instance until it is
 * closed; its further state is asked for when it is wanted. Dials `id` at once.
 */
MUST_CHECK struct artifact *plugin_artifact_new(struct instance *in, uint32_t id, struct cancel *c,
						struct error **err);
bool plugin_artifact_is(const struct artifact *a);
/* The state of that name, as it came; in the arena. */
MUST_CHECK int plugin_artifact_state(const struct artifact *a, const char *name,
				     struct arena *arena, const struct packed **ret,
				     struct error **err);
