/* SPDX-License-Identifier: Apache-2.0 */
/* A person's shell in a container, or a command of theirs. */
#pragma once

#include "comm/docker/client.h"
#include "comm/docker/docker.h"

/* comm_ops.shell, but that *ret_status may be the client's own. */
MUST_CHECK int docker_shell(const struct docker_comm_config *cfg,
			    const struct docker_client *client, struct comm_shell *s,
			    struct cancel *c, int *ret_status, struct error **err);
