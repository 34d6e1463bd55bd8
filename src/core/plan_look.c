/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration of a step depends on that is not written in the template. */
#include "base/alloc.h"
#include "core/planner.h"
#include "value/function.h"

static void note(struct strv *uses, char *text)
{
	if (strv_contains(uses, text))
		free(text);
	else
		strv_push_take(uses, text);
}

static void note_build(struct strv *uses, struct str name)
{
	note(uses, name.len ? xasprintf("build.%.*s", STR_FMT(name)) : xstrdup("build"));
}

void plan_look_note(void *uses, enum tmpl_use what, struct str name)
{
	if (what == TMPL_USES_FUNCTION)
		note(uses, xasprintf("{{ %.*s }}", STR_FMT(name)));
	else
		note_build(uses, name);
}

static void note_call(void *uses, const struct func_def *def)
{
	if (def->is_fresh)
		note(uses, xasprintf("%s()", def->name));
}

void look_at_world(struct plan_look *look, struct func_world *world)
{
	if (!look)
		return;
	world->called = note_call;
	world->called_data = &look->uses;
}

void look_at_templates(struct plan_look *look, struct tmpl_ctx *ctx)
{
	if (!look)
		return;
	ctx->used = plan_look_note;
	ctx->used_data = &look->uses;
}

/* The name after the root: `.name` or `["name"]`; empty where it is computed or absent. */
static struct str first_step(const struct expr *step)
{
	if (!step)
		return (struct str){ "", 0 };
	if (step->kind == EXPR_ATTR)
		return step->attr.name;
	const struct expr *key = step->index.key;
	if (key && key->kind == EXPR_TEMPLATE && key->template->len == 1 &&
	    key->template->parts[0].kind == PART_LITERAL)
		return key->template->parts[0].literal;
	return (struct str){ "", 0 };
}

struct references {
	struct strv *uses;
	const struct config *config;
};

static void note_local(const struct references *r, struct str name)
{
	for (size_t i = 0; i < r->config->local_count; i++) {
		const struct config_local *l = &r->config->locals[i];
		if (l->fresh && str_is(name, l->name))
			note(r->uses, xasprintf("%s()", l->fresh));
	}
}

static void note_reference(void *data, const struct expr *e)
{
	const struct references *r = data;
	const struct expr *step = NULL;
	for (; e->kind == EXPR_ATTR || e->kind == EXPR_INDEX;
	     e = e->kind == EXPR_ATTR ? e->attr.object : e->index.object)
		step = e;
	if (e->kind != EXPR_VARIABLE)
		return;
	struct str name = first_step(step);
	if (str_is(e->variable.name, "build"))
		note_build(r->uses, name);
	else if (str_is(e->variable.name, "local"))
		note_local(r, name);
}

void look_at_body(struct plan_look *look, const struct config *config, const struct body *body)
{
	if (look)
		body_walk_references(body, note_reference,
				     &(struct references){ &look->uses, config });
}

void look_at_given(struct plan_look *look, const struct schema *schema, const void *config,
		   struct arena *arena)
{
	if (!look)
		return;
	void *copy = arena_alloc(arena, schema->size);
	memcpy(copy, config, schema->size);
	look->given = copy;
}

void plan_look_at_step(const struct plan *p, const struct plan_build *b,
		       const struct plan_step *step, struct arena *arena, struct plan_look *l,
		       struct diags *diags)
{
	const struct step_input in = { p, b, l->build_values, l->cancel, l };
	l->config = plan_prepare_step(&in, step, arena, diags);
}

void plan_look_at_post(const struct plan *p, const struct plan_build *b,
		       const struct plan_post *post, struct arena *arena, struct plan_look *l,
		       struct diags *diags)
{
	const struct step_input in = { p, b, l->build_values, l->cancel, l };
	l->config = plan_prepare_post(&in, post, arena, diags);
}

void plan_look_release(struct plan_look *l)
{
	strv_release(&l->uses);
}
