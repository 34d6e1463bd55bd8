/* SPDX-License-Identifier: Apache-2.0 */
/* One container of a build, and what is known of it. */
#pragma once

#include "builder/docker/config.h"
#include "builder/docker/kept.h"
#include "comm/docker/docker.h"
#include "comm/docker/inspect.h"
#include "os/proc.h"

struct docker_machine {
	struct machine machine;
	const struct docker_config *config;
	struct docker_comm_config comm;
	struct docker_facts source; /* the image it was made from */
	struct checkpoint *from;    /* NULL: from the image; borrowed */
	struct kept kept;           /* the same, as read */
	char *variant;              /* the name or id of the image that it is started from */
	struct strv command;        /* rendered run_command */
	int64_t base_size;          /* of the image that it runs on */
	int checkpoints;            /* made so far */
	char *daemon;               /* what the engine calls itself; NULL: not asked yet */
	char *name;                 /* as it is in the journal; NULL: none was begun */
	char *id;                   /* NULL: it may not have been made */
	uint64_t entry;             /* in the journal */
	char *shared;               /* directory for container_dir */
	struct proc wait;           /* `docker wait`: ends with the container */
	uint64_t wait_entry;
	char *ended, *ended_hint; /* why it ended, once that was asked */
	bool committing;          /* a commit was begun whose end is not known */
	char *image, *exported;   /* what finish() made */
};

/* container.c: pull, start, watch. */
MUST_CHECK int container_start(struct docker_machine *m, struct build_ctx *ctx, struct error **err);
/* Ends the watching. */
void container_unwatch(struct docker_machine *m, struct build_ctx *ctx);
/* Matches cancel_reason_fn, for the descriptor that container_start() left in machine.watch_fd. */
int container_why_ended(void *machine, struct error **err);
/* Removes it, whatever its state. */
MUST_CHECK int container_remove(struct docker_machine *m, struct build_ctx *ctx,
				struct error **err);
/* checkpoint.c: matches machine_ops.checkpoint. */
MUST_CHECK int container_checkpoint(struct machine *machine, struct build_ctx *ctx,
				    struct checkpoint *cp, struct error **err);
/* orphan.c: the image of a commit that was cut short, once the daemon has it; heap, or NULL. */
char *container_find_orphan(const struct docker_machine *m, struct build_ctx *ctx);
