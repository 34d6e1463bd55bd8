/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pull or a push says, made short: an image of thirty layers is told
 * about in some two hundred lines, of which only a few are not about a layer.
 * These are shown; the others move a progress bar.
 */
#pragma once

#include "comm/docker/client.h"

/* Runs a pull or a push. `what` is on the progress bar: "pulling". */
MUST_CHECK int docker_transfer(const struct docker_client *client, const struct strv *argv,
			       const char *what, struct error **err);

/* Does a line tell the state of a layer? Then *ret_id is who it is, *ret_done whether that was the last
 * of it. */
bool docker_layer_line(const char *line, struct str *ret_id, bool *ret_done);
