/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command whose input comes while it runs on a communicator that takes
 * descriptors for that (comm_ops.shell): pipes in between, emptied and filled
 * while the communicator waits.
 */
#pragma once

#include "core/comm.h"
#include "plugin/wire/mux.h"

struct bridge {
	struct stream *in;
	comm_output_fn out;
	void *data;
};
MUST_CHECK int bridge_run(const struct bridge *b, struct comm *comm, const char *command,
			  struct cancel *c, int *ret_status, struct error **err);
