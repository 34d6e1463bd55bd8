/* SPDX-License-Identifier: Apache-2.0 */
/* The communicator of a builder plugin, as ours are (plugin-protocol.md 6.8). */
#pragma once

#include "core/comm.h"
#include "plugin/host/instance.h"

/* Dials `id`; keeps the instance until it is closed. Waits are with tokens of the caller, who sees to
 * it that they watch the instance. */
MUST_CHECK struct comm *plugin_comm_new(struct instance *in, uint32_t id, struct cancel *c,
					struct error **err);
bool plugin_comm_is(const struct comm *m);
/* The plugin waits for the end of this connection before it goes on. */
void plugin_comm_hang_up(struct comm *m);
/* Values of build.* as the builder told them, for provisioners of plugins. */
void plugin_comm_keep_generated(struct comm *m, const struct packed *data);
const struct strbuf *plugin_comm_generated(const struct comm *m);
