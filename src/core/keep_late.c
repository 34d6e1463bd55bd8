/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States that are completed beside the running machine. It stands still for a checkpoint as shortly as can
 * be; compressing its memory, digests and publication follow on a thread of their own, one for each state, in
 * order: a state is published after the one before it, whose digests it takes over, and its claim is let
 * go of then. A few at most are under way: the build waits for the oldest before it makes one more, for
 * all when it has failed or its machine goes.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "core/keep_state.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { HURRY_SECONDS = 3 };

void keep_late_free(struct late_state *s, struct build_ctx *ctx)
{
	if (!s)
		return;
	if (s->cp.rest)
		s->cp.rest->release(s->cp.rest, ctx);
	if (s->stage.dir)
		store_discard(&s->stage);
	strv_release(&s->cp.layers);
	json_decref(s->meta);
	cancel_free(s->cancel);
	error_free(s->err);
	fd_close(s->claim_fd);
	fd_close(s->end_fd);
	fd_close(s->before_fd);
	fd_close(s->done_fd);
	free(s->key);
	free(s);
}

/* It ends without a word when it was not published. */
static int wait_for_the_one_before(struct late_state *s, struct error **err)
{
	char word;

	if (s->before_fd < 0)
		return 0;
	if (io_wait(s->before_fd, POLLIN, DEADLINE_NEVER, s->cancel, err) < 0)
		return -1;
	if (fd_read(s->before_fd, &word, 1) == 1)
		return 0;
	return error_set(err, ERROR_FAILED, "the step before is not kept");
}

static int complete(struct late_state *s, struct error **err)
{
	if (s->cp.rest && s->cp.rest->finish(s->cp.rest, s->cancel, err) < 0)
		return -1;
	if (wait_for_the_one_before(s, err) < 0)
		return -1;
	return store_publish(s->store, &s->stage, s->key, &s->cp.layers, s->meta, s->cancel, err);
}

static void *late_thread(void *data)
{
	struct late_state *s = data;
	int64_t since = clock_monotonic();

	log_set_build(s->build);
	if (complete(s, &s->err) == 0) {
		log_debug("keep", "state %.12s is complete after %lld ms", s->key,
			  (long long)((clock_monotonic() - since) / NSEC_PER_MSEC));
		if (fd_write(s->done_fd, "", 1) < 0)
			log_debug("keep", "nobody waits for it");
	}
	fd_close(fd_take(&s->claim_fd)); /* whoever waits for it looks now */
	fd_close(fd_take(&s->done_fd));
	log_set_build(NULL);
	return NULL;
}

/* ---- the build's side ------------------------------------------------------------------------------- */

static void took_place(struct keep *k, struct late_state *s)
{
	for (size_t i = k->useless.len; i-- > 0;)
		if (!strcmp(k->useless.v[i], s->key)) /* it was made again */
			strv_remove(&k->useless, i);
	free(k->kept);
	k->kept = xstrdup(s->key);
	if (s->is_passing)
		strv_push(&k->passing, s->key);
}

void keep_late_failed(struct build_run *run, struct error **err)
{
	struct keep *k = run->keep;

	free(k->last);
	k->last = xstrdup(k->kept);
	fd_close(fd_take(&k->claim_fd));
	if (!k->can || (*err)->kind == ERROR_CANCELLED || (*err)->kind == ERROR_GONE)
		error_ignore(err, "the build itself ends by it, or it was told");
	else
		ui_error(&run->ui, "warning: finished steps are not kept from here on: %s",
			 (*err)->message);
	k->can = false;
}

/* An interrupted build does not wait for long. */
static void wait_for_oldest(struct build_run *run)
{
	struct keep *k = run->keep;
	struct late_state *s = k->late.items[0];
	AUTO(error) struct error *e = NULL;

	if (io_wait(s->end_fd, POLLIN, DEADLINE_NEVER, run->stop, &e) < 0) {
		error_ignore(&e, "it has a moment left");
		if (io_wait(s->end_fd, POLLIN, clock_deadline(HURRY_SECONDS * NSEC_PER_SEC),
			    run->abandon, &e) < 0) {
			error_ignore(&e, "then it is not kept");
			cancel_trigger(s->cancel);
		}
	}
	pthread_join(s->thread, NULL);
	vec_remove(&k->late, 0);
	if (!s->err)
		took_place(k, s);
	else
		keep_late_failed(run, &s->err);
	keep_late_free(s, &run->ctx);
}

void keep_late_wait(struct build_run *run, size_t left)
{
	while (run->keep && run->keep->late.len > left)
		wait_for_oldest(run);
}

static int open_ends(struct keep *k, struct late_state *s, struct error **err)
{
	int pair[2];

	if (fd_pipe(pair, err) < 0)
		return -1;
	s->end_fd = pair[0];
	s->done_fd = pair[1];
	if (!k->late.len)
		return 0;
	s->before_fd = fcntl(k->late.items[k->late.len - 1]->end_fd, F_DUPFD_CLOEXEC, 3);
	return s->before_fd < 0 ? error_set_errno(err, errno, "cannot watch the step before") : 0;
}

int keep_late_add(struct build_run *run, struct late_state *s, struct error **err)
{
	struct keep *k = run->keep;
	int r;

	s->store = store_of(k);
	s->build = run->build->name;
	s->cancel = cancel_new(run->abandon, DEADLINE_NEVER);
	if (open_ends(k, s, err) < 0)
		return -1;
	r = pthread_create(&s->thread, NULL, late_thread, s);
	if (r)
		return error_set_errno(err, r, "cannot start a thread");
	*vec_push(&k->late) = s;
	return 0;
}
