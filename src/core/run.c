/* SPDX-License-Identifier: Apache-2.0 */
#include "core/run.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "core/keep.h"
#include "core/records.h"
#include "os/clock.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum {
	CLEANUP_SECONDS = 120,
	EVIDENCE_SECONDS = 10,
	CONSOLE_LINES_MAX = 16 * 1024,
	RESUME_SECONDS = 30, /* a machine that goes on answers at once, or never */
};

void build_step_start(struct build_run *run, enum history_kind kind, size_t i, const char *name)
{
	run->step_kind = kind;
	run->step_index = i;
	run->step++;
	run->step_name = name;
	run->step_started = clock_monotonic();
	ui_step_start(&run->ui, name, run->step, run->steps);
}

void build_step_end(struct build_run *run, bool ok)
{
	int64_t took = clock_monotonic() - run->step_started;

	ui_wait_end(&run->ui);
	ui_step_end(&run->ui, run->step_name, run->step, run->steps, took, ok);
	keep_note(run, ok, took);
	if (!ok)
		run->step--; /* it may be tried again */
}

void build_add_place(struct error **err, const char *what, const struct range *at)
{
	if (at->source && (*err)->kind != ERROR_CANCELLED)
		error_add_hint(err, "the %s is at %s:%d", what, at->source->name, at->start.line);
}

void build_add_output(struct build_run *run, struct error **err)
{
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	ui_output_tail(&run->ui, &tail);
	if (tail.len && (*err)->kind != ERROR_CANCELLED)
		error_add_hint(err, "the last lines of its output:\n%s", tail.buf);
}

static bool has_comm(const struct machine *m)
{
	return m->comm_type && strcmp(m->comm_type, "none") != 0;
}

static int count_steps(const struct plan_build *b)
{
	int n = 3 + (int)b->step_count; /* start, connect, finish */

	for (size_t i = 0; i < b->chain_count; i++)
		n += (int)b->chains[i].len;
	return n;
}

static int make_temp_dir(struct build_run *run, struct error **err)
{
	const char *base = run->opts->dirs->temp;
	AUTO_FREE char *path = xasprintf("%s/ingot-%s", base, journal_run_id(run->journal));

	if (journal_path(run->journal, path, &run->temp_dir_id, err) < 0)
		return -1;
	if (fs_mkdir(path, 0700, err) < 0) {
		journal_done(run->journal, run->temp_dir_id);
		return error_hint(err, "TMPDIR must name a directory that can be written");
	}
	run->temp_dir = TAKE(path);
	return 0;
}

static int prepare_run(struct build_run *run, struct error **err)
{
	const struct engine_options *o = run->opts;
	AUTO_FREE char *id = xasprintf("%s.%d", o->run_uuid, run->ui.build + 1);

	if (journal_open(o->dirs->state, id, &run->journal, err) < 0)
		return -1;
	if (make_temp_dir(run, err) < 0)
		return -1;
	run->ctx = (struct build_ctx){
		.info = &run->build->info,
		.ui = &run->ui,
		.cancel = run->stop,
		.journal = run->journal,
		.dirs = o->dirs,
		.cwd = o->cwd,
		.temp_dir = run->temp_dir,
		.run_uuid = o->run_uuid,
		.source_date_epoch = o->source_date_epoch,
		.environ = o->environ,
		.color = o->color,
		.abandon = run->abandon,
	};
	return 0;
}

/* What the console said last explains most failures of a guest. */
static void add_console(struct build_run *run, struct error **err)
{
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT_MAX(CONSOLE_LINES_MAX);

	if (!run->machine || !run->machine->ops->console_tail || (*err)->kind == ERROR_CANCELLED ||
	    (*err)->kind == ERROR_GONE)
		return;
	run->machine->ops->console_tail(run->machine, &tail);
	if (!tail.len)
		return;

	error_add_hint(err, "the last lines of the serial console:\n%s", tail.buf);
}

/*
 * What shows a person why it failed, before that is cleaned up. It takes part in
 * no decision: the first error stays the error.
 */
static void keep_evidence(struct build_run *run, struct error **err)
{
	struct machine *m = run->machine;
	AUTO_FREE char *dir = NULL, *files = NULL;
	AUTO(strv) struct strv list = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO(cancel)
	struct cancel *c =
		cancel_new(run->abandon, clock_deadline(EVIDENCE_SECONDS * NSEC_PER_SEC));

	if (!run->opts->evidence_dir || !m || !m->ops->evidence || (*err)->kind == ERROR_CANCELLED)
		return;
	dir = record_build_dir(run->opts->evidence_dir, run->build->name);
	run->ctx.cancel = c;
	if (fs_mkdir_all(dir, 0700, &e) == 0 && m->ops->evidence(m, &run->ctx, dir, &e) == 0 &&
	    fs_list(dir, &list, &e) == 0 && list.len) {
		files = strv_join(&list, ", ");
		error_add_hint(err, "kept of the machine: %s in %s", files, dir);
	}
	run->ctx.cancel = run->stop;
	if (e)
		ui_error(&run->ui, "warning: %s", e->message);
}

/* Under a token and a deadline of its own: the first interrupt must not stop the cleaning. */
static void clear_machine(struct build_run *run, bool keep_output)
{
	struct cancel *outer = run->ctx.cancel;
	int seconds = CLEANUP_SECONDS;

	if (!run->machine)
		return;
	if (run->machine->cleanup_seconds)
		seconds = run->machine->cleanup_seconds;

	AUTO(cancel)
	struct cancel *c = cancel_new(run->abandon, clock_deadline(seconds * NSEC_PER_SEC));

	run->ctx.cancel = c;
	run->machine->is_cancelled = cancel_is_triggered(run->stop);
	run->machine->ops->destroy(TAKE(run->machine), &run->ctx, keep_output);
	run->ctx.cancel = outer;
}

static int bring_up_once(struct build_run *run, struct error **err)
{
	struct machine *m;

	cancel_watch(run->ctx.cancel, -1, NULL, NULL);
	clear_machine(run, false); /* what an earlier try left */
	m = run->build->type->start(run->build->config, &run->ctx, keep_from(run), err);
	run->machine = m;
	if (!m || (m->ops->boot && m->ops->boot(m, &run->ctx, err) < 0))
		return -1;
	if (m->watch_fd >= 0)
		cancel_watch(run->ctx.cancel, m->watch_fd, m->ops->why_ended, m);
	return 0;
}

static int bring_up(struct build_run *run, struct error **err)
{
	while (bring_up_once(run, err) < 0)
		if (!keep_step_back(run, false, err))
			return -1;
	return 0;
}

static int start_machine(struct build_run *run, struct error **err)
{
	int r;

	build_step_start(run, HISTORY_START, 0, "start");
	r = bring_up(run, err);
	build_step_end(run, r == 0);
	if (r == 0)
		return 0;
	build_add_place(err, "source", &run->build->source->range);
	add_console(run, err);
	return -1;
}

static int call_machine(struct build_run *run, const struct comm_type *type, struct error **err)
{
	struct machine *m = run->machine;
	const struct checkpoint *from = keep_from(run);
	bool goes_on = from && from->has_memory;
	AUTO(cancel)
	struct cancel *c =
		cancel_new(run->ctx.cancel, goes_on ? clock_deadline(RESUME_SECONDS * NSEC_PER_SEC)
						    : DEADLINE_NEVER);

	run->comm = type->connect(m->comm_config, &m->target, &run->ctx, c, err);
	if (!run->comm)
		return -1;
	m->comm = run->comm;
	return goes_on && m->ops->resumed ? m->ops->resumed(m, &run->ctx, err) : 0;
}

static void hang_up(struct build_run *run)
{
	if (run->machine)
		run->machine->comm = NULL;
	comm_close(TAKE(run->comm));
}

/* A machine that was to go on, but is not to be had, is started in another way. */
static int call_until_it_answers(struct build_run *run, const struct comm_type *type,
				 struct error **err)
{
	while (call_machine(run, type, err) < 0) {
		hang_up(run);
		if (!keep_step_back(run, true, err) || bring_up(run, err) < 0)
			return -1;
	}
	return 0;
}

static int connect_machine(struct build_run *run, struct error **err)
{
	struct machine *m = run->machine;

	if (m->own_comm || !has_comm(m)) {
		run->steps--;
		run->comm = m->own_comm ? TAKE(m->own_comm) : comm_none_new(m->swallow_transfers);
		m->comm = run->comm;
	} else {
		const struct comm_type *type = components_comm(run->plan->components, m->comm_type);

		if (!type)
			return error_set(err, ERROR_INVALID, "unknown communicator type: %s",
					 m->comm_type);
		build_step_start(run, HISTORY_CONNECT, 0, "connect");

		int r = call_until_it_answers(run, type, err);

		build_step_end(run, r == 0);
		if (r < 0) {
			build_add_place(err, "source", &run->build->source->range);
			add_console(run, err);
			return -1;
		}
	}
	run->generated = build_generated_values(run);
	keep_connected(run);
	return 0;
}

static int provision(struct build_run *run, struct error **err)
{
	if (run->machine->is_sealed) {
		run->steps -= (int)run->build->step_count;
		if (run->build->step_count)
			ui_error(&run->ui,
				 "warning: the builder %s ended without asking for the "
				 "provisioners; they are skipped",
				 run->build->type->name);
		return 0;
	}
	if (build_provision(run, err) == 0)
		return 0;
	add_console(run, err);
	return -1;
}

static int finish_machine(struct build_run *run, struct error **err)
{
	struct machine *m = run->machine;
	int r;

	build_step_start(run, HISTORY_FINISH, 0, "finish");
	r = m->ops->finish(m, &run->ctx, &run->built, err);
	build_step_end(run, r == 0);
	if (r < 0)
		build_add_place(err, "source", &run->build->source->range);
	else if (run->built && !run->built->generated_data)
		/* with what is known only now */
		run->built->generated_data = build_generated_values(run);
	return r;
}

/* ---- the clean-up of each phase ------------------------------------------------- */

static void destroy_machine(struct build_run *run, struct error **err)
{
	clear_machine(run, *err == NULL);
}

static void disconnect(struct build_run *run, struct error **err)
{
	(void)err;
	hang_up(run);
}

static void sweep(struct build_run *run, struct error **err)
{
	if (*err && (*err)->kind != ERROR_CANCELLED)
		build_error_cleanup(run, err);
}

/* ---- the phases ------------------------------------------------------------------ */

struct phase {
	const char *name; /* NULL: the builder's */
	int (*run)(struct build_run *run, struct error **err);
	/* *err: the error of the build, NULL when it went well; NULL: nothing to do */
	void (*undo)(struct build_run *run, struct error **err);
};

enum { PHASE_START, PHASE_CONNECT, PHASE_PROVISION, PHASE_FINISH, PHASE_COUNT };

static const struct phase phases[PHASE_COUNT] = {
	[PHASE_START] = { NULL, start_machine, destroy_machine },
	[PHASE_CONNECT] = { "StepConnect", connect_machine, disconnect },
	[PHASE_PROVISION] = { "StepProvision", provision, sweep },
	[PHASE_FINISH] = { NULL, finish_machine, NULL },
};

/* NULL: too small to be stopped at. */
static const char *phase_name(const struct build_run *run, int i)
{
	if (i == PHASE_START)
		return run->build->type->start_step;
	return i == PHASE_FINISH ? run->build->type->finish_step : phases[i].name;
}

static int run_phase(struct build_run *run, int i, struct error **err)
{
	const char *name = phase_name(run, i);
	const char *shown = name ? name : i == PHASE_START ? "start" : "finish";

	while (phases[i].run(run, err) < 0) {
		run->failed_phase = shown;
		if (!build_failed(run, shown, *err))
			return -1;
		error_ignore(err, "it is tried again");
	}
	if (name)
		build_pause(run, "after run of", name);
	return 0;
}

static void undo_phase(struct build_run *run, int i, bool succeeded, struct error **err)
{
	const char *name = phase_name(run, i);
	bool sweeps = run->after == AFTER_SWEEP && i == PHASE_PROVISION;

	if (name && succeeded)
		build_pause(run, "before cleanup of", name);
	if (*err && run->after != AFTER_CLEAN && !sweeps) {
		if (name || !succeeded)
			build_skip_cleanup(run, name, *err);
	} else if (phases[i].undo) {
		phases[i].undo(run, err);
	}
}

/* What nobody cleans up, and how to. The temporary directory alone is of no use to anybody. */
static void list_left(struct build_run *run)
{
	AUTO(strv) struct strv left = STRV_INIT;

	disconnect(run, NULL);
	if (run->machine && run->machine->ops->leave)
		run->machine->ops->leave(TAKE(run->machine), &run->ctx);
	journal_describe_open(run->journal, &left);
	run->is_left = left.len > 1;
	if (!run->is_left)
		return;
	for (size_t i = 0; i < left.len; i++)
		ui_error(&run->ui, "left behind: %s", left.v[i]);
	journal_keep(run->journal);
}

static void build_machine(struct build_run *run, struct error **err)
{
	AUTO(cancel) struct cancel *alive = cancel_new(run->stop, DEADLINE_NEVER);
	int entered = 0, r = 0;

	run->ctx.cancel = alive;
	while (r == 0 && entered < PHASE_COUNT)
		r = run_phase(run, entered++, err);
	cancel_watch(alive, -1, NULL, NULL);
	run->ctx.cancel = run->stop;
	if (r < 0)
		keep_evidence(run, err);
	keep_settle(run);
	for (int i = entered - 1; i >= 0; i--)
		undo_phase(run, i, r == 0 || i < entered - 1, err);
	if (run->machine)
		list_left(run);
}

static void remove_temp_dir(struct build_run *run)
{
	AUTO(error) struct error *e = NULL;

	if (!run->temp_dir || run->is_left)
		return;
	if (fs_remove_tree(run->temp_dir, &e) < 0)
		ui_error(&run->ui, "warning: %s", e->message);
	else
		journal_done(run->journal, run->temp_dir_id);
}

/* From whatever is there already. */
static void make(struct build_run *run, struct error **err)
{
	AUTO(artifact) struct artifact *built = NULL;
	enum keep_start start;

	if (keep_begin(run, &start, err) < 0 || start == KEEP_DONE)
		return;
	if (start == KEEP_RUN)
		build_machine(run, err);
	built = run->built ? artifact_ref(run->built) : NULL;
	if (built)
		keep_built(run);
	if (!*err && built && build_postprocess(run, TAKE(run->built), err) < 0)
		assert(*err);
	if (!*err && built)
		keep_finished(run, built);
}

void build_run(struct build_run *run)
{
	struct build_result *res = run->result;
	struct event ev = { .kind = EVENT_BUILD_START };
	int64_t started = clock_monotonic();
	struct error *err = NULL;

	run->steps = count_steps(run->build);
	ev.total = run->steps;
	ui_emit(&run->ui, &ev);
	if (prepare_run(run, &err) == 0)
		make(run, &err);
	keep_end(run);
	for (size_t i = 0; i < run->artifacts.len; i++)
		artifact_close(run->artifacts.items[i]);
	remove_temp_dir(run);

	res->error = err;
	res->cancelled = err && err->kind == ERROR_CANCELLED && cancel_is_triggered(run->stop);
	res->artifacts = run->artifacts.items;
	res->artifact_count = run->artifacts.len;
	res->duration = clock_monotonic() - started;
	artifact_unref(run->built);
	value_unref(run->generated);
	free(run->temp_dir);
	resolved_start_release(&run->ctx.resolved);
	ui_release(&run->ui);
	ev = (struct event){
		.kind = EVENT_BUILD_END,
		.ok = !err,
		.text = err ? err->message : NULL,
		.duration = res->duration,
	};
	ui_emit(&run->ui, &ev);
}
