/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and life cycle. min(parallel, builds) threads take the next build in
 * plan order; the only state they share is the counter and the done fd.
 */
#include "core/engine.h"

#include "base/alloc.h"
#include "base/str.h"
#include "core/run.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RUN_UUID "PACKER_RUN_UUID"

struct engine {
	const struct plan *plan;
	struct engine_options opts;
	struct strv environ; /* of children: they know the run */
	struct cancel *stop, *abandon;
	struct build_run *runs;
	struct build_result *results;
	pthread_t *threads;
	size_t thread_count;
	atomic_size_t next;       /* build to take */
	atomic_size_t unfinished; /* threads still running */
	int done_fd;
	bool joined;
};

/* n threads ended, or never started; the last one tells. */
static void finish_threads(struct engine *e, size_t n)
{
	uint64_t one = 1;

	if (atomic_fetch_sub(&e->unfinished, n) == n)
		(void)!write(e->done_fd, &one, sizeof(one));
}

static void *worker(void *arg)
{
	struct engine *e = arg;
	size_t i;

	while ((i = atomic_fetch_add(&e->next, 1)) < e->plan->len) {
		if (cancel_is_triggered(e->stop)) {
			e->results[i].cancelled = true;
			continue;
		}
		log_set_build(e->plan->builds[i].name);
		build_run(&e->runs[i]);
		journal_rest(e->runs[i].journal); /* many builds would hold many files open */
		log_set_build(NULL);
	}
	finish_threads(e, 1);
	return NULL;
}

static void make_environ(struct engine *e)
{
	char *const *old = e->opts.environ;

	strv_init(&e->environ);
	for (size_t i = 0; old && old[i]; i++)
		if (!text_starts_with(old[i], RUN_UUID "="))
			strv_push(&e->environ, old[i]);
	strv_pushf(&e->environ, RUN_UUID "=%s", e->opts.run_uuid);
	e->opts.environ = e->environ.v;
}

static void log_plan(const struct engine *e)
{
	log_write("plan", "run %s: %zu builds on %zu threads, on-error %s", e->opts.run_uuid,
		  e->plan->len, e->thread_count, e->opts.on_error);
	for (size_t i = 0; i < e->plan->len; i++) {
		const struct plan_build *b = &e->plan->builds[i];
		AUTO(strbuf) struct strbuf steps = STRBUF_INIT;

		for (size_t k = 0; k < b->step_count; k++)
			strbuf_addf(&steps, " %s", b->steps[k].type->name);
		log_write("plan", "%s: builder %s, provisioners:%s, %zu post-processor chains",
			  b->name, b->type->name, steps.len ? steps.buf : " none", b->chain_count);
	}
}

struct engine *engine_start(const struct plan *plan, const struct engine_options *opts,
			    struct error **err)
{
	AUTO_CLOSE int done_fd = eventfd(0, EFD_CLOEXEC);

	if (done_fd < 0) {
		error_set_errno(err, errno, "cannot start the builds");
		return NULL;
	}

	struct engine *e = NEW(struct engine);
	size_t n = plan->len;

	e->plan = plan;
	e->opts = *opts;
	make_environ(e);
	e->stop = cancel_new(NULL, DEADLINE_NEVER);
	e->abandon = cancel_new(NULL, DEADLINE_NEVER);
	e->done_fd = fd_take(&done_fd);
	e->runs = xcalloc(n, sizeof(*e->runs));
	e->results = xcalloc(n, sizeof(*e->results));
	for (size_t i = 0; i < n; i++) {
		e->results[i].name = plan->builds[i].name;
		e->runs[i] = (struct build_run){
			.plan = plan,
			.build = &plan->builds[i],
			.opts = &e->opts,
			.ui = { .sink = opts->sink,
				.redactor = opts->redactor,
				.build = (int)i,
				.build_name = plan->builds[i].name },
			.stop = e->stop,
			.abandon = e->abandon,
			.result = &e->results[i],
		};
	}
	e->thread_count = opts->parallel < 1 ? n : MIN(n, (size_t)opts->parallel);
	e->threads = xcalloc(e->thread_count, sizeof(*e->threads));
	atomic_store(&e->unfinished, e->thread_count);
	if (log_is_on)
		log_plan(e);
	for (size_t i = 0; i < e->thread_count; i++)
		if (pthread_create(&e->threads[i], NULL, worker, e)) {
			size_t missing = e->thread_count - i;

			/* Out of threads: the ones that run take the rest; with none, we do. */
			e->thread_count = i;
			if (i)
				finish_threads(e, missing);
			break;
		}
	if (!e->thread_count) { /* not even one: run here */
		atomic_store(&e->unfinished, 1);
		worker(e);
	}
	return e;
}

int engine_done_fd(const struct engine *e)
{
	return e->done_fd;
}

void engine_cancel(struct engine *e)
{
	bool again = cancel_is_triggered(e->stop);

	log_debug("cancel", "%s", again ? "cleaning up is given up" : "all builds are stopped");
	cancel_trigger(again ? e->abandon : e->stop);
}

void engine_describe_left(struct engine *e, struct strv *ret)
{
	for (size_t i = 0; i < e->plan->len; i++)
		if (e->runs[i].journal)
			journal_describe_open(e->runs[i].journal, ret);
}

const struct build_result *engine_wait(struct engine *e, size_t *ret_count)
{
	for (size_t i = 0; i < e->thread_count && !e->joined; i++)
		pthread_join(e->threads[i], NULL);
	e->joined = true;
	*ret_count = e->plan->len;
	return e->results;
}

void engine_free(struct engine *e)
{
	size_t n;

	if (!e)
		return;
	engine_wait(e, &n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < e->results[i].artifact_count; k++)
			artifact_unref(e->results[i].artifacts[k]);
		free(e->results[i].artifacts);
		error_free(e->results[i].error);
		free(e->results[i].checkpoint);
		journal_close(e->runs[i].journal);
	}
	strv_release(&e->environ);
	cancel_free(e->stop);
	cancel_free(e->abandon);
	fd_close(e->done_fd);
	free(e->runs);
	free(e->results);
	free(e->threads);
	free(e);
}
