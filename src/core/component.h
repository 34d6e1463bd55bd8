/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What builders, provisioners, post-processors and data sources are to the engine: a row
 * of functions and a schema table. The engine owns the loop; components answer
 * small questions (design: builders make machines). The list of built-in ones
 * is src/components.c; core/ never names one.
 */
#pragma once

#include "base/digest.h"
#include "base/strv.h"
#include "core/artifact.h"
#include "core/comm.h"
#include "core/event.h"
#include "core/journal.h"
#include "os/cancel.h"
#include "os/host.h"
#include "schema/schema.h"

/* What every component knows of the build it belongs to (language.md 18.7). */
struct component_info {
	const char *build_name;   /* "T.LOCAL", as shown */
	const char *source_name;  /* packer_build_name: the declared source name */
	const char *builder_type; /* packer_builder_type */
	bool debug, force;
	const char *on_error; /* "cleanup", "abort", … */
	/* What stands where the output goes may be what this build would make: that is looked at
	 * when it runs, not by prepare(). */
	bool may_be_done;
	/* For texts that are rendered while the build runs. */
	struct value *user_variables; /* object for {{ user `X` }}; NULL: none */
	const struct func_world *world;
};

/* For prepare(): is the configuration right? Looks at files, changes nothing. */
struct prepare_ctx {
	const struct component_info *info;
	const struct decoded *decoded; /* ranges for diagnostics: decoded_range(decoded, "attr") */
	struct arena *arena;           /* of the configuration: for derived members */
	const struct host_dirs *dirs;
	const char *cwd;
};

/* For everything that acts. One per build, used on the build's thread. */
struct build_ctx {
	const struct component_info *info;
	struct ui *ui;
	struct cancel *cancel; /* ends with the build: user, time-out, death of the machine */
	struct journal *journal;
	const struct host_dirs *dirs;
	const char *cwd;
	const char *temp_dir;      /* of this build; exists, journaled, removed at its end */
	const char *run_uuid;      /* PACKER_RUN_UUID */
	int64_t source_date_epoch; /* from the environment, -1: unset */
	/* For fingerprint(): nothing may be fetched or made. ERROR_NOT_FOUND where that is needed. */
	bool look_only;
	char *const *environ; /* of the program; children get this plus what they need */
	/* Steps are kept and reused: disks of a machine that can checkpoint are layers in it. NULL:
	 * they are not. */
	struct store *store;
	const char *start_key; /* with a store: of the state before the first provisioner */
};

/* ---- machines -------------------------------------------------------------- */

struct machine;

/* To be made by machine_ops.checkpoint, or to start from. Files are 0600. */
struct checkpoint {
	const char *dir;    /* of the entry; being made: where its files go */
	struct strv layers; /* names of the disk layers in the store, oldest first; made: filled */
	bool disk_only;     /* memory holds a secret: it must not be kept */
	bool boot_only;     /* start(): do not load the memory, boot the disk */
	bool has_memory;    /* start(), boot(): set when the machine goes on with its memory */
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
	struct comm *comm;      /* borrowed; set by the engine while connected */
	bool swallow_transfers; /* for comm_type none */
	struct map generated;   /* build.* values beyond the usual: name -> struct value * */
};

struct builder_type {
	const char *name;
	const char *doc;
	const struct schema *schema;
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	/* What decides the state of the machine before the first provisioner, in fields that are
	 * named for people. NULL: it has no machine of its own. */
	int (*fingerprint)(const void *config, struct build_ctx *ctx, struct digest *d,
			   struct error **err);
	/* `from`: a checkpoint to resume, or NULL; it outlives the machine. On failure nothing is
	 * left behind. What takes long or shows something when it fails belongs into
	 * machine_ops.boot. ERROR_INVALID from either: this checkpoint is of no use. */
	struct machine *(*start)(const void *config, struct build_ctx *ctx, struct checkpoint *from,
				 struct error **err);
	/* build.* values that the configuration decides, before there is a machine (name -> struct
	 * value *); NULL: none. */
	void (*known)(const void *config, struct map *values);
	/* Names of further build.* values, for placeholders; NULL-terminated or NULL. */
	const char *const *generated_names;
	/* What people know start() and finish() as, in questions and messages of -debug and
	 * -on-error: names of the reference's steps. NULL: nothing worth a pause. */
	const char *start_step, *finish_step;
	bool checkpoints; /* its machines can (machine_ops.checkpoint) */
};

/* ---- provisioners ---------------------------------------------------------- */

struct provision_ctx {
	struct build_ctx *build;
	struct comm *comm;
	struct value *generated; /* object: build.* values, also template data (`{{ .Host }}`) */
};

struct provisioner_type {
	const char *name;
	const char *doc;
	const struct schema *schema;
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	int (*run)(const void *config, struct provision_ctx *ctx, struct error **err);
	/* Local files whose content decides what the step does. */
	int (*local_files)(const void *config, struct strv *ret, struct error **err);
	/* Why the state after it is never reused, in words, NULL: it may be. `declared`: the
	 * template says with cache_inputs what it reads. NULL: nothing stands against it. */
	const char *(*barrier)(const void *config, bool declared);
	bool gets_build_name; /* its scripts are told PACKER_BUILD_NAME and PACKER_BUILDER_TYPE */
};

/* ---- post-processors ------------------------------------------------------- */

struct postproc_result {
	struct artifact *artifact; /* owned reference; NULL ends the chain silently */
	bool keep;                 /* the component's default for keeping its input */
	bool force_keep;           /* keep_input_artifact = false is ignored */
};

struct postproc_type {
	const char *name;
	const char *doc;
	const struct schema *schema;
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	int (*run)(const void *config, struct build_ctx *ctx, struct artifact *input,
		   struct postproc_result *ret, struct error **err);
	const char *never_reused; /* why it runs each time, in words; NULL: it need not */
};

/* ---- data sources ---------------------------------------------------------- */

/* While the template is loaded: before there are builds. */
struct datasource_ctx {
	struct cancel *cancel;
	const struct host_dirs *dirs;
	const char *cwd;
	const char *(*getenv)(const char *name);
};

struct datasource_output {
	const char *name;
	struct type *const *type; /* &type_string …; NULL: map of string */
	const char *doc;
};

struct datasource_type {
	const char *name;
	const char *doc;
	const struct schema *schema;
	const struct datasource_output *outputs; /* name NULL ends */
	/* ctx->info is NULL. */
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	/* An object with exactly the outputs. */
	struct value *(*read)(const void *config, const struct datasource_ctx *ctx,
			      struct error **err);
};

/* ---- the list ---------------------------------------------------------------- */

/* Arrays are sorted by name and end with NULL. */
struct components {
	const struct builder_type *const *builders;
	const struct provisioner_type *const *provisioners;
	const struct postproc_type *const *postprocs;
	const struct comm_type *const *comms;
	const struct datasource_type *const *datasources;
};
const struct builder_type *components_builder(const struct components *c, const char *name);
const struct provisioner_type *components_provisioner(const struct components *c, const char *name);
const struct postproc_type *components_postproc(const struct components *c, const char *name);
const struct comm_type *components_comm(const struct components *c, const char *name);
const struct datasource_type *components_datasource(const struct components *c, const char *name);

extern const struct components builtin_components; /* src/components.c */
