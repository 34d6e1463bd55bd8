/* SPDX-License-Identifier: Apache-2.0 */
#include "core/run.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum { CLEANUP_SECONDS = 120, CONSOLE_LINES_MAX = 16 * 1024 };

void build_step_start(struct build_run *run, const char *name)
{
	run->step++;
	run->step_name = name;
	run->step_started = clock_monotonic();
	ui_step_start(&run->ui, name, run->step, run->steps);
}

void build_step_end(struct build_run *run, bool ok)
{
	ui_step_end(&run->ui, run->step_name, run->step, run->steps,
		    clock_monotonic() - run->step_started, ok);
}

void build_add_place(struct error **err, const char *what, const struct range *at)
{
	if (at->source && (*err)->kind != ERROR_CANCELLED)
		error_add_hint(err, "the %s is at %s:%d", what, at->source->name, at->start.line);
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

static int start_machine(struct build_run *run, struct error **err)
{
	build_step_start(run, "start");
	run->machine = run->build->type->start(run->build->config, &run->ctx, NULL, err);
	build_step_end(run, run->machine != NULL);
	if (run->machine)
		return 0;
	build_add_place(err, "source", &run->build->source->range);
	return -1;
}

static int connect_machine(struct build_run *run, struct error **err)
{
	struct machine *m = run->machine;

	if (!has_comm(m)) {
		run->steps--;
		run->comm = comm_none_new(m->swallow_transfers);
	} else {
		const struct comm_type *type = components_comm(run->plan->components, m->comm_type);

		if (!type)
			return error_set(err, ERROR_INVALID, "unknown communicator type: %s",
					 m->comm_type);
		build_step_start(run, "connect");
		run->comm =
			type->connect(m->comm_config, &m->target, &run->ctx, run->ctx.cancel, err);
		build_step_end(run, run->comm != NULL);
		if (!run->comm) {
			build_add_place(err, "source", &run->build->source->range);
			add_console(run, err);
			return -1;
		}
	}
	m->comm = run->comm;
	run->generated = build_generated_values(run);
	return 0;
}

static int use_machine(struct build_run *run, struct artifact **ret, struct error **err)
{
	struct machine *m = run->machine;
	int r = connect_machine(run, err);

	if (r == 0) {
		r = build_provision(run, err);
		if (r < 0)
			add_console(run, err);
	}
	if (r == 0) {
		build_step_start(run, "finish");
		r = m->ops->finish(m, &run->ctx, ret, err);
		build_step_end(run, r == 0);
		if (r < 0)
			build_add_place(err, "source", &run->build->source->range);
	}
	if (r < 0 && run->comm && run->generated && (*err)->kind != ERROR_CANCELLED)
		build_error_cleanup(run, err);
	return r;
}

/* Under a token and a deadline of its own: the first interrupt must not stop the cleaning. */
static void destroy_machine(struct build_run *run, bool keep_output)
{
	AUTO(cancel)
	struct cancel *c = cancel_new(run->abandon, clock_deadline(CLEANUP_SECONDS * NSEC_PER_SEC));

	if (run->machine)
		run->machine->comm = NULL;
	comm_close(TAKE(run->comm));
	if (!run->machine)
		return;
	run->ctx.cancel = c;
	run->machine->ops->destroy(TAKE(run->machine), &run->ctx, keep_output);
	run->ctx.cancel = run->stop;
}

static void leave_machine(struct build_run *run, const struct error *e)
{
	AUTO(strv) struct strv left = STRV_INIT;
	bool cancelled = e->kind == ERROR_CANCELLED;

	if (cancelled)
		ui_error(&run->ui, "Interrupted, aborting...");
	else
		ui_error(&run->ui, "Step \"%s\" failed, aborting...", run->step_name);
	journal_describe_open(run->journal, &left);
	for (size_t i = 0; i < left.len; i++)
		ui_error(&run->ui, "left behind: %s", left.v[i]);
	journal_keep(run->journal);
}

static void build_machine(struct build_run *run, struct artifact **ret, struct error **err)
{
	AUTO(cancel) struct cancel *alive = cancel_new(run->stop, DEADLINE_NEVER);
	int r;

	run->ctx.cancel = alive;
	r = start_machine(run, err);
	if (r == 0) {
		if (run->machine->watch_fd >= 0)
			cancel_watch(alive, run->machine->watch_fd, run->machine->ops->why_ended,
				     run->machine);
		r = use_machine(run, ret, err);
		cancel_watch(alive, -1, NULL, NULL);
	}
	run->ctx.cancel = run->stop;
	if (r < 0 && run->machine && !strcmp(run->opts->on_error, "abort")) {
		ui_error(&run->ui, "%s", (*err)->message);
		leave_machine(run, *err);
		comm_close(TAKE(run->comm));
		return;
	}
	destroy_machine(run, r == 0);
}

static void remove_temp_dir(struct build_run *run)
{
	AUTO(error) struct error *e = NULL;

	if (!run->temp_dir || run->machine) /* kept by -on-error=abort */
		return;
	if (fs_remove_tree(run->temp_dir, &e) < 0)
		ui_error(&run->ui, "warning: %s", e->message);
	else
		journal_done(run->journal, run->temp_dir_id);
}

void build_run(struct build_run *run)
{
	struct build_result *res = run->result;
	struct event ev = { .kind = EVENT_BUILD_START };
	int64_t started = clock_monotonic();
	AUTO(artifact) struct artifact *built = NULL;
	struct error *err = NULL;

	run->steps = count_steps(run->build);
	ev.total = run->steps;
	ui_emit(&run->ui, &ev);
	if (prepare_run(run, &err) == 0) {
		build_machine(run, &built, &err);
		if (!err && built && build_postprocess(run, TAKE(built), &err) < 0)
			assert(err);
	}
	remove_temp_dir(run);

	res->error = err;
	res->cancelled = err && err->kind == ERROR_CANCELLED && cancel_is_triggered(run->stop);
	res->artifacts = run->artifacts.items;
	res->artifact_count = run->artifacts.len;
	res->duration = clock_monotonic() - started;
	value_unref(run->generated);
	free(run->temp_dir);
	ev = (struct event){
		.kind = EVENT_BUILD_END,
		.ok = !err,
		.text = err ? err->message : NULL,
		.duration = res->duration,
	};
	ui_emit(&run->ui, &ev);
}
