/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Template x components x selection -> builds. Every build is prepared even
 * if another one has mistakes, and all of them are reported; the same mistake
 * in a block that several builds share is reported once.
 */
#include "core/plan.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "base/vec.h"
#include "core/planner.h"

VEC_DECLARE(build_list, struct plan_build);
VEC_DECLARE(step_list, struct plan_step);
VEC_DECLARE(chain_list, struct plan_chain);

struct planner {
	struct plan *plan;
	struct arena *arena;
	const struct plan_options *opts;
	struct diags found;
	struct text_list sensitive; /* variables */
	struct map seen;            /* keys of the first `noted` findings */
	size_t noted;
	struct build_list builds;
	struct strv names; /* of all builds, selected or not */
	size_t only_matches, except_matches;
};

static void *keep_array(struct arena *arena, const void *items, size_t size, size_t len)
{
	void *copy = arena_alloc(arena, size * (len + 1));
	if (len > 0)
		memcpy(copy, items, size * len);
	return copy;
}

/* ---- mistakes --------------------------------------------------------------------------- */

/* What makes a finding the same as another one. */
static char *diag_key(const struct diag *d)
{
	return xasprintf("%d %p %zu %zu %s\n%s", d->severity, (const void *)d->subject.source,
			 d->subject.start.byte, d->subject.end.byte, d->summary, d->detail);
}

/* Returns whether it was there. */
static bool note(struct planner *p, const struct diag *d)
{
	static char here;
	AUTO_FREE char *key = diag_key(d);
	bool is_known = map_has(&p->seen, key);
	if (!is_known)
		map_set(&p->seen, key, &here);
	return is_known;
}

/* Moves what is new; returns whether there were errors at all. */
static bool absorb(struct planner *p, struct diags *from)
{
	bool has_errors = diags_has_errors(from);
	struct diags fresh = DIAGS_INIT, known = DIAGS_INIT;
	for (; p->noted < p->found.len; p->noted++)
		(void)note(p, &p->found.items[p->noted]);
	for (size_t i = 0; i < from->len; i++) {
		struct diag *d = &from->items[i];
		struct diags *to = note(p, d) ? &known : &fresh;
		*vec_push(to) = *d;
		to->errors += d->severity == DIAG_ERROR;
	}
	from->len = from->errors = 0;
	diags_move(&p->found, &fresh);
	p->noted = p->found.len;
	diags_release(&known);
	return has_errors;
}

/* ---- selection -------------------------------------------------------------------------- */

static bool matches_any(const struct text_list *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->len; i++) {
		AUTO(error) struct error *e = NULL;
		bool ok = false;
		if (glob_match(patterns->v[i], name, &ok, &e) == 0 && ok)
			return true;
	}
	return false;
}

static void check_patterns(struct planner *p, const struct text_list *patterns, const char *flag)
{
	for (size_t i = 0; i < patterns->len; i++) {
		AUTO(error) struct error *e = NULL;
		bool ignored;
		if (glob_match(patterns->v[i], "", &ignored, &e) == 0)
			continue;
		AUTO_FREE char *summary =
			xasprintf("Invalid -%s pattern %s: %s", flag, patterns->v[i], e->message);
		diags_error(&p->found, NULL, summary, "%s", "");
	}
}

static bool list_has(const struct text_list *list, const char *name)
{
	for (size_t i = 0; i < list->len; i++)
		if (text_eq(list->v[i], name))
			return true;
	return false;
}

/* Does -only or -except mean it? Legacy templates know no patterns. */
static bool is_named(const struct planner *p, const struct text_list *given, const char *name)
{
	return p->plan->config->legacy ? list_has(given, name) : matches_any(given, name);
}

static bool is_selected(struct planner *p, const char *name)
{
	if (p->opts->only.len > 0 && !is_named(p, &p->opts->only, name))
		return false;
	p->only_matches += p->opts->only.len > 0;
	if (!is_named(p, &p->opts->except, name))
		return true;
	p->except_matches++;
	return false;
}

static void warn_unmatched(struct planner *p, const char *summary)
{
	AUTO_FREE char *names = strv_join(&p->names, " ");
	diags_warning(&p->found, NULL, summary,
		      "Possible build names: [%s].\nThese could also be matched with a glob "
		      "pattern like: 'happycloud.*'",
		      names);
}

static void warn_selection(struct planner *p)
{
	if (p->opts->only.len > p->only_matches)
		warn_unmatched(p, "an 'only' option was passed, but not all matches were found "
				  "for the given build.");
	if (p->opts->except.len > p->except_matches)
		warn_unmatched(p, "an 'except' option was passed, but did not match any build.");
}

/* only/except of a block: exact names without the build's (language.md 19). */
bool plan_is_skipped(const struct text_list *only, const struct text_list *except,
		     const struct config_source *s)
{
	AUTO_FREE char *full = xasprintf("%s.%s", s->type, s->local_name);
	const char *name = s->raw_name ? s->raw_name : full;
	if (only->len > 0)
		return !list_has(only, name);
	return list_has(except, name);
}

/* ---- one build -------------------------------------------------------------------------- */

/* The few whose id is not made of their name. */
static const char *builder_id(struct planner *p, const struct builder_type *type)
{
	if (text_eq(type->name, "qemu"))
		return "transcend.qemu";
	return arena_printf(p->arena, "packer.%s", type->name);
}

static const void *prepare_source(struct planner *p, const struct plan_build *b,
				  struct diags *diags)
{
	struct component_job job = {
		.plan = p->plan,
		.build = b,
		.component_id = builder_id(p, b->type),
		.schema = b->type->schema,
		.foreign = b->type->foreign,
		.prepare = b->type->prepare,
		.body = b->source->body,
		.range = b->source->range,
	};
	return component_prepare(&job, p->arena, diags);
}

/* False when the block's type is not known, which plan_check() reports. */
static bool find_step(struct planner *p, const struct config_provisioner *block,
		      struct plan_step *ret)
{
	*ret = (struct plan_step){
		.block = block,
		.type = components_provisioner(p->plan->components, block->type),
	};
	return ret->type != NULL;
}

static void prepare_steps(struct planner *p, struct plan_build *b, struct diags *diags)
{
	const struct step_input in = { .plan = p->plan, .build = b };
	struct step_list steps = { 0 };
	for (size_t i = 0; i < b->block->provisioner_count; i++) {
		const struct config_provisioner *block = &b->block->provisioners[i];
		struct plan_step step;
		if (plan_is_skipped(&block->only, &block->except, b->source) ||
		    !find_step(p, block, &step))
			continue;
		step.config = plan_prepare_step(&in, &step, p->arena, diags);
		*vec_push(&steps) = step;
	}
	b->steps = keep_array(p->arena, steps.items, sizeof(*steps.items), steps.len);
	b->step_count = steps.len;
	vec_release(&steps);

	const struct config_provisioner *cleanup = b->block->error_cleanup;
	struct plan_step *last = ARENA_NEW(p->arena, struct plan_step);
	if (!cleanup || plan_is_skipped(&cleanup->only, &cleanup->except, b->source) ||
	    !find_step(p, cleanup, last))
		return;
	last->config = plan_prepare_step(&in, last, p->arena, diags);
	b->error_cleanup = last;
}

/* -except names a member: it and all that follow it are cut off. */
static size_t chain_length(struct planner *p, const struct config_chain *chain)
{
	for (size_t i = 0; i < chain->len; i++) {
		const struct config_postprocessor *pp = &chain->items[i];
		if (!is_named(p, &p->opts->except, text_is_empty(pp->name) ? pp->type : pp->name))
			continue;
		p->except_matches++;
		return i;
	}
	return chain->len;
}

static void prepare_chain(struct planner *p, struct plan_build *b, const struct config_chain *chain,
			  struct chain_list *chains, struct diags *diags)
{
	const struct step_input in = { .plan = p->plan, .build = b };
	size_t n = chain_length(p, chain), kept = 0;
	struct plan_post *items = ARENA_ARRAY(p->arena, struct plan_post, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct config_postprocessor *block = &chain->items[i];
		struct plan_post post = {
			.block = block,
			.type = components_postproc(p->plan->components, block->type),
		};
		if (!post.type || plan_is_skipped(&block->only, &block->except, b->source))
			continue;
		post.config = plan_prepare_post(&in, &post, p->arena, diags);
		items[kept++] = post;
	}
	if (kept > 0)
		*vec_push(chains) = (struct plan_chain){ .items = items, .len = kept };
}

static void prepare_chains(struct planner *p, struct plan_build *b, struct diags *diags)
{
	struct chain_list chains = { 0 };
	for (size_t i = 0; i < b->block->chain_count; i++)
		prepare_chain(p, b, &b->block->chains[i], &chains, diags);
	b->chains = keep_array(p->arena, chains.items, sizeof(*chains.items), chains.len);
	b->chain_count = chains.len;
	vec_release(&chains);
}

static void expect(const struct foreign *f)
{
	if (f)
		f->expect(f);
}

/* Plugins start while others are prepared. */
static void expect_foreign(const struct planner *p, const struct plan_build *b)
{
	const struct components *c = p->plan->components;
	const struct config_build *block = b->block;
	expect(b->type->foreign);
	for (size_t i = 0; i < block->provisioner_count; i++) {
		const struct config_provisioner *step = &block->provisioners[i];
		const struct provisioner_type *type = components_provisioner(c, step->type);
		if (type && !plan_is_skipped(&step->only, &step->except, b->source))
			expect(type->foreign);
	}
	for (size_t i = 0; i < block->chain_count; i++) {
		for (size_t j = 0; j < block->chains[i].len; j++) {
			const struct config_postprocessor *post = &block->chains[i].items[j];
			const struct postproc_type *type = components_postproc(c, post->type);
			if (type && !plan_is_skipped(&post->only, &post->except, b->source))
				expect(type->foreign);
		}
	}
}

static void plan_one(struct planner *p, const struct config_build *block,
		     const struct config_source *source)
{
	const char *separator = *block->name ? "." : "";
	const char *name = source->shown_name;
	if (!name)
		name = arena_printf(p->arena, "%s%s%s.%s", block->name, separator, source->type,
				    source->local_name);
	strv_push(&p->names, name);
	if (!is_selected(p, source->shown_name ? source->name : name))
		return;
	const struct config_legacy *legacy = p->plan->config->legacy;
	struct plan_build b = {
		.name = name,
		.block = block,
		.source = source,
		.type = components_builder(p->plan->components, source->type),
		.info = {
			.build_name = name,
			.source_name = source->name,
			.builder_type = source->type,
			.debug = p->opts->debug,
			.force = p->opts->force,
			.may_be_done = p->opts->may_be_done,
			.on_error = p->opts->on_error,
			.user_variables = legacy ? legacy->user : NULL,
			.template_path = legacy ? legacy->path : NULL,
			.sensitive = p->sensitive,
			.world = p->plan->config->world,
		},
	};
	if (legacy && !legacy_check_build(&b, p->plan->components, p->arena, &p->found))
		return;
	if (!b.type || !source->body)
		return;
	AUTO(diags) struct diags diags = DIAGS_INIT;
	expect_foreign(p, &b);
	b.config = prepare_source(p, &b, &diags);
	prepare_steps(p, &b, &diags);
	prepare_chains(p, &b, &diags);
	if (!absorb(p, &diags) && !block->has_errors)
		*vec_push(&p->builds) = b;
}

/* Names of variables whose values must not be shown. */
static struct text_list sensitive_names(struct arena *arena, const struct config *c)
{
	size_t n = c->variable_count + (c->legacy ? c->legacy->variable_count : 0), len = 0;
	const char **names = ARENA_ARRAY(arena, const char *, n + 1);
	for (size_t i = 0; i < c->variable_count; i++)
		if (c->variables[i].sensitive)
			names[len++] = c->variables[i].name;
	for (size_t i = 0; c->legacy && i < c->legacy->variable_count; i++)
		if (c->legacy->variables[i].sensitive)
			names[len++] = c->legacy->variables[i].name;
	return (struct text_list){ names, len };
}

/* ---- all --------------------------------------------------------------------------------- */

static void plan_all(struct planner *p)
{
	const struct config *c = p->plan->config;
	if (c->legacy) {
		for (size_t i = 0; c->legacy->is_complete && i < c->builds[0].source_count; i++)
			plan_one(p, &c->builds[0], &c->builds[0].sources[i]);
		return;
	}
	plan_check(c, p->plan->components, &p->found);
	check_patterns(p, &p->opts->only, "only");
	check_patterns(p, &p->opts->except, "except");
	bool must_stop = diags_has_errors(&p->found);
	if (c->build_count == 0)
		diags_error(&p->found, NULL, "Missing build block",
			    "A build block with one or more sources is required for executing a "
			    "build.");
	for (size_t i = 0; i < c->build_count; i++)
		for (size_t j = 0; j < c->builds[i].source_count; j++)
			plan_one(p, &c->builds[i], &c->builds[i].sources[j]);
	if (!must_stop)
		warn_selection(p);
	if (must_stop)
		p->builds.len = 0;
}

struct plan *plan_make(const struct config *config, const struct components *components,
		       const struct plan_options *opts, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct plan *plan = ARENA_NEW(arena, struct plan);
	*plan = (struct plan){
		.arena = arena,
		.config = config,
		.components = components,
		.options = *opts,
	};
	struct planner p = { .plan = plan,
			     .arena = arena,
			     .opts = &plan->options,
			     .sensitive = sensitive_names(arena, config) };
	strv_init(&p.names);
	plan_all(&p);
	plan->builds = keep_array(arena, p.builds.items, sizeof(*p.builds.items), p.builds.len);
	plan->len = p.builds.len;
	diags_move(diags, &p.found);
	map_release(&p.seen);
	vec_release(&p.builds);
	strv_release(&p.names);
	return plan;
}

void plan_free(struct plan *p)
{
	if (p)
		arena_free(p->arena);
}
