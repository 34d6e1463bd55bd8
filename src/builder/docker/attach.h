/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container of a kept step once more, for somebody who wants to look around in it: without its template, and
 * without the volumes that it had. It is removed afterwards; what was kept does not change.
 */
#pragma once

#include "builder/docker/kept.h"
#include "comm/docker/docker.h"

struct attach_container {
	struct kept kept;
	struct docker_comm_config comm; /* borrows from here */
	struct strv env;                /* where the engine is found */
	char *name;
	uint64_t entry; /* in the journal; 0: there is none */
};
#define ATTACH_CONTAINER_INIT                                                                      \
	{                                                                                          \
		.kept = KEPT_INIT, .env = STRV_INIT                                                \
	}

/* `dir`: of an entry that the caller holds. Sets ctx->environ. ERROR_INVALID: it can never be used. */
MUST_CHECK int attach_container_start(struct attach_container *a, const char *dir,
				      struct build_ctx *ctx, struct error **err);
MUST_CHECK int attach_container_end(struct attach_container *a, struct build_ctx *ctx,
				    struct error **err);
