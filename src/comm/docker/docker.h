/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The communicator `docker`: commands through `exec`, files and folders as one
 * tar stream through `cp` (communicators.md 16). Nothing is needed in the
 * container but /bin/sh.
 */
#pragma once

#include "core/component.h"

/* Of a container that runs; what machine.comm_config points to. */
struct docker_comm_config {
	const char *program;   /* docker or podman */
	const char *container; /* its id */
	const char *exec_user; /* NULL: the image's */
	bool pty;
	bool keep_owner; /* uploads keep the numbers of their owners here: fix_upload_owner = false */
};

extern const struct comm_type comm_docker;
