/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keep.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "core/away_image.h"
#include "core/json_text.h"
#include "core/keep_state.h"
#include "os/clock.h"
#include "os/fd.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES_SECONDS = 60 };

/* ---- keeping ------------------------------------------------------------------------------------------- */

/* It can be removed only when no machine runs on its layers, and not if it was made again. */
static void remove_useless(struct keep *k)
{
	for (size_t i = 0; i < k->useless.len; i++) {
		AUTO(error) struct error *e = NULL;

		if (store_remove(store_of(k), k->useless.v[i], &e) < 0)
			error_ignore(&e, "somebody else uses it, or has removed it");
	}
	strv_release(&k->useless);
}

static json_t *describe(const struct build_run *run, size_t state)
{
	const struct keep *k = run->keep;
	AUTO_FREE char *step = reuse_step_name(run->build, state);
	json_t *meta = json_object(), *ran = json_array();

	json_set_text(meta, "build", run->build->name);
	json_set_text(meta, "step", step);
	json_object_set_new(meta, "index", json_integer((json_int_t)state));
	json_set_text(meta, "run", run->opts->run_uuid);
	json_set_text(meta, "parent", k->last);
	json_object_set_new(meta, "ran", ran);
	for (size_t i = 0; i < k->ran.len; i++)
		json_array_append_new(ran, json_integer(k->ran.v[i]));
	return meta;
}

static int make_checkpoint(struct build_run *run, size_t state, struct late_state *late,
			   struct error **err)
{
	struct keep *k = run->keep;

	if (store_stage(store_of(k), &late->stage, err) < 0)
		return -1;
	late->cp.dir = late->stage.dir;
	late->cp.disk_only = k->tainted;
	if (run->machine->ops->checkpoint(run->machine, &run->ctx, &late->cp, err) < 0)
		return -1;
	late->meta = describe(run, state);
	return keep_late_add(run, late, err);
}

/* They serve those who look into a failure, for which the last one is enough. While the machine runs
 * it uses them all. */
static void forget_passing(struct build_run *run)
{
	struct keep *k = run->keep;

	for (size_t i = 0; i < k->passing.len; i++) {
		AUTO(error) struct error *e = NULL;

		if (!text_eq(k->passing.v[i], run->result->checkpoint) &&
		    store_remove(store_of(k), k->passing.v[i], &e) < 0)
			error_ignore(&e, "it will be collected");
	}
	strv_release(&k->passing);
}

/* The claim is taken. */
static void keep_state(struct build_run *run, size_t state, const struct step_key *key,
		       int claim_fd)
{
	struct keep *k = run->keep;
	bool lasting = reuse_is_keyed(key) && !k->spoiled;
	struct late_state *late = NEW(struct late_state);
	AUTO(error) struct error *e = NULL;

	*late = (struct late_state){ .cp = { .layers = STRV_INIT },
				     .stage.lock_fd = -1,
				     .key = lasting ? xstrdup(key->hex) : keep_own_key(run, state),
				     .is_passing = !lasting,
				     .claim_fd = claim_fd,
				     .end_fd = -1,
				     .done_fd = -1,
				     .before_fd = -1 };
	keep_late_wait(run, LATE_MAX - 1);
	if (!k->can) {
		keep_late_free(late, &run->ctx);
	} else if (make_checkpoint(run, state, late, &e) < 0) {
		keep_late_free(late, &run->ctx);
		keep_late_wait(run, 0);
		keep_late_failed(run, &e);
	} else {
		free(k->last);
		k->last = xstrdup(late->key);
	}
}

static void foresee(struct keep *k, size_t state, const struct step_key *key)
{
	AUTO(error) struct error *e = NULL;

	step_key_release(&k->next);
	k->next = (struct step_key){ 0 };
	if (state + 1 < state_count(k) && reuse_next_key(&k->maker, state, key, &k->next, &e) < 0)
		error_ignore(&e, "then it has none: the step itself says what is wrong");
}

/* The claim of the next state is taken before the present one is seen by others. */
static void reached(struct build_run *run, size_t state, const struct step_key *key)
{
	struct keep *k = run->keep;
	int claim_fd = fd_take(&k->claim_fd);

	foresee(k, state, key);
	if (k->can && !k->spoiled)
		keep_claim_quietly(k, &k->next);
	keep_state(run, state, key, claim_fd);
	if (!k->can)
		fd_close(fd_take(&k->claim_fd));
}

/* Its disk answers where its memory did not: the next build need not wait for that again. */
static void note_memory(struct keep *k)
{
	AUTO(error) struct error *e = NULL;

	if (k->memory_failed && store_mark(k->entry, KEEP_BOOT_ONLY, &e) < 0)
		error_ignore(&e, "then it is tried again");
}

void keep_connected(struct build_run *run)
{
	struct keep *k = run->keep;
	size_t state = run->next_provisioner;
	struct step_key *key;

	if (!k)
		return;
	key = &k->reuse.states[state].key;
	k->can = run->machine->ops->checkpoint != NULL;
	run->step += (int)state;
	if (k->entry) {
		note_memory(k);
		free(k->last);
		free(k->kept);
		k->last = xstrdup(k->entry->key);
		k->kept = xstrdup(k->last);
		foresee(k, state, key); /* claimed from the beginning */
		return;
	}
	k->ran.v[0] = clock_wall();
	k->ran.len = 1;
	reached(run, state, key);
}

/* What the machine was made from, and is served, counts for all steps. Nothing is fetched for that. */
static bool is_start_still(struct build_run *run)
{
	struct keep *k = run->keep;
	const char *then = k->reuse.states[0].key.hex;
	AUTO(error) struct error *e = NULL;
	struct step_key now = { 0 };
	bool same = true;

	run->ctx.look_only = true;
	if (key_start(&k->maker, &now, &e) < 0)
		error_ignore(&e, "then nobody can tell");
	else if (now.hex && then)
		same = !strcmp(now.hex, then);
	run->ctx.look_only = false;
	step_key_release(&now);
	return same;
}

/* What the step read may have changed while it ran, even if it was changed back. */
static bool is_still(struct build_run *run, size_t i, const struct step_key *before)
{
	struct keep *k = run->keep;
	AUTO(error) struct error *e = NULL;
	struct step_key now = { 0 };
	bool same = reuse_next_key(&k->maker, i, before, &now, &e) == 0 &&
		    text_eq(now.hex, k->next.hex) && text_eq(now.stamp, k->next.stamp);

	if (e)
		error_ignore(&e, "then nobody knows");
	step_key_release(&now);
	return same && is_start_still(run);
}

static void note_change(struct build_run *run, size_t i)
{
	AUTO_FREE char *name = reuse_step_name(run->build, i + 1);

	run->keep->spoiled = true;
	ui_error(&run->ui,
		 "warning: something that step %zu (%s) reads changed while it ran: it and what "
		 "follows "
		 "are not kept for later builds",
		 i + 1, name);
}

void keep_step(struct build_run *run, size_t i, bool tolerated)
{
	struct keep *k = run->keep;
	struct step_key *key, *before;

	run->result->failed_step = 0;
	free(TAKE(run->result->checkpoint));
	if (!k)
		return;
	before = &k->reuse.states[i].key;
	key = &k->reuse.states[i + 1].key;
	k->tainted |= k->next.has_secret;
	k->ran.v[i + 1] = clock_wall();
	k->ran.len = i + 2;
	if (tolerated)
		k->spoiled = true;
	else if (!k->spoiled && k->next.hex && !is_still(run, i, before))
		note_change(run, i);
	step_key_release(key);
	*key = k->next;
	k->next = (struct step_key){ 0 };
	reached(run, i + 1, key);
}

/* ---- the end --------------------------------------------------------------------------------------------- */

void keep_failed(struct build_run *run, size_t i)
{
	struct keep *k = run->keep;

	run->result->failed_step = i + 1;
	if (!k)
		return;
	k->spoiled = true; /* if it is tried again: it runs on what the first try left */
	keep_late_wait(run, 0);
	free(run->result->checkpoint); /* of a try before this one */
	run->result->checkpoint = xstrdup(k->last);
}

static bool is_known(const struct keep *k)
{
	return !k->spoiled && reuse_is_keyed(&k->reuse.artifact);
}

/* The keys as they are now: files may have changed meanwhile. */
static int remake_final(struct keep *k, struct error **err)
{
	struct reuse now;

	if (reuse_look(&k->maker, &(struct reuse_policy){ .needs_artifact = true }, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.len; i++)
		k->spoiled |= !text_eq(now.states[i].key.hex, k->reuse.states[i].key.hex);
	k->spoiled |= !text_eq(now.artifact.hex, k->reuse.artifact.hex);
	for (size_t i = 0; i < now.post_count; i++)
		if (!text_eq(now.posts[i].hex, k->reuse.posts[i].hex))
			step_key_release(&now.final);
	step_key_release(&k->reuse.artifact);
	step_key_release(&k->reuse.final);
	k->reuse.artifact = now.artifact;
	k->reuse.final = now.final;
	now.artifact = now.final = (struct step_key){ 0 };
	reuse_release(&now);
	return 0;
}

void keep_built(struct build_run *run)
{
	struct keep *k = run->keep;
	AUTO(error) struct error *e = NULL;

	if (k && outcome_snapshot(run->built, &k->built_files, &e) < 0)
		error_ignore(&e, "then it counts as altered");
}

void keep_finished(struct build_run *run, struct artifact *built)
{
	struct keep *k = run->keep;
	AUTO(error) struct error *e = NULL;
	struct outcome o;

	if (!k || k->reuse.done)
		return;
	if (remake_final(k, &e) < 0) {
		error_ignore(&e, "then the next run makes it again");
		return;
	}
	if (!is_known(k))
		return;
	o = (struct outcome){
		.final = k->reuse.final.hex,
		.ran = k->ran,
		.built = built,
		.built_files = &k->built_files,
		.all = run->artifacts,
	};
	if (outcome_save(run->opts->dirs->state, k->reuse.artifact.hex, run->opts->cwd, &o, &e) < 0)
		ui_error(&run->ui,
			 "warning: the next run will not know that this build is done: %s",
			 e->message);
}

static void save_history(struct build_run *run)
{
	AUTO(error) struct error *e = NULL;

	if (run->keep->history && history_save(run->keep->history, &e) < 0)
		ui_error(&run->ui, "warning: 'ingot plan' will know nothing of this run: %s",
			 e->message);
}

/* The layer that the machine wrote to last, states that were replaced, and what killed runs left. */
static void collect_garbage(struct keep *k)
{
	AUTO(error) struct error *e = NULL;
	int removed;

	if (store_collect(store_of(k), 0, INT64_MAX, &removed, &e) < 0)
		error_ignore(&e, "the next run tries again");
}

/* Also what earlier runs could not, their engine being down. */
static void remove_images(struct build_run *run)
{
	AUTO(cancel)
	struct cancel *c = cancel_new(run->abandon, clock_deadline(IMAGES_SECONDS * NSEC_PER_SEC));

	(void)away_images_remove(store_of(run->keep), c);
}

void keep_settle(struct build_run *run)
{
	keep_late_wait(run, 0);
}

void keep_end(struct build_run *run)
{
	struct keep *k;

	if (!run->keep)
		return;
	keep_settle(run);
	save_history(run);
	k = run->keep;
	keep_let_go(k);
	forget_passing(run);
	remove_useless(k);
	if (run->ctx.store && k->maker.build->type->checkpoints)
		collect_garbage(k);
	remove_images(run);
	run->keep = NULL;
	history_free(k->history);
	reuse_release(&k->reuse);
	step_key_release(&k->next);
	free(k->last);
	free(k->kept);
	vec_release(&k->late);
	free(k->start_key);
	strv_release(&k->built_files);
	free(k->ran.v);
	free(k);
}
