/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Post-processor chains and the question which artifacts are kept
 * (post-processors.md 2). Every chain starts from the builder's artifact.
 */
#include "base/alloc.h"
#include "base/strbuf.h"
#include "core/run.h"

#include <stdlib.h>
#include <string.h>

struct chain_state {
	struct artifact *built; /* borrowed */
	size_t index;           /* of the next member, through all chains */
	bool keep_built;        /* a first member keeps it, or there is none */
	bool wanted;            /* the template says so */
	bool used_up;           /* a later member got it passed on and does not keep it */
	struct strv errors;
	struct strv hints;
};

static bool keeps_input(const struct plan_post *post, const struct postproc_result *r)
{
	switch (post->block->keep_input_artifact) {
	case TRIBOOL_TRUE:
		return true;
	case TRIBOOL_FALSE:
		return r->keep && r->force_keep;
	case TRIBOOL_UNSET:
		return r->keep;
	}
	return r->keep;
}

static void add_result(struct build_run *run, struct artifact *a)
{
	*vec_push(&run->artifacts) = artifact_ref(a);
}

static int run_post(struct build_run *run, const struct plan_post *post, struct artifact *input,
		    struct postproc_result *res, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct value *values = input->generated_data ? input->generated_data : run->generated;
	const void *config = plan_resolve_post(run->plan, run->build, post, values, run->ctx.cancel,
					       arena, &diags);

	if (!config || diags_has_errors(&diags)) {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		diags_format_error(&sb, &diags);
		return error_set(err, ERROR_INVALID, "%s", sb.buf);
	}
	return post->type->run(config, &run->ctx, input, res, err);
}

static void announce(struct build_run *run, const struct plan_post *post)
{
	const char *name = post->block->name ? post->block->name : "";

	if (!strcmp(name, post->type->name))
		ui_say(&run->ui, "Running post-processor: %s", post->type->name);
	else
		ui_say(&run->ui, "Running post-processor: %s (type %s)", name, post->type->name);
}

/* The input of a member that worked: kept among the results, or destroyed. What is the builder's
 * is looked at when all chains are done, since they all start from it. */
static void settle_input(struct build_run *run, const struct plan_post *post, bool keep,
			 struct artifact *input, struct chain_state *st)
{
	AUTO(error) struct error *e = NULL;

	if (keep)
		add_result(run, input);
	else if (input == st->built)
		st->used_up = true;
	else if (artifact_destroy(input, &e) < 0)
		strv_pushf(&st->errors, "Failed cleaning up prior artifact: %s; pp is %s",
			   e->message, post->type->name);
}

/* -1 ends the chain: with an error, or (err empty) because nothing came out. */
static int chain_step(struct build_run *run, const struct plan_post *post, bool is_first,
		      struct artifact **prior, struct chain_state *st, struct error **err)
{
	struct postproc_result res = { 0 };

	if (cancel_check(run->stop, err) < 0)
		return -1;
	announce(run, post);
	build_step_start(run, HISTORY_POST, st->index++, post->type->name);
	run->ui.label = post->type->name;

	int r = run_post(run, post, *prior, &res, err);

	run->ui.label = NULL;
	build_step_end(run, r == 0);
	if (r < 0) {
		if ((*err)->kind != ERROR_CANCELLED)
			error_prefix(err, "Post-processor failed");
		build_add_output(run, err);
		build_add_place(err, "post-processor", &post->block->range);
		return -1;
	}
	if (!res.artifact)
		return -1;
	/* The reference loses it with some types; later members of the chain want it all the same. */
	if (!res.artifact->generated_data && (*prior)->generated_data)
		res.artifact->generated_data = value_ref((*prior)->generated_data);

	bool keep = keeps_input(post, &res);

	st->wanted |= *prior == st->built && post->block->keep_input_artifact == TRIBOOL_TRUE;
	if (is_first)
		st->keep_built |= keep;
	else if (keep || *prior != res.artifact)
		settle_input(run, post, keep, *prior, st);
	artifact_unref(*prior);
	*prior = res.artifact;
	return 0;
}

static void note_error(struct chain_state *st, const struct error *e)
{
	strv_push(&st->errors, e->message);
	if (e->hint)
		strv_push(&st->hints, e->hint);
}

/* `first`: position of its first member among those of all chains. */
static void run_chain(struct build_run *run, const struct plan_chain *chain, size_t first,
		      struct chain_state *st, struct error **cancelled)
{
	AUTO(artifact) struct artifact *prior = artifact_ref(st->built);

	st->index = first;
	for (size_t i = 0; i < chain->len; i++) {
		AUTO(error) struct error *e = NULL;

		if (chain_step(run, &chain->items[i], i == 0, &prior, st, &e) == 0)
			continue;
		if (e && e->kind == ERROR_CANCELLED)
			error_move(cancelled, TAKE(e));
		else if (e)
			note_error(st, e);
		/* What the members before it made stays, so it is told. */
		if (e && prior != st->built)
			add_result(run, prior);
		return;
	}
	if (chain->len)
		add_result(run, prior);
}

static int join_errors(const struct chain_state *st, struct error **err)
{
	const struct strv *errors = &st->errors;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%zu error(s) occurred:\n", errors->len);
	for (size_t i = 0; i < errors->len; i++)
		strbuf_addf(&sb, "\n* %s", errors->v[i]);
	error_set(err, ERROR_FAILED, "%s", sb.buf);
	for (size_t i = 0; i < st->hints.len; i++)
		error_add_hint(err, "%s", st->hints.v[i]);
	return -1;
}

/* A builder's files may be what another result consists of (manifest passes its input on). */
static bool is_a_result(struct build_run *run, const struct artifact *a)
{
	for (size_t i = 0; i < run->artifacts.len; i++)
		if (run->artifacts.items[i] == a)
			return true;
	return false;
}

static void settle_built(struct build_run *run, struct chain_state *st)
{
	AUTO(error) struct error *e = NULL;

	if (st->keep_built) {
		add_result(run, st->built);
		/* It comes first. */
		memmove(run->artifacts.items + 1, run->artifacts.items,
			(run->artifacts.len - 1) * sizeof(*run->artifacts.items));
		run->artifacts.items[0] = st->built;
	} else if (!is_a_result(run, st->built) && artifact_destroy(st->built, &e) < 0) {
		strv_pushf(&st->errors, "Error destroying builder artifact: %s; bad artifact: %s",
			   e->message, st->built->text);
	}
}

int build_postprocess(struct build_run *run, struct artifact *built, struct error **err)
{
	struct chain_state st = { .built = built, .keep_built = run->build->chain_count == 0 };
	AUTO(error) struct error *cancelled = NULL;
	size_t first = 0;

	strv_init(&st.errors);
	strv_init(&st.hints);
	for (size_t i = 0; i < run->build->chain_count && !cancelled; i++) {
		if (cancel_check(run->stop, &cancelled) < 0)
			break;
		run_chain(run, &run->build->chains[i], first, &st, &cancelled);
		first += run->build->chains[i].len;
	}
	if (st.used_up && !st.wanted)
		st.keep_built = false;
	/* Finished work is never lost to an interrupt or a failing upload. (The reference
	 * destroys the builder's artifact when its only chain fails.) */
	if (cancelled || st.errors.len)
		st.keep_built = true;
	settle_built(run, &st);

	int r = 0;

	if (cancelled)
		r = error_move(err, TAKE(cancelled));
	else if (st.errors.len)
		r = join_errors(&st, err);
	strv_release(&st.errors);
	strv_release(&st.hints);
	artifact_unref(built);
	return r;
}
