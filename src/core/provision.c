/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the provisioners in order, each inside its wrappers: pause_before (else
 * timeout), max_retries, continue_on_error (language.md 18.5, cli.md 5.1).
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/encode.h"
#include "core/keep.h"
#include "os/clock.h"
#include "os/wait.h"

#include <stdlib.h>
#include <string.h>

enum { ERROR_CLEANUP_SECONDS = 600 };

/* What a builder said itself stays. */
static void set_text(struct map *m, const char *name, const char *text)
{
	if (!map_has(m, name))
		map_set(m, name, value_string(text));
}

/* provisioners.md 2.2. Without a communicator nothing is known about one. */
static void describe_comm(const struct build_run *run, struct map *values)
{
	const struct machine *m = run->machine;
	const struct comm_type *type;

	if (!m->comm_type || !strcmp(m->comm_type, "none"))
		return;
	type = components_comm(run->plan->components, m->comm_type);
	if (type && type->describe && m->comm_config)
		type->describe(m->comm_config, &m->target, values);
	set_text(values, "ConnType", m->comm_type);
	set_text(values, "Host", m->target.host ? m->target.host : "");
	if (!map_has(values, "Port"))
		map_set(values, "Port", value_int(m->target.port));
}

struct value *build_generated_values(struct build_run *run)
{
	struct machine *m = run->machine;
	struct map values;

	value_map_init(&values);
	for (size_t i = 0; i < m->generated.len; i++)
		map_set(&values, m->generated.entries[i].key,
			value_ref(m->generated.entries[i].value));
	describe_comm(run, &values);
	set_text(&values, "ID", "ERR_ID_NOT_IMPLEMENTED_BY_BUILDER");
	set_text(&values, "PackerRunUUID", run->opts->run_uuid);
	set_text(&values, "PackerHTTPIP", "ERR_HTTP_IP_NOT_IMPLEMENTED_BY_BUILDER");
	set_text(&values, "PackerHTTPPort", "ERR_HTTP_PORT_NOT_IMPLEMENTED_BY_BUILDER");
	set_text(&values, "PackerHTTPAddr", "ERR_HTTP_ADDR_NOT_IMPLEMENTED_BY_BUILDER");
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

static int timed_out(struct build_run *run, const char *timeout, struct error **err)
{
	ui_error(&run->ui, "Cancelling provisioner after a timeout...");
	error_free(TAKE(*err));
	error_set(err, ERROR_TIMEOUT, "the provisioner did not end within its timeout of %s",
		  timeout);
	if (run->ui.waiting_for)
		error_hint(err, "it was waiting for %s", run->ui.waiting_for);
	return -1;
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
		return timed_out(run, text.buf, err);
	return r;
}

/* A pause disables the timeout (language.md 18.5). */
static int run_wrapped(struct build_run *run, const struct plan_step *step, struct error **err)
{
	if (step->block->pause_before)
		return run_paused(run, step, err);
	if (step->block->timeout)
		return run_timed(run, step, err);
	return run_once(run, step, err);
}

/* Nothing is worth another try once the user or the machine ended it. */
static bool is_final(const struct error *e)
{
	return e->kind == ERROR_CANCELLED || e->kind == ERROR_GONE;
}

/* Whatever the later tries say, the first error is the one that is told. */
static int run_retried(struct build_run *run, const struct plan_step *step, struct error **err)
{
	int64_t left = step->block->max_retries;

	if (run_wrapped(run, step, err) == 0)
		return 0;
	for (; left > 0 && !is_final(*err); left--) {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
		AUTO(error) struct error *again = NULL;

		encode_go_quoted(&quoted, (*err)->message, strlen((*err)->message));
		ui_say(&run->ui, "Provisioner failed with %s, retrying with %lld trie(s) left",
		       quoted.buf, (long long)left);
		if (run_wrapped(run, step, &again) == 0) {
			error_ignore(err, "a later try worked");
			return 0;
		}
		if (is_final(again)) {
			error_free(TAKE(*err));
			return error_move(err, TAKE(again));
		}
	}
	if (step->block->max_retries && !is_final(*err))
		ui_say(&run->ui, "retry limit reached.");
	return -1;
}

static int run_configured(struct build_run *run, const struct plan_step *step, bool *ret_tolerated,
			  struct error **err)
{
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	*ret_tolerated = false;
	if (run_retried(run, step, err) == 0)
		return 0;
	if (!step->block->continue_on_error || is_final(*err))
		return -1;
	encode_go_quoted(&quoted, (*err)->message, strlen((*err)->message));
	ui_error(
		&run->ui,
		"Warning: Provisioner failed with %s, but continue_on_error is set; continuing the "
		"build.",
		quoted.buf);
	error_ignore(err, "the template asked for it");
	*ret_tolerated = true;
	return 0;
}

/* A step that was cut off is not one that failed. */
static void explain_loss(const struct build_run *run, struct error **err)
{
	const struct comm_target *t = &run->machine->target;
	const char *why = run->comm->loss;

	if ((*err)->kind != ERROR_DISCONNECTED)
		return;
	error_add_hint(err,
		       "The provisioner did not fail: the connection to the machine (%s:%d) was "
		       "lost%s%s%s. If it restarts the machine, let it say so (expect_disconnect = "
		       "true in a shell provisioner); else look for what stopped the machine, its "
		       "network or its SSH server.",
		       t->host ? t->host : "", t->port, why ? " (" : "", why ? why : "",
		       why ? ")" : "");
}

/* Where the run is on record, it is found there. */
static void tell_of_attach(const struct build_run *run, struct error **err)
{
	bool several = run->plan->len > 1;

	if (!run->result->checkpoint || !run->opts->evidence_dir || (*err)->kind == ERROR_CANCELLED)
		return;
	error_add_hint(err,
		       "'ingot attach %.8s%s%s' opens a shell in the machine as it was before this "
		       "step",
		       run->opts->run_uuid, several ? " -build=" : "",
		       several ? run->build->name : "");
}

static int run_step(struct build_run *run, size_t i, struct error **err)
{
	const struct plan_step *step = &run->build->steps[i];
	bool tolerated = false;
	AUTO_FREE char *name = step->block->name
				       ? xasprintf("%s %s", step->type->name, step->block->name)
				       : xstrdup(step->type->name);

	build_step_start(run, HISTORY_STEP, i, name);

	int r = build_pause_before_provisioner(run, err);

	if (r == 0)
		r = run_configured(run, step, &tolerated, err);
	if (r < 0) {
		keep_failed(run, i);
		explain_loss(run, err);
		build_add_output(run, err);
		build_add_place(err, "provisioner", &step->block->range);
		tell_of_attach(run, err);
	}
	build_step_end(run, r == 0);
	run->step_name = step->type->name; /* `name` ends here */
	if (r == 0)
		keep_step(run, i, tolerated);
	return r;
}

int build_provision(struct build_run *run, struct error **err)
{
	for (; run->next_provisioner < run->build->step_count; run->next_provisioner++)
		if (run_step(run, run->next_provisioner, err) < 0)
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
	bool tolerated;

	ui_say(&run->ui, "Provisioning step had errors: Running the cleanup provisioner, if "
			 "present...");
	if (!step)
		return;
	watch_machine(run, c, *err);
	run->ctx.cancel = c;
	if (run_configured(run, step, &tolerated, &e) < 0) {
		char *message = xasprintf("Cleanup failed: %s. Original Provisioning error: %s",
					  e->message, (*err)->message);

		free((*err)->message);
		(*err)->message = message;
	}
	run->ctx.cancel = outer;
}
