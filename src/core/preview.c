/* SPDX-License-Identifier: Apache-2.0 */
#include "core/preview.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "core/engine.h"

#include <stdlib.h>
#include <string.h>

const char *const preview_action_names[] = { "run", "share", "reuse", "up-to-date" };
static_assert(ARRAY_LEN(preview_action_names) == PREVIEW_ACTION_COUNT, "names must match the enum");

/* One build being looked at. Rows: state 0, the states after the provisioners, finish, posts. */
struct look {
	const struct plan_build *build;
	const struct preview_options *opts;
	struct redactor *redactor;
	struct reuse reuse;
	struct history *history;
	struct preview_build *out;
	size_t from, refresh; /* rows that were asked for; SIZE_MAX: none */
};

/* ---- rows --------------------------------------------------------------------------------- */

static struct preview_step *add_row(struct look *l, enum history_kind kind, size_t number,
				    const char *type, const char *name)
{
	struct preview_step *s = vec_push(&l->out->steps);

	s->kind = kind;
	s->number = number;
	s->type = type;
	s->name = redactor_copy(l->redactor, name);
	return s;
}

static void add_rows(struct look *l)
{
	const struct plan_build *b = l->build;
	size_t posts = 0;

	add_row(l, HISTORY_START, 0, b->type->name, NULL);
	for (size_t i = 0; i < b->step_count; i++)
		add_row(l, HISTORY_STEP, i + 1, b->steps[i].type->name, b->steps[i].block->name);
	add_row(l, HISTORY_FINISH, 0, b->type->name, NULL);
	for (size_t i = 0; i < b->chain_count; i++)
		for (size_t k = 0; k < b->chains[i].len; k++)
			add_row(l, HISTORY_POST, ++posts, b->chains[i].items[k].type->name,
				b->chains[i].items[k].block->name);
}

/* Of the place among those of its kind. */
static size_t index_of(const struct preview_step *s)
{
	return s->number ? s->number - 1 : 0;
}

static const struct step_key *key_of(const struct look *l, size_t row)
{
	const struct reuse *r = &l->reuse;

	if (row < r->len)
		return &r->states[row].key;
	return row == r->len ? &r->artifact : &r->posts[row - r->len - 1];
}

static size_t asked_row(const struct look *l, const char *step)
{
	AUTO(error) struct error *e = NULL;
	size_t i;

	if (!step)
		return SIZE_MAX;
	if (reuse_find_step(l->build, step, &i, &e) == 0)
		return i + 1;
	error_ignore(&e, "another build has it");
	return SIZE_MAX;
}

/* What the row that everything before is reused for is called: "step 3", "start". */
static char *call(const struct preview_step *s)
{
	switch (s->kind) {
	case HISTORY_START:
		return xstrdup("start");
	case HISTORY_STEP:
		return xasprintf("step %zu", s->number);
	case HISTORY_POST:
		return xasprintf("post-processor %zu", s->number);
	case HISTORY_CONNECT:
	case HISTORY_FINISH:
	case HISTORY_KIND_COUNT:
		break;
	}
	return xstrdup("finish");
}

/* ---- reasons ------------------------------------------------------------------------------ */

static void because(struct preview_step *s, enum preview_cause cause, char *reason)
{
	s->cause = cause;
	free(s->reason);
	s->reason = reason;
}

/* It is itself another, not only what is before it. */
static bool is_own_change(enum history_change_kind kind)
{
	return kind == CHANGE_NOT_RUN || kind == CHANGE_NEW || kind == CHANGE_MOVED ||
	       kind == CHANGE_INPUT || kind == CHANGE_FAILED;
}

static void because_changed(struct preview_step *s)
{
	because(s, CAUSE_CHANGE, xstrdup(s->change.text));
}

/* Before the first that runs all is as it was, so what history says of it is about itself. */
static void explain_first(struct look *l, size_t row, struct preview_step *s)
{
	const struct reuse *r = &l->reuse;
	bool is_state = row < r->len;

	if (is_state && r->states[row].why)
		because(s, CAUSE_EXPIRED, xstrdup(r->states[row].why));
	else if (s->change.kind != CHANGE_NONE && s->change.kind != CHANGE_BEFORE)
		because_changed(s);
	else if (!is_state && l->opts->policy.needs_artifact)
		because(s, CAUSE_ASKED, xstrdup("-force"));
	else if (!is_state && r->outcome)
		because(s, CAUSE_ARTIFACT, xstrdup("what it made is gone, altered or too old"));
	else if (!is_state)
		because(s, CAUSE_NOT_KEPT, xstrdup("no artifact of it is known here"));
	else if (!l->build->type->checkpoints)
		because(s, CAUSE_NO_STATES,
			xasprintf("the %s builder keeps no states", l->build->type->name));
	else
		because(s, CAUSE_NOT_KEPT, xstrdup("no state of it is kept"));
}

/* A builder without states does all of its work when anything is to be done: the first row with a
 * reason of its own says what. */
static bool is_reason(const struct look *l, size_t row)
{
	for (size_t i = l->out->begin; i < row; i++)
		if (l->out->steps.items[i].cause != CAUSE_NO_STATES &&
		    l->out->steps.items[i].cause != CAUSE_BEFORE)
			return false;
	return row == l->reuse.len;
}

/* All options of the builder count for what it finishes with, also those of the start. */
static bool is_said(const struct look *l, size_t row, const struct preview_step *s)
{
	for (size_t i = l->out->begin; i < row && row == l->reuse.len; i++)
		if (text_eq(l->out->steps.items[i].reason, s->change.text))
			return true;
	return false;
}

static void explain_later(struct look *l, size_t row, struct preview_step *s)
{
	const struct preview_step *rows = l->out->steps.items;
	size_t before = l->out->begin;
	AUTO_FREE char *name = NULL;

	if (is_own_change(s->change.kind) &&
	    (s->change.kind != CHANGE_INPUT || !is_said(l, row, s))) {
		because_changed(s);
		return;
	}
	if (is_reason(l, row)) {
		explain_first(l, row, s);
		return;
	}
	/* The nearest before it that is another by itself; chains begin with the artifact. */
	for (size_t i = before; i < row; i++)
		if (rows[i].cause != CAUSE_BEFORE && rows[i].cause != CAUSE_NO_STATES &&
		    (rows[i].kind != HISTORY_POST || s->kind != HISTORY_POST))
			before = i;
	name = call(&rows[before]);
	because(s, CAUSE_BEFORE, xasprintf("after %s", name));
}

/* The artifact is there, and some of what post-processors made is not. */
static void explain_post(struct look *l, struct preview_step *s)
{
	bool other = l->reuse.outcome && l->reuse.final.hex &&
		     !text_eq(l->reuse.outcome->final, l->reuse.final.hex);

	if (s->change.kind != CHANGE_NONE)
		because_changed(s);
	else if (other)
		because(s, CAUSE_TOGETHER, xstrdup("with the other post-processors"));
	else
		because(s, CAUSE_ARTIFACT, xstrdup("what it made is gone or was altered"));
}

static void explain_row(struct look *l, size_t row, struct preview_step *s)
{
	if (row == l->from || row == l->refresh)
		because(s, CAUSE_ASKED, xstrdup(row == l->from ? "-from" : "-refresh"));
	else if (s->never)
		because(s, CAUSE_NEVER, xasprintf("not reusable: %s", s->never));
	else if (l->out->built)
		explain_post(l, s);
	else if (row == l->out->begin)
		explain_first(l, row, s);
	else
		explain_later(l, row, s);
}

static void explain_off(struct preview_build *out, const char *off)
{
	for (size_t i = 0; i < out->steps.len; i++)
		because(&out->steps.items[i], CAUSE_OFF, i || !off ? NULL : xstrdup(off));
}

/* ---- what happens --------------------------------------------------------------------------- */

/* When what is kept of a row ran, and what the build goes on from. */
static void note_ages(struct look *l)
{
	const struct reuse *r = &l->reuse;
	const struct int64_list *ran = NULL;

	if (r->done || r->built)
		ran = &r->outcome->ran;
	else if (r->begin)
		ran = &r->states[r->begin - 1].ran;
	if (!ran || !ran->len)
		return;
	for (size_t i = 0; i < MIN(ran->len, l->out->begin); i++)
		l->out->steps.items[i].ran = ran->v[i];
	l->out->made = ran->v[ran->len - 1];
}

static void decide(struct look *l)
{
	const struct reuse *r = &l->reuse;
	struct preview_build *out = l->out;

	out->done = r->done;
	out->built = r->built && !r->done;
	out->begin = r->done ? out->steps.len : r->built ? r->len + 1 : r->begin;
	for (size_t i = 0; i < out->steps.len; i++)
		out->steps.items[i].action = i >= out->begin       ? PREVIEW_RUN
					     : r->done || r->built ? PREVIEW_DONE
								   : PREVIEW_REUSE;
	note_ages(l);
}

static void ask_history(struct look *l)
{
	struct preview_steps *rows = &l->out->steps;

	for (size_t i = 0; i < rows->len; i++) {
		struct preview_step *s = &rows->items[i];
		const struct step_key *key = key_of(l, i);

		history_note_key(l->history, s->kind, index_of(s), key);
		s->key = key->hex ? xstrdup(key->hex) : NULL;
		s->never = redactor_copy(l->redactor, key->never);
	}
	for (size_t i = 0; i < rows->len; i++)
		history_explain(l->history, rows->items[i].kind, index_of(&rows->items[i]),
				&rows->items[i].change);
}

/* To start a machine is to connect to it as well. */
static void ask_durations(struct look *l)
{
	struct preview_steps *rows = &l->out->steps;

	for (size_t i = 0; i < rows->len; i++) {
		struct preview_step *s = &rows->items[i];

		s->duration = history_duration(l->history, s->kind, index_of(s));
		if (s->kind == HISTORY_START && s->duration >= 0)
			s->duration +=
				MAX(history_duration(l->history, HISTORY_CONNECT, 0), INT64_C(0));
	}
}

static int look_at(struct look *l, const struct plan *p, struct error **err)
{
	static const unsigned char no_secret[STORE_SECRET]; /* nothing can have been kept */
	struct store *store = l->opts->policy.store;
	struct build_ctx ctx = *l->opts->ctx;
	struct key_maker maker = { .plan = p,
				   .build = l->build,
				   .ctx = &ctx,
				   .secret = store ? store_secret(store) : no_secret,
				   .redactor = p->options.redactor };

	ctx.info = &l->build->info;

	int r = reuse_look(&maker, &l->opts->policy, &l->reuse, err);

	resolved_start_release(&ctx.resolved);
	if (r < 0)
		return -1;
	decide(l);
	ask_history(l);
	l->from = asked_row(l, l->opts->policy.from);
	l->refresh = asked_row(l, l->opts->policy.refresh);
	for (size_t i = l->out->begin; i < l->out->steps.len; i++) {
		struct preview_step *s = &l->out->steps.items[i];
		char *reason;

		explain_row(l, i, s);
		reason = s->reason;
		s->reason = redactor_copy(l->redactor, reason);
		free(reason);
	}
	reuse_release(&l->reuse);
	return 0;
}

static int preview_build(struct look *l, const struct plan *p, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	const struct preview_options *o = l->opts;

	l->out->name = l->build->name;
	l->history = history_load(o->ctx->dirs->state, o->template_path, p, l->build);
	add_rows(l);
	if (o->off) {
		explain_off(l->out, o->off);
	} else if (look_at(l, p, &e) < 0) {
		if (o->policy.from || e->kind == ERROR_CANCELLED)
			return error_move(err, TAKE(e));
		l->out->problem = redactor_copy(p->options.redactor, e->message);
		explain_off(l->out, NULL);
	}
	ask_durations(l);
	return 0;
}

/* ---- all builds ------------------------------------------------------------------------------- */

static const struct preview_step *same_row(const struct preview_build *b, size_t row,
					   const struct preview_step *s)
{
	const struct preview_step *other = row < b->steps.len ? &b->steps.items[row] : NULL;

	return other && s->key && text_eq(other->key, s->key) && other->kind == s->kind ? other
											: NULL;
}

/* A state that an earlier build makes is waited for, by builds whose machines can be kept. */
static void share(struct preview *p, const struct plan *plan, size_t build)
{
	struct preview_build *b = &p->builds[build];

	for (size_t i = 0; i < b->steps.len; i++) {
		struct preview_step *s = &b->steps.items[i];

		for (size_t k = 0; k < p->len; k++) {
			const struct preview_step *other = same_row(&p->builds[k], i, s);

			if (!other || k == build)
				continue;
			if (s->duration < 0)
				s->duration = other->duration;
			if (k > build || s->action != PREVIEW_RUN || s->never || s->with ||
			    other->action == PREVIEW_REUSE || s->kind == HISTORY_FINISH ||
			    s->kind == HISTORY_POST || !plan->builds[build].type->checkpoints)
				continue;
			s->action = PREVIEW_SHARE;
			s->with = other->with ? other->with : p->builds[k].name;
		}
	}
}

static void add_up(struct preview_build *b)
{
	for (size_t i = 0; i < b->steps.len; i++) {
		const struct preview_step *s = &b->steps.items[i];

		if (s->action != PREVIEW_RUN)
			continue;
		b->is_guess |= s->duration < 0;
		b->duration += MAX(s->duration, INT64_C(0));
	}
}

int preview_make(const struct plan *p, const struct preview_options *opts, struct preview *ret,
		 struct error **err)
{
	struct preview all = { .builds = xcalloc(p->len, sizeof(*all.builds)) };

	for (; all.len < p->len; all.len++) {
		struct look l = { .build = &p->builds[all.len],
				  .opts = opts,
				  .redactor = p->options.redactor,
				  .out = &all.builds[all.len],
				  .from = SIZE_MAX,
				  .refresh = SIZE_MAX };
		int r = preview_build(&l, p, err);

		history_free(l.history);
		if (r < 0) {
			all.len++;
			preview_release(&all);
			return -1;
		}
	}
	for (size_t i = 0; i < all.len; i++)
		share(&all, p, i);
	for (size_t i = 0; i < all.len; i++)
		add_up(&all.builds[i]);
	*ret = all;
	return 0;
}

static void release_step(struct preview_step *s)
{
	history_change_release(&s->change);
	free(s->name);
	free(s->reason);
	free(s->never);
	free(s->key);
}

void preview_release(struct preview *p)
{
	for (size_t i = 0; i < p->len; i++) {
		struct preview_build *b = &p->builds[i];

		for (size_t k = 0; k < b->steps.len; k++)
			release_step(&b->steps.items[k]);
		vec_release(&b->steps);
		free(b->problem);
	}
	free(p->builds);
	*p = (struct preview){ 0 };
}
