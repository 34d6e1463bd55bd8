/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the plan only: what plan.c, plan_check.c and plan_component.c share. */
#pragma once

#include "core/plan.h"

/* A component about to be prepared: whose, from what, and how. */
struct component_job {
	const struct plan *plan;
	const struct plan_build *build;
	const char *component_id; /* as plugins have them: "packer.post-processor.manifest" */
	const struct schema *schema;
	const struct foreign *foreign; /* NULL: the table says it all */
	void (*prepare)(void *config, const struct prepare_ctx *ctx, struct diags *diags);
	const struct body *body;
	struct range range;
	const char *failure;        /* summary over what prepare() finds; NULL: its own */
	struct value *override;     /* or NULL */
	bool has_build;             /* its body can use `build` */
	struct value *build_values; /* laid over the placeholders; or NULL */
	struct cancel *cancel;      /* ends the waits of functions; NULL: that of the load */
	struct plan_look *look;     /* filled; or NULL */
};

/* Decodes, renders, fills, prepares, registers secrets. NULL after reporting. */
const void *component_prepare(const struct component_job *job, struct arena *arena,
			      struct diags *diags);
/* `look`: filled, or NULL. */
struct step_input {
	const struct plan *plan;
	const struct plan_build *build;
	struct value *build_values;
	struct cancel *cancel;
	struct plan_look *look;
};
const void *plan_prepare_step(const struct step_input *in, const struct plan_step *step,
			      struct arena *arena, struct diags *diags);
const void *plan_prepare_post(const struct step_input *in, const struct plan_post *post,
			      struct arena *arena, struct diags *diags);

/* plan_look.c: hooks of a look, where there is one */
void look_at_world(struct plan_look *look, struct func_world *world);
void look_at_templates(struct plan_look *look, struct tmpl_ctx *ctx);
void look_at_body(struct plan_look *look, const struct config *config, const struct body *body);
/* A copy of the struct before prepare() changes it. */
void look_at_given(struct plan_look *look, const struct schema *schema, const void *config,
		   struct arena *arena);

/* plan_legacy.c: components of legacy templates */
const void *legacy_component_prepare(const struct component_job *job, struct arena *arena,
				     struct diags *diags);
/* Are all components known that this build uses? False after reporting. */
bool legacy_check_build(const struct plan_build *b, const struct components *components,
			struct arena *arena, struct diags *diags);
bool plan_is_skipped(const struct text_list *only, const struct text_list *except,
		     const struct config_source *s);

/* plan_check.c: are all the types and sources that the template names known (language.md 18.3)? */
void plan_check(const struct config *c, const struct components *components, struct diags *diags);
