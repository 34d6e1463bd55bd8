/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of the qemu builder, for the files that have a part in its life. */
#pragma once

#include "builder/qemu/bridge.h"
#include "builder/qemu/disks.h"
#include "builder/qemu/launch.h"
#include "builder/qemu/media.h"
#include "builder/qemu/netwatch.h"
#include "builder/qemu/pages.h"
#include "builder/qemu/saved.h"
#include "comm/login_key.h"

/* The state that later ones are kept as differences to. */
struct kept_memory {
	char *name;    /* its layer; NULL: there is none */
	int fd;        /* itself, a file in memory */
	bool is_stale; /* too much differs by now */
	/* A file in memory that is of no use any more but for its pages: to make them anew takes as long as to
	 * write them. -1: none. Who takes or leaves it exchanges it: a state is completed on a thread of its own. */
	_Atomic int spare_fd;
};

void memory_forget(struct kept_memory *memory);
void memory_drop_spare(struct kept_memory *memory);

struct qemu_machine {
	struct machine machine;
	const struct qemu_config *config;
	struct launch launch;
	struct disks disks;
	struct pages pages;
	struct bridge bridge;
	struct netwatch netwatch;
	char *socket; /* for others' use of the monitor; NULL: none */
	uint64_t socket_id;
	char *source; /* the ISO or disk image */
	struct media media;
	char *console;
	struct flash flash; /* empty: no UEFI */
	char *credential;
	struct login_key key;
	char *output;            /* absolute */
	uint64_t output_id;      /* 0: not ours (yet) */
	struct checkpoint *from; /* to go on from; NULL: from the beginning */
	struct saved saved;      /* what that says, once it is read */
	const char *cannot_save; /* why there are no checkpoints; NULL: there are */
	struct kept_memory memory;
	int64_t synced_at; /* monotonic, ns: when the guest last wrote to its disks all that it had for them */
	struct strv nodes;   /* QEMU's names of what the disks are open as; none: not asked yet */
	unsigned node_count; /* of those that we named */
};

struct image_ctx qemu_image_ctx(const struct build_ctx *ctx);
