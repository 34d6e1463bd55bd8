/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command whose input comes while it runs (comm_cmd.source) on any
 * communicator: on one that does not heed it but takes descriptors
 * (comm_ops.shell) with pipes in between, emptied and filled while it waits.
 */
#pragma once

#include "core/comm.h"

/* As comm_ops.exec. On a communicator that has no way for it the command gets no input. */
MUST_CHECK int bridge_exec(struct comm *comm, const struct comm_cmd *cmd, struct cancel *c,
			   int *ret_status, struct error **err);
