/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: template + components + selection -> builds, each with resolved,
 * prepared steps. Pure (no I/O but prepare()'s look at files), immutable,
 * printable. `validate`, `inspect` and `build` all start here; only `build`
 * goes further.
 */
#pragma once

#include "config/config.h"
#include "core/component.h"
#include "tmpl/tmpl.h"

#include <stdbool.h>
#include <stddef.h>

/* A component with its configuration as prepared at plan time. */
struct plan_step {
	const struct config_provisioner *block;
	const struct provisioner_type *type;
	const void *config; /* prepared with placeholders for build.*; run uses a fresh one */
};

struct plan_post {
	const struct config_postprocessor *block;
	const struct postproc_type *type;
	const void *config;
};

struct plan_chain {
	const struct plan_post *items;
	size_t len;
};

struct plan_build {
	const char *name; /* "BUILD.T.LOCAL" or "T.LOCAL" */
	const struct config_build *block;
	const struct config_source *source;
	const struct builder_type *type;
	struct component_info info;
	const void *config; /* prepared */
	const struct plan_step *steps;
	size_t step_count;
	const struct plan_step *error_cleanup; /* NULL: none */
	const struct plan_chain *chains;
	size_t chain_count;
};

struct plan_options {
	struct text_list only, except; /* globs from the command line (language.md 19) */
	bool debug, force;
	bool may_be_done; /* see component_info */
	const char *on_error;
	const struct host_dirs *dirs;
	const char *cwd;
	struct redactor *redactor; /* sensitive attributes are registered here */
	struct cancel *cancel; /* ends what prepare() waits for while the plan is made; or NULL */
};

struct plan {
	struct arena *arena;
	const struct config *config; /* borrowed: outlives the plan */
	const struct components *components;
	struct plan_options options;     /* what it points to outlives the plan */
	const struct plan_build *builds; /* those that prepared without error, in order */
	size_t len;
};

/* Names of build.* values that a build has beyond the usual, NULL-terminated; NULL: none. */
const char *const *plan_generated_names(const struct plan_build *b);

/* Never NULL. Mistakes go to diags; a build with errors is left out. Unknown types and sources
 * (language.md 18.3) and malformed patterns leave all of them out: nothing may run then. */
struct plan *plan_make(const struct config *config, const struct components *components,
		       const struct plan_options *opts, struct diags *diags);
void plan_free(struct plan *p);
DEFINE_AUTO(plan, struct plan *, plan_free);

/*
 * A step's configuration again, with real build.* values (language.md 17, 23.1):
 * decoded and prepared into `arena`. `cancel` ends what functions wait for; NULL: that of the load.
 * Thread-safe. NULL after reporting.
 */
const void *plan_resolve_step(const struct plan *p, const struct plan_build *b,
			      const struct plan_step *step, struct value *build_values,
			      struct cancel *cancel, struct arena *arena, struct diags *diags);
const void *plan_resolve_post(const struct plan *p, const struct plan_build *b,
			      const struct plan_post *post, struct value *build_values,
			      struct cancel *cancel, struct arena *arena, struct diags *diags);

/*
 * A step or post-processor as it would be resolved now, files read anew, and what that depended on
 * besides: for its key.
 */
struct plan_look {
	struct value *build_values; /* given: what is known of build.* before the build runs */
	struct cancel *cancel;      /* given, or NULL */
	const void *given;          /* as filled: without what prepare() derives */
	const void *config;         /* prepared; NULL after reporting */
	/* Each once: "build.ID", "build" (as a whole), "{{ upper }}", of the functions of
	 * expressions those with another result in each run: "timestamp()". STRV_INIT before. */
	struct strv uses;
};
void plan_look_at_step(const struct plan *p, const struct plan_build *b,
		       const struct plan_step *step, struct arena *arena, struct plan_look *l,
		       struct diags *diags);
void plan_look_at_post(const struct plan *p, const struct plan_build *b,
		       const struct plan_post *post, struct arena *arena, struct plan_look *l,
		       struct diags *diags);
void plan_look_release(struct plan_look *l);
/* Is told what a `{{ }}` template uses, for tmpl_ctx.used: a strv in the form of `uses`. */
void plan_look_note(void *uses, enum tmpl_use what, struct str name);

/* Names, components and configurations of all builds, for people and golden files. */
void plan_print(struct strbuf *sb, const struct plan *p);

/* Shell-style match of language.md 19: * ? [abc] [!a] {a,b} \x. */
MUST_CHECK int glob_match(const char *pattern, const char *text, bool *ret, struct error **err);
