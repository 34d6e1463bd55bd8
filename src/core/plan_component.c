/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a block to the prepared configuration of a component: once when the
 * plan is made, with placeholders for what only a running machine can tell,
 * and once more right before the step runs (language.md 17).
 */
#include "base/alloc.h"
#include "core/planner.h"
#include "func/table.h"
#include "tmpl/tmpl.h"

static const char unknown_text[] = "<unknown>";

const char *const *plan_generated_names(const struct plan_build *b)
{
	if (b->type->generated && b->config)
		return b->type->generated(b->config);
	return b->type->generated_names;
}

/* Every name the builder can give, and the real values over them. */
static struct value *build_object(const struct component_job *job)
{
	struct map fields;
	value_map_init(&fields);
	const char *const *names = plan_generated_names(job->build);
	for (size_t i = 0; names && names[i]; i++)
		map_set(&fields, names[i], value_string(unknown_text));
	const struct value *real = job->build_values;
	for (size_t i = 0; real && i < value_len(real); i++)
		map_set(&fields, value_key_at(real, i), value_ref(value_at(real, i)));
	return value_object_take(&fields);
}

static char *render(void *data, const char *text, struct error **err)
{
	return tmpl_render(text, data, err);
}

static int check(void *data, const char *text, struct error **err)
{
	return tmpl_check(text, data, err);
}

static void render_templates(const struct component_job *job, struct decoded *d,
			     const struct scope *scope, struct arena *arena, struct diags *diags)
{
	const struct func_world *world;
	(void)scope_functions(scope, &world);
	struct value *build = job->has_build ? scope_get(scope, "build") : NULL;
	struct tmpl_ctx ctx = {
		.data = build,
		.world = world,
		.build_name = job->build->info.source_name,
		.build_type = job->build->info.builder_type,
		.build = build,
		.packer_version = COMPAT_VERSION,
	};
	look_at_templates(job->look, &ctx);
	const struct schema_templates with = { render, check, &ctx };
	schema_render(d, &with, arena, diags);
}

static void merge_override(const struct component_job *job, struct decoded *d, struct arena *arena,
			   struct diags *diags)
{
	struct decoded over;
	if (!job->override)
		return;
	schema_decode_value(job->schema, job->override, job->range, arena, &over, diags);
	schema_merge(d, &over, arena);
}

static void add_secret(void *data, const char *text)
{
	redactor_add(data, text, strlen(text));
}

/* Errors of prepare() get the name of the block in front, except for a source. */
static void move_findings(const struct component_job *job, struct diags *found, struct diags *diags)
{
	for (size_t i = 0; job->failure && i < found->len; i++) {
		struct diag *d = &found->items[i];
		if (d->severity != DIAG_ERROR)
			continue;
		bool has_detail = !text_is_empty(d->detail);
		char *detail = xasprintf("%s%s%s", d->summary, has_detail ? "\n\n" : "",
					 has_detail ? d->detail : "");
		free(d->detail);
		free(d->summary);
		d->detail = detail;
		d->summary = xstrdup(job->failure);
	}
	diags_move(diags, found);
}

static void prepare(const struct component_job *job, const struct decoded *d, void *config,
		    struct arena *arena, struct diags *diags)
{
	AUTO(diags) struct diags found = DIAGS_INIT;
	const struct prepare_ctx ctx = {
		.info = &job->build->info,
		.decoded = d,
		.block = job->body,
		.generated_names = job->has_build ? plan_generated_names(job->build) : NULL,
		.arena = arena,
		.dirs = job->plan->options.dirs,
		.cwd = job->plan->options.cwd,
		.cancel = job->cancel ? job->cancel : job->plan->options.cancel,
	};
	/* What prepare() of a foreign one would do is not needed to look at it. */
	if (job->prepare && !(job->foreign && job->look))
		job->prepare(config, &ctx, &found);
	for (size_t i = 0; i < found.len; i++)
		if (!found.items[i].subject.source)
			found.items[i].subject = job->range;
	move_findings(job, &found, diags);
}

static void *decode_foreign(const struct component_job *job, const struct scope *scope,
			    struct arena *arena, struct diags *diags)
{
	struct foreign_config *config =
		foreign_decode(job->foreign, job->body, scope, job->range, arena, diags);
	if (config)
		config->override = job->override;
	return config;
}

/* `d` is filled. */
static void *decode_native(const struct component_job *job, const struct scope *scope,
			   struct decoded *d, struct arena *arena, struct diags *diags)
{
	schema_decode(job->schema, job->body, scope, job->range, arena, d, diags);
	merge_override(job, d, arena, diags);
	render_templates(job, d, scope, arena, diags);
	void *config = arena_alloc(arena, job->schema->size);
	schema_fill(d, config, arena, diags);
	if (job->plan->options.redactor)
		schema_each_secret(job->schema, config, add_secret, job->plan->options.redactor);
	return config;
}

const void *component_prepare(const struct component_job *job, struct arena *arena,
			      struct diags *diags)
{
	const struct plan_build *b = job->build;
	size_t errors = diags->errors;
	if (job->plan->config->legacy)
		return legacy_component_prepare(job, arena, diags);
	struct func_world world = *job->plan->config->world;
	if (job->cancel)
		world.cancel = job->cancel;
	look_at_world(job->look, &world);
	look_at_body(job->look, job->plan->config, job->body);
	AUTO(value) struct value *build = job->has_build ? build_object(job) : NULL;
	AUTO(scope)
	struct scope *scope = config_component_scope(
		job->plan->config, job->has_build ? b->block : NULL, b->source, build);
	scope_set_functions(scope, builtin_functions, &world);
	struct decoded *d = job->foreign ? NULL : ARENA_NEW(arena, struct decoded);
	void *config = d ? decode_native(job, scope, d, arena, diags)
			 : decode_foreign(job, scope, arena, diags);
	if (diags->errors > errors)
		return NULL;
	look_at_given(job->look, job->schema, config, arena);
	prepare(job, d, config, arena, diags);
	return diags->errors > errors ? NULL : config;
}

const void *plan_prepare_step(const struct step_input *in, const struct plan_step *step,
			      struct arena *arena, struct diags *diags)
{
	const struct config_provisioner *block = step->block;
	const struct config_source *source = in->build->source;
	struct component_job job = {
		.plan = in->plan,
		.build = in->build,
		.component_id = arena_printf(arena, "packer.provisioner.%s", step->type->name),
		.schema = step->type->schema,
		.foreign = step->type->foreign,
		.prepare = step->type->prepare,
		.body = block->body,
		.range = block->range,
		.failure = arena_printf(arena, "Failed preparing provisioner-block \"%s\" \"%s\"",
					block->type, block->name ? block->name : ""),
		.has_build = true,
		.build_values = in->build_values,
		.cancel = in->cancel,
		.look = in->look,
	};
	if (block->override)
		job.override = value_get(block->override,
					 source->raw_name ? source->raw_name : source->local_name);
	return component_prepare(&job, arena, diags);
}

const void *plan_prepare_post(const struct step_input *in, const struct plan_post *post,
			      struct arena *arena, struct diags *diags)
{
	const struct config_postprocessor *block = post->block;
	struct component_job job = {
		.plan = in->plan,
		.build = in->build,
		.component_id = arena_printf(arena, "packer.post-processor.%s", post->type->name),
		.schema = post->type->schema,
		.foreign = post->type->foreign,
		.prepare = post->type->prepare,
		.body = block->body,
		.range = block->range,
		.failure =
			arena_printf(arena, "Failed preparing post-processor-block \"%s\" \"%s\"",
				     block->type, block->name ? block->name : ""),
		.has_build = true,
		.build_values = in->build_values,
		.cancel = in->cancel,
		.look = in->look,
	};
	return component_prepare(&job, arena, diags);
}

/* Warnings were given when the plan was made. */
static void keep_errors(struct diags *all, struct diags *ret)
{
	for (size_t i = 0; i < all->len; i++) {
		const struct diag *d = &all->items[i];
		if (d->severity == DIAG_ERROR)
			diags_error(ret, &d->subject, d->summary, "%s", d->detail);
	}
}

const void *plan_resolve_step(const struct plan *p, const struct plan_build *b,
			      const struct plan_step *step, struct value *build_values,
			      struct cancel *cancel, struct arena *arena, struct diags *diags)
{
	AUTO(diags) struct diags all = DIAGS_INIT;
	const struct step_input in = { p, b, build_values, cancel, NULL };
	const void *config = plan_prepare_step(&in, step, arena, &all);
	keep_errors(&all, diags);
	return config;
}

const void *plan_resolve_post(const struct plan *p, const struct plan_build *b,
			      const struct plan_post *post, struct value *build_values,
			      struct cancel *cancel, struct arena *arena, struct diags *diags)
{
	AUTO(diags) struct diags all = DIAGS_INIT;
	const struct step_input in = { p, b, build_values, cancel, NULL };
	const void *config = plan_prepare_post(&in, post, arena, &all);
	keep_errors(&all, diags);
	return config;
}
