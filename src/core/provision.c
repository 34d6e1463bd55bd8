/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the provisioners in order, each inside its wrappers: pause_before (else
 * timeout), max_retries, continue_on_error (language.md 18.5, cli.md 5.1).
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "core/run.h"
#include "os/clock.h"
#include "os/wait.h"

#include <stdlib.h>
#include <string.h>

enum { ERROR_CLEANUP_SECONDS = 600 };

static void set_text(struct map *m, const char *name, const char *text)
{
	if (!map_has(m, name))
		map_set(m, name, value_string(text));
}

/* provisioners.md 2.2 */
/* What builders without the feature have there. */
static void set_unset(struct map *values, const char *name, const char *text)
{
	if (!map_has(values, name))
		set_text(values, name, text);
}

struct value *build_generated_values(struct build_run *run)
{
	struct machine *m = run->machine;
	const struct comm_type *type =
		m->comm_type ? components_comm(run->plan->components, m->comm_type) : NULL;
	struct map values;

	value_map_init(&values);
	for (size_t i = 0; i < m->generated.len; i++)
		map_set(&values, m->generated.entries[i].key,
			value_ref(m->generated.entries[i].value));
	if (type && type->describe && m->comm_config)
		type->describe(m->comm_config, &m->target, &values);
	set_text(&values, "ConnType", m->comm_type ? m->comm_type : "none");
	set_text(&values, "Host", m->target.host ? m->target.host : "");
	if (!map_has(&values, "Port"))
		map_set(&values, "Port", value_int(m->target.port));
	set_text(&values, "ID", "ERR_ID_NOT_IMPLEMENTED_BY_BUILDER");
	set_text(&values, "PackerRunUUID", run->opts->run_uuid);
	set_unset(&values, "PackerHTTPIP", "ERR_HTTP_IP_NOT_IMPLEMENTED_BY_BUILDER");
	set_unset(&values, "PackerHTTPPort", "ERR_HTTP_PORT_NOT_IMPLEMENTED_BY_BUILDER");
	set_unset(&values, "PackerHTTPAddr", "ERR_HTTP_ADDR_NOT_IMPLEMENTED_BY_BUILDER");
	return value_object_take(&values);
}

static int first_diag(const struct diags *diags, struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	diags_format_error(&sb, diags);
	return error_set(err, ERROR_INVALID, "%s", sb.buf);
}

/* One try: wait, evaluate with the real build.* values, run. */
static int run_once(struct build_run *run, const struct plan_step *step, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct provision_ctx ctx = { .build = &run->ctx,
				     .comm = run->comm,
				     .generated = run->generated };
	const void *config = plan_resolve_step(run->plan, run->build, step, run->generated,
					       run->ctx.cancel, arena, &diags);

	if (!config || diags_has_errors(&diags))
		return first_diag(&diags, err);
	return step->type->run(config, &ctx, err);
}

static int run_paused(struct build_run *run, const struct plan_step *step, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	duration_format(&text, step->block->pause_before);
	ui_say(&run->ui, "Pausing %s before the next provisioner...", text.buf);
	if (io_pause(clock_deadline(step->block->pause_before), run->ctx.cancel, err) < 0)
		return -1;
	return run_once(run, step, err);
}

static int run_timed(struct build_run *run, const struct plan_step *step, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct cancel *outer = run->ctx.cancel;
	int64_t deadline = clock_deadline(step->block->timeout);

	duration_format(&text, step->block->timeout);
	ui_say(&run->ui, "Setting a %s timeout for the next provisioner...", text.buf);

	AUTO(cancel) struct cancel *inner = cancel_new(outer, deadline);

	run->ctx.cancel = inner;

	int r = run_once(run, step, err);

	run->ctx.cancel = outer;
	if (r < 0 && (*err)->kind == ERROR_TIMEOUT && clock_monotonic() >= deadline)
		ui_error(&run->ui, "Cancelling provisioner after a timeout...");
	return r;
}

static int run_wrapped(struct build_run *run, const struct plan_step *step, struct error **err)
{
	if (step->block->pause_before > 0)
		return run_paused(run, step, err);
	if (step->block->timeout > 0)
		return run_timed(run, step, err);
	return run_once(run, step, err);
}

/* Nothing is worth another try once the user or the machine ended it. */
static bool is_final(const struct error *e)
{
	return e->kind == ERROR_CANCELLED || e->kind == ERROR_GONE;
}

static int run_retried(struct build_run *run, const struct plan_step *step, struct error **err)
{
	AUTO(error) struct error *first = NULL;

	for (int64_t left = step->block->max_retries; left >= 0; left--) {
		AUTO(error) struct error *e = NULL;

		if (run_wrapped(run, step, &e) == 0)
			return 0;

		bool final = is_final(e);

		if (final || !step->block->max_retries)
			return error_move(err, TAKE(e));
		if (!first)
			first = TAKE(e);
		if (left)
			ui_error(&run->ui,
				 "Provisioner failed with \"%s\", retrying with %lld trie(s) left",
				 first->message, (long long)left);
	}
	ui_error(&run->ui, "retry limit reached.");
	return error_move(err, TAKE(first));
}

static int run_step(struct build_run *run, const struct plan_step *step, struct error **err)
{
	AUTO_FREE char *name = step->block->name
				       ? xasprintf("%s %s", step->type->name, step->block->name)
				       : xstrdup(step->type->name);

	build_step_start(run, name);

	int r = build_pause_before_provisioner(run, err);

	if (r == 0)
		r = run_retried(run, step, err);

	if (r < 0 && step->block->continue_on_error && !is_final(*err)) {
		ui_error(&run->ui,
			 "Warning: Provisioner failed with \"%s\", but continue_on_error is set; "
			 "continuing the build.",
			 (*err)->message);
		error_ignore(err, "the template asked for it");
		r = 0;
	}
	if (r < 0)
		build_add_place(err, "provisioner", &step->block->range);
	build_step_end(run, r == 0);
	run->step_name = step->type->name; /* `name` ends here */
	return r;
}

int build_provision(struct build_run *run, struct error **err)
{
	for (; run->next_provisioner < run->build->step_count; run->next_provisioner++)
		if (run_step(run, &run->build->steps[run->next_provisioner], err) < 0)
			return -1;
	return 0;
}

/* Nothing reaches a machine that has ended: a script for it fails at once. */
static void watch_machine(struct build_run *run, struct cancel *c, const struct error *e)
{
	const struct machine *m = run->machine;

	if (e->kind != ERROR_GONE) {
		if (m->watch_fd >= 0)
			cancel_watch(c, m->watch_fd, m->ops->why_ended, run->machine);
		return;
	}
	comm_close(run->comm);
	run->comm = comm_gone_new(e->message);
	run->machine->comm = run->comm;
}

void build_error_cleanup(struct build_run *run, struct error **err)
{
	const struct plan_step *step = run->build->error_cleanup;
	AUTO(cancel)
	struct cancel *c =
		cancel_new(run->abandon, clock_deadline(ERROR_CLEANUP_SECONDS * NSEC_PER_SEC));
	AUTO(error) struct error *e = NULL;
	struct cancel *outer = run->ctx.cancel;

	ui_say(&run->ui, "Provisioning step had errors: Running the cleanup provisioner, if "
			 "present...");
	if (!step)
		return;
	watch_machine(run, c, *err);
	run->ctx.cancel = c;
	if (run_retried(run, step, &e) < 0) {
		char *message = xasprintf("Cleanup failed: %s. Original Provisioning error: %s",
					  e->message, (*err)->message);

		free((*err)->message);
		(*err)->message = message;
	}
	run->ctx.cancel = outer;
}
