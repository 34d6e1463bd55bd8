/* SPDX-License-Identifier: Apache-2.0 */
/* How work of a plugin ends that does not end by itself. */
#pragma once

#include "plugin/host/instance.h"

/* Tells it to stop and gives it a moment for that, which a second interrupt ends; what it still wants is
 * refused. Afterwards the process is of no use any more. */
void plugin_stop(struct instance *in, const char *service, const struct service *s);
/* A plugin that died is not a machine that did: makes it an ordinary failure. Returns -1. `in` may be
 * NULL. */
int plugin_failed(struct instance *in, struct error **err);
