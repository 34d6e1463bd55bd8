/* SPDX-License-Identifier: Apache-2.0 */
/* Where a build begins: from what, after whom, and what if that does not work. */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/str.h"
#include "core/keep_state.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKS_MAX = 1000 };

/* The disks of the machine are in the store: with less than this it would come to a stop there. */
#define ROOM_MIN (INT64_C(256) << 20)

/* ---- where to start ---------------------------------------------------------------------------- */

void keep_let_go(struct keep *k)
{
	store_entry_free(TAKE(k->entry));
	strv_release(&k->from.layers);
	k->from = (struct checkpoint){ .layers = STRV_INIT };
	k->memory_failed = false;
	fd_close(fd_take(&k->claim_fd));
	fd_close(fd_take(&k->artifact_fd));
}

static bool may_wait(const struct keep *k)
{
	return !k->policy.from && !k->policy.refresh;
}

/* Whoever had the claim may have made it between our look and our claim. */
static bool is_made(const struct keep *k, const struct step_key *key)
{
	return k->claim_fd >= 0 && may_wait(k) &&
	       reuse_is_kept(&k->maker, &k->policy, k->reuse.begin, key);
}

/* Whoever waits holds nothing. */
static int wait_for(struct build_run *run, const struct step_key *key, const char *what,
		    struct error **err)
{
	int r;

	ui_wait(&run->ui, "another build that makes the same %s", what);
	if (!run->keep->told_wait)
		ui_say(&run->ui, "Waiting for another build that makes the same %s...", what);
	run->keep->told_wait = true;
	r = store_wait(store_of(run->keep), key->hex, run->ctx.cancel, err);
	ui_wait_end(&run->ui);
	return r;
}

/* 1: ours; 0: somebody had it, and has ended. */
static int claim(struct build_run *run, const struct step_key *key, struct error **err)
{
	struct keep *k = run->keep;
	AUTO(error) struct error *e = NULL;

	if (!reuse_is_keyed(key) || !k->maker.build->type->checkpoints)
		return 1;
	if (store_claim(store_of(k), key->hex, &k->claim_fd, &e) == 0)
		return !is_made(k, key);
	if (e->kind != ERROR_EXISTS)
		return error_move(err, TAKE(e));
	error_ignore(&e, "we wait for it");
	return may_wait(k) ? wait_for(run, key, "step", err) : 1;
}

/* So that two of the same build do not write to one place; the second finds it done. */
static int claim_artifact(struct build_run *run, struct error **err)
{
	struct keep *k = run->keep;
	const struct step_key *key = &k->reuse.artifact;
	AUTO(error) struct error *e = NULL;

	if (!reuse_is_keyed(key) || store_claim(store_of(k), key->hex, &k->artifact_fd, &e) == 0)
		return 1;
	if (e->kind != ERROR_EXISTS)
		return error_move(err, TAKE(e));
	error_ignore(&e, "we wait for it");
	fd_close(fd_take(&k->claim_fd));
	return wait_for(run, key, "image", err);
}

/* 1: held; 0: it is gone, look again. */
static int hold(struct build_run *run, const struct step_key *key, struct error **err)
{
	struct keep *k = run->keep;
	AUTO(error) struct error *e = NULL;

	if (store_get(store_of(k), key->hex, run->ctx.cancel, &k->entry, &e) < 0) {
		if (e->kind != ERROR_NOT_FOUND && e->kind != ERROR_INVALID)
			return error_move(err, TAKE(e));
		if (e->kind == ERROR_INVALID)
			ui_error(&run->ui, "warning: a kept step is of no use: %s", e->message);
		if (e->kind == ERROR_INVALID) /* somebody else may still hold it */
			strv_push(&k->useless, key->hex);
		error_ignore(&e, "the one before it will do");
		return 0;
	}
	k->from.dir = k->entry->dir;
	k->from.boot_only = store_is_marked(k->entry, KEEP_BOOT_ONLY);
	for (size_t i = 0; i < k->entry->layers.len; i++)
		strv_push(&k->from.layers, k->entry->layers.v[i]);
	return 1;
}

/* Those whose layers are gone elsewhere are of no use to anybody. */
static void note_lost(struct keep *k)
{
	for (size_t i = 0; i < k->reuse.len; i++)
		if (k->reuse.states[i].lost)
			strv_push(&k->useless, k->reuse.states[i].key.hex);
}

/* 1: settled, 0: look again, -1: error */
static int settle(struct build_run *run, struct error **err)
{
	struct keep *k = run->keep;
	struct reuse *r = &k->reuse;
	int ok;

	if (r->done || r->built)
		return 1;
	if (r->begin < r->len && (ok = claim(run, &r->states[r->begin].key, err)) <= 0)
		return ok;
	if ((ok = claim_artifact(run, err)) <= 0)
		return ok;
	return r->begin ? hold(run, &r->states[r->begin - 1].key, err) : 1;
}

static int find_start(struct build_run *run, struct error **err)
{
	struct keep *k = run->keep;

	for (int i = 0; i < LOOKS_MAX; i++) {
		int r;

		keep_let_go(k);
		reuse_release(&k->reuse);
		if (reuse_look(&k->maker, &k->policy, &k->reuse, err) < 0)
			return -1;
		note_lost(k);
		r = settle(run, err);
		if (r)
			return r < 0 ? -1 : 0;
	}
	return error_set(err, ERROR_IO, "the store of finished steps in '%s' changes all the time",
			 store_dir(store_of(k)));
}

/* ---- what is told ---------------------------------------------------------------------------------- */

static void say_age(const struct build_run *run, const char *what, const struct int64_list *ran)
{
	AUTO(strbuf) struct strbuf age = STRBUF_INIT;

	reuse_add_age(&age, clock_wall() - (ran->len ? ran->v[ran->len - 1] : 0));
	ui_say((struct ui *)&run->ui, "%s %s ago", what, age.buf);
}

static void say_start(struct build_run *run)
{
	const struct keep *k = run->keep;
	const struct reuse *r = &k->reuse;
	AUTO_FREE char *name = NULL, *text = NULL;

	if (!r->begin)
		return;
	name = reuse_step_name(run->build, r->begin - 1);
	if (r->begin == 1)
		text = xstrdup("Going on from the started machine, kept");
	else
		text = xasprintf("Going on after step %zu of %zu (%s), kept", r->begin - 1,
				 run->build->step_count, name);
	say_age(run, text, &r->states[r->begin - 1].ran);
	if (k->from.boot_only)
		ui_say(&run->ui, "Its disk is booted: its memory did not go on before");
}

static void log_keys(const struct build_run *run)
{
	const struct reuse *r = &run->keep->reuse;

	for (size_t i = 0; i < r->len; i++)
		log_write("reuse", "state %zu: key %.12s%s%s%s", i,
			  r->states[i].key.hex ? r->states[i].key.hex : "unknown",
			  r->states[i].kept ? ", kept" : "", r->states[i].key.never ? ", " : "",
			  r->states[i].key.never ? r->states[i].key.never : "");
}

/* ---- begin ------------------------------------------------------------------------------------------ */

static void take_outcome(struct build_run *run, enum keep_start *ret)
{
	struct outcome *o = run->keep->reuse.outcome;

	if (run->keep->reuse.done) {
		for (size_t i = 0; i < o->all.len; i++)
			*vec_push(&run->artifacts) = artifact_ref(o->all.items[i]);
		say_age(run, "Up to date: the same build ran", &o->ran);
		*ret = KEEP_DONE;
	} else {
		run->built = artifact_ref(o->built);
		say_age(run, "The image is up to date, only post-processors run: it was made",
			&o->ran);
		*ret = KEEP_POST;
	}
}

static void copy_ran(struct keep *k)
{
	const struct int64_list *from = NULL;

	k->ran.v = xcalloc(state_count(k) + 1, sizeof(*k->ran.v));
	if (k->reuse.done || k->reuse.built)
		from = &k->reuse.outcome->ran;
	else if (k->reuse.begin)
		from = &k->reuse.states[k->reuse.begin - 1].ran;
	for (size_t i = 0; from && i < MIN(from->len, state_count(k)); i++)
		k->ran.v[k->ran.len++] = from->v[i];
}

static void note_keys(struct keep *k)
{
	const struct reuse *r = &k->reuse;

	for (size_t i = 0; i < r->len; i++) {
		enum history_kind kind = i ? HISTORY_STEP : HISTORY_START;
		size_t at = i ? i - 1 : 0;

		history_note_key(k->history, kind, at, &r->states[i].key);
		if (i < r->begin)
			history_note_end(k->history, kind, at, HISTORY_REUSED, 0);
	}
	history_note_key(k->history, HISTORY_FINISH, 0, &r->artifact);
	for (size_t i = 0; i < r->post_count; i++)
		history_note_key(k->history, HISTORY_POST, i, &r->posts[i]);
}

static void note_all_reused(struct keep *k)
{
	const struct reuse *r = &k->reuse;

	for (size_t i = 0; i < r->len; i++)
		history_note_end(k->history, i ? HISTORY_STEP : HISTORY_START, i ? i - 1 : 0,
				 HISTORY_REUSED, 0);
	history_note_end(k->history, HISTORY_FINISH, 0, HISTORY_REUSED, 0);
	for (size_t i = 0; i < r->post_count && r->done; i++)
		history_note_end(k->history, HISTORY_POST, i, HISTORY_REUSED, 0);
}

/* How long a machine takes to start is what it takes from nothing. */
void keep_note(struct build_run *run, bool ok, int64_t took)
{
	bool resumes = keep_from(run) &&
		       (run->step_kind == HISTORY_START || run->step_kind == HISTORY_CONNECT);

	if (run->keep && !resumes)
		history_note_end(run->keep->history, run->step_kind, run->step_index,
				 ok                               ? HISTORY_DONE
				 : cancel_is_triggered(run->stop) ? HISTORY_NOT_RUN
								  : HISTORY_FAILED,
				 took);
}

char *keep_own_key(const struct build_run *run, size_t state)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *text = xasprintf("%s %s %zu", run->opts->run_uuid, run->build->name, state);

	digest_add(d, text, strlen(text));
	return digest_finish_hex(d);
}

/* A build that starts from nothing keeps keys of its own when its start has none. */
static void set_start(struct build_run *run)
{
	struct keep *k = run->keep;
	struct reuse *r = &k->reuse;

	run->ctx.store = store_of(k);
	k->start_key = reuse_is_keyed(&r->states[0].key) ? xstrdup(r->states[0].key.hex)
							 : keep_own_key(run, 0);
	run->ctx.start_key = k->start_key;
	run->next_provisioner = r->begin ? r->begin - 1 : 0;
}

/* What others kept makes way. */
static int make_room(struct store *s, struct error **err)
{
	struct store_usage usage;
	int64_t room;
	int removed;

	if (fs_free_space(store_dir(s), &room, err) < 0)
		return -1;
	if (room >= ROOM_MIN)
		return 0;
	if (store_usage(s, &usage, err) < 0 ||
	    store_collect(s, 0, MAX(usage.bytes - (ROOM_MIN - room), INT64_C(0)), &removed, err) <
		    0 ||
	    fs_free_space(store_dir(s), &room, err) < 0)
		return -1;
	if (room >= ROOM_MIN)
		return 0;
	return error_set(err, ERROR_IO,
			 "only %lld MiB are free on the file system of '%s' (INGOT_CACHE_DIR can "
			 "name another place)",
			 (long long)(room >> 20), store_dir(s));
}

static bool needs_machine(const struct keep *k)
{
	return k->maker.build->type->checkpoints && !k->reuse.done && !k->reuse.built;
}

/* What is really wrong the build itself finds, and says better. */
static int go_without(struct build_run *run, struct error **err)
{
	if ((*err)->kind == ERROR_CANCELLED || run->opts->reuse->from)
		return -1;
	ui_error(&run->ui, "warning: finished steps are neither reused nor kept: %s",
		 (*err)->message);
	error_ignore(err, "said");
	keep_end(run);
	return 0;
}

int keep_begin(struct build_run *run, enum keep_start *ret, struct error **err)
{
	struct keep *k;

	*ret = KEEP_RUN;
	if (!run->opts->reuse || !run->opts->reuse->store)
		return 0;
	k = run->keep = NEW(struct keep);
	*k = (struct keep){
		.maker = { .plan = run->plan,
			   .build = run->build,
			   .ctx = &run->ctx,
			   .secret = store_secret(run->opts->reuse->store),
			   .redactor = run->opts->redactor },
		.policy = *run->opts->reuse,
		.useless = STRV_INIT,
		.from = { .layers = STRV_INIT },
		.passing = STRV_INIT,
		.built_files = STRV_INIT,
		.claim_fd = -1,
		.artifact_fd = -1,
	};
	k->policy.useless = &k->useless;
	if (find_start(run, err) < 0 || (needs_machine(k) && make_room(store_of(k), err) < 0))
		return go_without(run, err);
	if (log_is_on)
		log_keys(run);
	copy_ran(k);
	k->history = history_load(run->opts->dirs->state, run->opts->template_path, run->plan,
				  run->build);
	note_keys(k);
	if (k->reuse.done || k->reuse.built) {
		note_all_reused(k);
		take_outcome(run, ret);
		return 0;
	}
	set_start(run);
	say_start(run);
	return 0;
}

struct checkpoint *keep_from(struct build_run *run)
{
	return run->keep && run->keep->entry ? &run->keep->from : NULL;
}

/* ---- another way ------------------------------------------------------------------------------------- */

void keep_claim_quietly(struct keep *k, const struct step_key *key)
{
	AUTO(error) struct error *e = NULL;

	if (reuse_is_keyed(key) && store_claim(store_of(k), key->hex, &k->claim_fd, &e) < 0)
		error_ignore(&e, "somebody makes it, too");
}

static void start_lower(struct build_run *run)
{
	struct keep *k = run->keep;
	struct reuse *r = &k->reuse;
	AUTO(error) struct error *e = NULL;
	size_t i = r->begin - 1; /* this one was no use */

	keep_let_go(k);
	for (; i > 0; i--) {
		if (!r->states[i - 1].kept)
			continue;
		if (hold(run, &r->states[i - 1].key, &e) == 1)
			break;
		if (e)
			error_ignore(&e, "then the one below");
	}
	r->begin = i;
	k->ran.len = i;
	run->next_provisioner = i ? i - 1 : 0;
	keep_claim_quietly(k, &r->states[i].key);
}

bool keep_step_back(struct build_run *run, bool started, struct error **err)
{
	struct keep *k = run->keep;

	if (!keep_from(run) || cancel_is_triggered(run->stop) || (*err)->kind == ERROR_CANCELLED)
		return false;
	if (!started && (*err)->kind != ERROR_INVALID)
		return false;
	if (started && k->from.has_memory && !k->from.boot_only) {
		ui_say(&run->ui, "The kept machine does not go on (%s): its disk is booted",
		       (*err)->message);
		k->from.boot_only = k->memory_failed = true;
	} else {
		ui_say(&run->ui, "What was kept is of no use (%s): going back further",
		       (*err)->message);
		strv_push(&k->useless, k->entry->key);
		start_lower(run);
		say_start(run);
	}
	k->from.has_memory = false;
	error_free(TAKE(*err));
	return true;
}
