/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a builder makes and the engine works with: something that runs, can be
 * reached through a communicator, gives an artifact in the end and leaves
 * nothing behind. Used on the build's thread.
 */
#pragma once

#include "base/map.h"
#include "base/strv.h"
#include "core/artifact.h"
#include "core/comm.h"

struct build_ctx;
struct machine;

/*
 * What is left to be done for a checkpoint when the machine goes on. It touches nothing of the machine: the
 * engine has it done on another thread. After `finish` the files are complete; `release` is called on the
 * build's thread, in any case, and frees it.
 */
struct checkpoint_rest {
	int (*finish)(struct checkpoint_rest *rest, struct cancel *c, struct error **err);
	void (*release)(struct checkpoint_rest *rest, struct build_ctx *ctx);
};

/* To be made by machine_ops.checkpoint, or to start from. Files are 0600. */
struct checkpoint {
	const char *dir;    /* of the entry; being made: where its files go */
	struct strv layers; /* names of the disk layers in the store, oldest first; made: filled */
	struct checkpoint_rest *rest; /* made: NULL: it is complete */
	bool disk_only;               /* memory holds a secret: it must not be kept */
	bool boot_only;               /* start(): do not load the memory, boot the disk */
	bool has_memory; /* start(), boot(): set when the machine goes on with its memory */
};

struct machine_ops {
	/* The second half of the builder's start(), if that only makes the object: brings the
	 * machine up, so that what is there when it fails can be looked at before destroy(). NULL:
	 * it is up already. */
	int (*boot)(struct machine *m, struct build_ctx *ctx, struct error **err);
	/* Shut down, export, compact. The engine calls destroy() afterwards in any case. May be
	 * called again after a failure (-on-error=ask). */
	int (*finish)(struct machine *m, struct build_ctx *ctx, struct artifact **ret,
		      struct error **err);
	/* Leaves nothing behind; idempotent; ctx->cancel has a deadline of its own. With
	 * `keep_output` false what the build wrote is removed too. Frees m. */
	void (*destroy)(struct machine *m, struct build_ctx *ctx, bool keep_output);
	/* Why watch_fd became readable: sets ERROR_GONE with what is known (stderr, console
	 * tail in the hint). Matches cancel_reason_fn. */
	int (*why_ended)(void *machine, struct error **err);
	/* Instead of destroy(), where the user wants it as it is: what is not needed for that goes.
	 * Frees m. NULL: it goes on as it is. */
	void (*leave)(struct machine *m, struct build_ctx *ctx);
	/* Last lines of the serial console, for error messages; NULL: none. */
	void (*console_tail)(struct machine *m, struct strbuf *ret);
	/* Writes what explains a failure to the existing directory: logs (filtered), a picture of
	 * the screen. Also when the machine has ended by itself. NULL: there is nothing. */
	int (*evidence)(struct machine *m, struct build_ctx *ctx, const char *dir,
			struct error **err);
	/*
	 * Keeps the present state so that start() can continue from it; NULL: cannot. The machine
	 * goes on in any case: after an error only this checkpoint is lost.
	 */
	int (*checkpoint)(struct machine *m, struct build_ctx *ctx, struct checkpoint *cp,
			  struct error **err);
	/* After a start with the memory of a checkpoint, once the communicator is connected: sets the
	 * clock and what else stood still. ERROR_AUTH: it may not; the disk has to be booted. */
	int (*resumed)(struct machine *m, struct build_ctx *ctx, struct error **err);
};

struct machine {
	const struct machine_ops *ops;
	int watch_fd;            /* readable when the machine ended by itself; -1: none */
	const char *comm_type;   /* "ssh", "none"; borrowed */
	const void *comm_config; /* as that communicator wants it; borrowed */
	struct comm_target target;
	struct comm *comm; /* borrowed; set by the engine while connected */
	struct comm
		*own_comm;   /* boot() connected it itself: the engine takes it; NULL: it did not */
	bool is_sealed;      /* its builder has ended already: nobody gets in, steps are skipped */
	bool decides_itself; /* on a failure of its own it has asked what to do, and done it */
	bool is_cancelled;   /* set by the engine before destroy(): somebody ended the build */
	int cleanup_seconds; /* how long destroy() may take; 0: the usual time */
	bool swallow_transfers; /* for comm_type none */
	struct map generated;   /* build.* values beyond the usual: name -> struct value * */
};
