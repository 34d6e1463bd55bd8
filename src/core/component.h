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
#include "core/foreign.h"
#include "core/journal.h"
#include "core/machine.h"
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
	struct value *user_variables; /* object for {{ user `X` }}; NULL: not a legacy template */
	const char *template_path;    /* of a legacy template; "" for standard input */
	struct text_list sensitive;   /* names of sensitive variables */
	const struct func_world *world;
};

/* For prepare(): is the configuration right? Looks at files, changes nothing. */
struct prepare_ctx {
	const struct component_info *info;
	const struct decoded *decoded; /* ranges for diagnostics: decoded_range(decoded, "attr");
					* of a foreign component NULL */
	const void *block;             /* which one of the template it is, to tell it from others */
	/* Names of build.* values that this build has beyond the usual, NULL-terminated, or NULL. */
	const char *const *generated_names;
	struct arena *arena; /* of the configuration: for derived members */
	const struct host_dirs *dirs;
	const char *cwd;
	struct cancel *cancel; /* NULL: nothing ends it */
};

/* Heap texts. */
struct json_t;
struct resolved_start {
	char *id; /* what a name that may come to mean something else stands for: an image's id */
	char *never; /* why no state of this machine is to be reused, in words; NULL: they are */
};
void resolved_start_release(struct resolved_start *r);

/* For everything that acts. One per build, used on the build's thread. */
struct build_ctx {
	const struct component_info *info;
	struct ui *ui;
	struct cancel *cancel; /* ends with the build: user, time-out, death of the machine */
	struct cancel
		*abandon; /* second interrupt: ends what is done when `cancel` has ended; or NULL */
	struct journal *journal;
	const struct host_dirs *dirs;
	const char *cwd;
	const char *temp_dir;      /* of this build; exists, journaled, removed at its end */
	const char *run_uuid;      /* PACKER_RUN_UUID */
	int64_t source_date_epoch; /* from the environment, -1: unset */
	/* For fingerprint(): nothing may be fetched or made. ERROR_NOT_FOUND where that is needed. */
	bool look_only;
	/* What fingerprint() has found outside: once per build, so that all that follows stands by it. */
	struct resolved_start resolved;
	char *const *environ; /* of the program; children get this plus what they need */
	bool color; /* output is shown in colours on a terminal: programs may add theirs */
	/* Steps are kept and reused: disks of a machine that can checkpoint are layers in it. NULL:
	 * they are not. */
	struct store *store;
	const char *start_key; /* with a store: of the state before the first provisioner */
};

/* ---- builders ---------------------------------------------------------------- */

struct builder_type {
	const char *name;
	const char *doc;
	const struct schema *schema;
	const struct foreign *foreign; /* NULL: the table says it all */
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	/* What decides the state of the machine before the first provisioner, in fields that are
	 * named for people. NULL: its steps are never reused, for the reason below. */
	int (*fingerprint)(const void *config, struct build_ctx *ctx, struct digest *d,
			   struct error **err);
	const char *never_reused; /* NULL: it has no machine of its own */
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
	/* The same where only a prepared configuration tells; NULL: generated_names. */
	const char *const *(*generated)(const void *config);
	/* What people know start() and finish() as, in questions and messages of -debug and
	 * -on-error: names of the reference's steps. NULL: nothing worth a pause. */
	const char *start_step, *finish_step;
	bool checkpoints; /* its machines can (machine_ops.checkpoint) */
	/* Of a layer that is kept by somebody else (STORE_AWAY), by its note: why it cannot be had, in
	 * words (heap); NULL: it is there, as far as can be seen. NULL: the store itself has them all. */
	char *(*why_lost)(const void *config, struct build_ctx *ctx, const struct json_t *note);
	/* Of an artifact without files that an earlier build left: is it still there? Then it is made
	 * whole (its destroy). NULL: nobody can tell. */
	bool (*is_there)(const void *config, struct build_ctx *ctx, struct artifact *a);
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
	const struct foreign *foreign;
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	int (*run)(const void *config, struct provision_ctx *ctx, struct error **err);
	/* Local files whose content decides what the step does. */
	int (*local_files)(const void *config, struct strv *ret, struct error **err);
	/* Why the state after it is never reused, in words, NULL: it may be. `declared`: the
	 * template says with cache_inputs what it reads. NULL: nothing stands against it. */
	const char *(*barrier)(const void *config, bool declared);
	const char *program;  /* digest of the program that runs it, hex; NULL: this one */
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
	const struct foreign *foreign;
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	int (*run)(const void *config, struct build_ctx *ctx, struct artifact *input,
		   struct postproc_result *ret, struct error **err);
	const char *program;      /* as of a provisioner */
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
	const struct foreign *foreign;
	const struct datasource_output *outputs; /* name NULL ends */
	/* The type of what read() gives where only a prepared configuration tells; NULL: `outputs`. */
	struct type *(*output_type)(const void *config, const struct datasource_ctx *ctx,
				    struct error **err);
	/* ctx->info is NULL. */
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	/* An object with exactly the outputs. */
	struct value *(*read)(const void *config, const struct datasource_ctx *ctx,
			      struct error **err);
};

/* ---- the list ---------------------------------------------------------------- */

enum component_kind {
	COMPONENT_BUILDER,
	COMPONENT_PROVISIONER,
	COMPONENT_POSTPROC,
	COMPONENT_DATASOURCE
};

/* Further ones than those in the lists, and the question which goes first when both have a name. */
struct component_source {
	/* The row (struct builder_type, …) that is to be used for `name`; NULL: that in the list. */
	const void *(*find)(struct component_source *s, enum component_kind kind, const char *name);
	void (*names)(struct component_source *s, enum component_kind kind, struct strv *ret);
};

/* Arrays are sorted by name and end with NULL. */
struct components {
	struct component_source *source; /* NULL: there is nothing but the lists */
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
/* All there are, sorted; appended. */
void components_names(const struct components *c, enum component_kind kind, struct strv *ret);

extern const struct components builtin_components; /* src/components.c */
