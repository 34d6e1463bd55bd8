/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: load, plan, run, tell. The main thread renders events and watches
 * signals while the engine's threads build.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/question.h"
#include "cli/reuse_args.h"
#include "cli/silence.h"
#include "cli/template_args.h"
#include "core/engine.h"
#include "core/record.h"
#include "core/records.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/random.h"
#include "os/signals.h"
#include "os/tty.h"
#include "os/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 1000, SILENCE_SEC = 300, BLIND_MAX = 100 /* waits that failed in a row */ };

struct build_args {
	struct template_args t;
	struct reuse_args reuse;
	bool color, debug, force, timestamp_ui, json;
	bool warn_undeclared, ignore_prerelease, sequential, skip_enforcement, machine_readable;
	const char *on_error;
	int64_t parallel;
};

static const struct option_spec build_options[] = {
	OPT_BOOL(struct build_args, color, "color", "Colours (default true)."),
	OPT_BOOL(struct build_args, debug, "debug",
		 "One build after another, pausing at each step."),
	OPT_BOOL(struct build_args, force, "force", "Replace artifacts that exist."),
	OPT_BOOL(struct build_args, json, "json", "Print events as JSON lines."),
	OPT_BOOL(struct build_args, machine_readable, "machine-readable",
		 "Print comma-separated events."),
	OPT_CHOICE(struct build_args, on_error, "on-error", on_error_names,
		   "What happens to the machine when a step fails."),
	OPT_INT(struct build_args, parallel, "parallel-builds", "N",
		"Builds at once; less than 1 means all (default)."),
	OPT_BOOL(struct build_args, timestamp_ui, "timestamp-ui",
		 "Put the time before each message."),
	OPT_BOOL(struct build_args, warn_undeclared, "warn-on-undeclared-var",
		 "Warn about variables that are set but not declared."),
	OPT_BOOL(struct build_args, ignore_prerelease, "ignore-prerelease-plugins",
		 "Do not use plugins that are no releases."),
	OPT_BOOL(struct build_args, sequential, "use-sequential-evaluation",
		 "Evaluate data sources, then locals, in order."),
	OPT_IGNORED(struct build_args, skip_enforcement, "skip-enforcement",
		    "Builds are not published to a registry that could enforce provisioners."),
	REUSE_OPTIONS(struct build_args, reuse),
	TEMPLATE_OPTIONS(struct build_args, t),
	OPT_END,
};

struct session {
	struct command_ctx *ctx;
	const struct build_args *args;
	struct renderer *out;
	struct event_queue *queue;
	struct record *record; /* NULL: there is none */
	char *template_path;   /* absolute, or "-" */
	struct prompter prompter;
	struct silence silence;
	bool interrupted;
	int watched_out; /* standard output, until something happens to it */
	int64_t records_kept;
	bool prunes; /* records */
};

static bool shows_colors(const struct build_args *a, const struct command_ctx *ctx)
{
	return a->color && !ctx->no_color && !ctx->machine_readable && !a->json;
}

/* Not where the debug log scrolls. */
static bool has_live_lines(void)
{
	return tty_is_terminal(STDOUT_FILENO) && !log_is_on_terminal();
}

static struct renderer *make_renderer(const struct command_ctx *ctx, const struct build_args *a)
{
	struct human_options human = {
		.color = a->color && !ctx->no_color,
		.timestamps = a->timestamp_ui,
		.live = has_live_lines(),
	};

	if (ctx->machine_readable)
		return renderer_machine_new(stdout);
	if (a->json)
		return renderer_json_new(stdout);
	return renderer_human_new(stdout, &human);
}

/* Whatever is shown is recorded. */
static void put_event(struct session *s, const struct event *ev)
{
	s->out->ops->event(s->out, ev);
	record_event(s->record, ev);
}

PRINTF(3, 4) static void say(struct session *s, bool is_error, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct event ev = { .kind = is_error ? EVENT_ERROR : EVENT_SAY, .wall = clock_wall() };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	redactor_filter(s->ctx->redactor, &sb);
	log_ui(is_error, sb.buf);
	if (is_error)
		s->out->ops->error(s->out, sb.buf);
	else
		s->out->ops->say(s->out, sb.buf);
	ev.text = sb.buf;
	record_event(s->record, &ev);
}

static void print_diags(struct session *s, const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style style = { .width = 80, .caret = true };

	if (!diags->len)
		return;
	diags_format(&sb, diags, &style);
	say(s, diags_has_errors(diags), "%s", sb.buf);
}

/* ---- events and signals while the engine runs --------------------------------- */

/* False: what comes next has to wait until the question is answered. */
static bool show(void *data, const struct event *ev)
{
	struct session *s = data;

	silence_note(&s->silence, ev);
	put_event(s, ev);
	if (ev->kind == EVENT_QUESTION)
		prompter_ask(&s->prompter, ev);
	return !prompter_is_open(&s->prompter);
}

static void list_left(struct session *s, struct engine *e)
{
	AUTO(strv) struct strv left = STRV_INIT;

	engine_describe_left(e, &left);
	say(s, true, "Interrupted again: clean-up was abandoned.");
	for (size_t i = 0; i < left.len; i++)
		say(s, true, "left behind: %s", left.v[i]);
	if (left.len)
		say(s, true, "'ingot gc' removes all of it.");
}

static void on_signal(struct session *s, struct engine *e, enum signal_kind kind)
{
	if (kind == SIGNAL_NONE || kind == SIGNAL_RESIZE)
		return;
	prompter_close(&s->prompter);
	if (!s->interrupted)
		say(s, true, "Cancelling build after receiving %s",
		    kind == SIGNAL_TERMINATE ? "terminated" : "interrupt");
	engine_cancel(e);
	if (s->interrupted)
		list_left(s, e);
	s->interrupted = true;
}

/* `ingot build | head`: nobody is left to read what would be built. */
static void on_output_event(struct session *s, struct engine *e)
{
	s->watched_out = -1;
	if (s->interrupted || !fd_is_broken_pipe(STDOUT_FILENO))
		return;
	fputs("Cancelling build: the reader of standard output is gone\n", stderr);
	engine_cancel(e);
	s->interrupted = true;
}

static void show_notice(void *data, const struct event *ev)
{
	put_event(data, ev);
}

/* After a second without events, too. */
static void look_around(struct session *s, bool is_tick)
{
	if (prompter_is_open(&s->prompter))
		return;
	if (is_tick)
		s->out->ops->tick(s->out);
	silence_check(&s->silence, clock_monotonic(), show_notice, s);
}

/* A record that cannot be written is worth a warning, once, and no more. */
static void flush_record(struct session *s)
{
	AUTO(error) struct error *e = NULL;

	record_flush(s->record);
	e = record_take_error(s->record);
	if (e)
		say(s, true, "warning: the record of this run is not complete: %s", e->message);
}

static void show_events(struct session *s)
{
	prompter_look(&s->prompter);
	if (prompter_is_open(&s->prompter))
		event_queue_hush(s->queue);
	else
		event_queue_drain(s->queue, show, s);
	flush_record(s);
}

static void follow(struct session *s, struct engine *e, int signal_fd)
{
	int blind = 0;

	for (bool done = false; !done;) {
		AUTO(error) struct error *err = NULL;
		struct pollfd fds[] = {
			{ .fd = event_queue_fd(s->queue), .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = engine_done_fd(e), .events = POLLIN },
			{ .fd = s->watched_out },
			{ .fd = s->prompter.fd, .events = POLLIN },
		};
		int r = io_wait_many(fds, ARRAY_LEN(fds), clock_deadline(TICK_MS * NSEC_PER_MSEC),
				     NULL, &err);

		look_around(s, r < 0);
		if (r < 0 && err->kind == ERROR_TIMEOUT)
			continue;
		if (r < 0 && ++blind < BLIND_MAX)
			continue;
		if (r < 0) {
			say(s, true, "Cancelling build: %s", err->message);
			engine_cancel(e);
			s->interrupted = true;
			return;
		}
		blind = 0;
		done = fds[2].revents != 0;
		if (fds[4].revents)
			prompter_read(&s->prompter);
		show_events(s);
		if (fds[1].revents)
			on_signal(s, e, signals_read(signal_fd));
		if (fds[3].revents)
			on_output_event(s, e);
	}
}

/* ---- the summary ---------------------------------------------------------------- */

static void typed(struct session *s, const char *build, const char *type, const char *const *fields)
{
	if (s->ctx->machine_readable)
		machine_line(stdout, clock_wall(), build, type, fields);
}

static void show_failures(struct session *s, const struct build_result *results, size_t n,
			  size_t failed)
{
	AUTO_FREE char *count = xasprintf("%zu", failed);

	typed(s, NULL, "error-count", (const char *const[]){ count, NULL });
	say(s, true, "\n==> Some builds didn't complete successfully and had errors:");
	for (size_t i = 0; i < n; i++) {
		const struct build_result *r = &results[i];

		if (!r->error)
			continue;

		AUTO_FREE char *message = redactor_copy(s->ctx->redactor, r->error->message);

		typed(s, r->name, "error", (const char *const[]){ message, NULL });
		say(s, true, "--> %s: %s", r->name, r->error->message);

		AUTO(strbuf) struct strbuf hint = STRBUF_INIT;

		for (struct str rest = str_of(r->error->hint), line; rest.len;) {
			line = str_split(rest, '\n', &rest);
			strbuf_addf(&hint, "    %.*s\n", STR_FMT(line));
		}
		strbuf_rtrim(&hint);
		if (hint.len)
			say(s, true, "%s", hint.buf);
	}
}

static void type_artifact(struct session *s, const char *build, size_t i, const struct artifact *a)
{
	AUTO_FREE char *index = xasprintf("%zu", i);

	if (!a) {
		typed(s, build, "artifact", (const char *const[]){ index, "nil", NULL });
		typed(s, build, "artifact", (const char *const[]){ index, "end", NULL });
		return;
	}

	AUTO_FREE char *files = xasprintf("%zu", a->files.len);

	typed(s, build, "artifact",
	      (const char *const[]){ index, "builder-id", a->builder_id, NULL });
	typed(s, build, "artifact", (const char *const[]){ index, "id", a->id, NULL });
	typed(s, build, "artifact", (const char *const[]){ index, "string", a->text, NULL });
	typed(s, build, "artifact", (const char *const[]){ index, "files-count", files, NULL });
	for (size_t k = 0; k < a->files.len; k++) {
		AUTO_FREE char *nr = xasprintf("%zu", k);

		typed(s, build, "artifact",
		      (const char *const[]){ index, "file", nr, a->files.v[k], NULL });
	}
	typed(s, build, "artifact", (const char *const[]){ index, "end", NULL });
}

static void show_artifact(struct session *s, const struct build_result *r, int build, size_t i)
{
	AUTO(artifact)
	struct artifact *a =
		r->artifacts[i] ? artifact_redacted(r->artifacts[i], s->ctx->redactor) : NULL;
	struct event ev = {
		.kind = EVENT_ARTIFACT,
		.wall = clock_wall(),
		.build = build,
		.build_name = r->name,
		.artifact = a,
		.index = (int)i,
	};

	type_artifact(s, r->name, i, a);
	put_event(s, &ev);
	say(s, false, "--> %s: %s", r->name, a ? a->text : "<nothing>");
}

static size_t count_artifacts(const struct build_result *results, size_t n, bool failed)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		if (!results[i].error == !failed)
			total += results[i].artifact_count;
	return total;
}

static void list_artifacts(struct session *s, const struct build_result *results, size_t n,
			   bool failed)
{
	for (size_t i = 0; i < n; i++) {
		const struct build_result *r = &results[i];
		AUTO_FREE char *count = xasprintf("%zu", r->artifact_count);

		if (!r->artifact_count || !r->error != !failed)
			continue;
		typed(s, r->name, "artifact-count", (const char *const[]){ count, NULL });
		for (size_t k = 0; k < r->artifact_count; k++)
			show_artifact(s, r, (int)i, k);
	}
}

static void show_artifacts(struct session *s, const struct build_result *results, size_t n)
{
	size_t good = count_artifacts(results, n, false);
	size_t kept = count_artifacts(results, n, true);

	if (good)
		say(s, false, "\n==> Builds finished. The artifacts of successful builds are:");
	else if (!kept)
		say(s, false, "\n==> Builds finished but no artifacts were created.");
	list_artifacts(s, results, n, false);
	if (kept)
		say(s, false, "\n==> Kept, although their builds failed:");
	list_artifacts(s, results, n, true);
}

/* What an interrupted run has made all the same is on nobody's list but this one. */
static void show_kept(struct session *s, const struct build_result *results, size_t n)
{
	if (!count_artifacts(results, n, false) && !count_artifacts(results, n, true))
		return;
	say(s, false, "\n==> Kept, although the run was interrupted:");
	list_artifacts(s, results, n, false);
	list_artifacts(s, results, n, true);
}

static int summarize(struct session *s, const struct build_result *results, size_t n,
		     int64_t started)
{
	AUTO(strbuf) struct strbuf took = STRBUF_INIT;
	int64_t duration = clock_monotonic() - started;
	size_t failed = 0;

	duration_format_words(&took, duration);
	say(s, false, "\n==> Wait completed after %s", took.buf);
	for (size_t i = 0; i < n; i++)
		failed += results[i].error != NULL;
	record_results(s->record, results, n, s->ctx->redactor);

	struct event ev = {
		.kind = EVENT_RUN_END,
		.wall = clock_wall(),
		.build = -1,
		.ok = !failed && !s->interrupted,
		.duration = duration,
	};

	if (s->interrupted) {
		show_kept(s, results, n);
		say(s, false, "Cleanly cancelled builds after being interrupted.");
		put_event(s, &ev);
		return EXIT_ERROR;
	}
	if (failed)
		show_failures(s, results, n, failed);
	show_artifacts(s, results, n);
	put_event(s, &ev);
	return failed ? EXIT_ERROR : EXIT_OK;
}

/* ---- the run --------------------------------------------------------------------- */

/* Colour announcements are Packer's; they make no sense without colours, nor in a record. */
static void announce(struct session *s, const struct plan *plan)
{
	if (!shows_colors(s->args, s->ctx))
		return;
	for (size_t i = 0; i < plan->len; i++) {
		static const int colors[] = { 32, 36, 35, 33, 34 };

		AUTO_FREE char *line =
			xasprintf("\033[1;%dm%s: output will be in this color.\033[0m",
				  colors[i % ARRAY_LEN(colors)], plan->builds[i].name);

		s->out->ops->say(s->out, line);
	}
	s->out->ops->say(s->out, "");
}

static void report_recovered(void *data, const char *run_id, const char *what, bool ok)
{
	if (ok)
		say(data, false, "Cleaned up after run %s: %s", run_id, what);
}

/* A run that was killed earlier must not stand in the way of this one. */
static void recover(struct session *s)
{
	AUTO(error) struct error *e = NULL;
	int removed;

	if (journal_recover(s->ctx->dirs.state, report_recovered, s, &removed, &e) < 0)
		say(s, true, "warning: %s", e->message);
}

static int run_plan(struct session *s, const struct plan *plan, const struct reuse_policy *reuse)
{
	struct engine_options opts = {
		.parallel = s->args->debug ? 1 : (int)s->args->parallel,
		.on_error = s->args->on_error,
		.sink = event_queue_sink(s->queue),
		.redactor = s->ctx->redactor,
		.dirs = &s->ctx->dirs,
		.cwd = s->ctx->cwd,
		.environ = s->ctx->environ,
		.run_uuid = s->ctx->run_uuid,
		.source_date_epoch = command_source_date_epoch(),
		.evidence_dir = record_evidence_dir(s->record),
		.reuse = reuse->store ? reuse : NULL,
		.template_path = s->template_path,
		.color = shows_colors(s->args, s->ctx) && tty_is_terminal(STDOUT_FILENO),
	};
	AUTO_CLOSE int signal_fd = -1;
	AUTO(error) struct error *e = NULL;
	int64_t started = clock_monotonic();
	size_t n;

	interrupt_stop(&s->ctx->interrupt);
	if (signals_open(&signal_fd, &e) < 0) {
		say(s, true, "%s", e->message);
		return EXIT_ERROR;
	}
	recover(s);
	announce(s, plan);

	AUTO(engine) struct engine *engine = engine_start(plan, &opts, &e);

	if (!engine) {
		say(s, true, "%s", e->message);
		return EXIT_ERROR;
	}
	follow(s, engine, signal_fd);

	const struct build_result *results = engine_wait(engine, &n);

	event_queue_drain(s->queue, show, s);
	flush_record(s);
	s->out->ops->suspend(s->out);
	return summarize(s, results, n, started);
}

/* ---- the record -------------------------------------------------------------------- */

/* A place that cannot be used is worth one warning. */
static void prune_records(struct session *s, int64_t max_bytes)
{
	AUTO(error) struct error *e = NULL;
	int removed;

	if (!s->prunes ||
	    records_prune(s->ctx->dirs.state, s->records_kept, max_bytes, &removed, &e) == 0)
		return;
	s->prunes = false;
	say(s, true, "warning: cannot remove old records of runs: %s", e->message);
}

/* How many are there is looked at now, how large they are once this one is complete. */
static void open_record(struct session *s)
{
	AUTO(error) struct error *bad = NULL, *e = NULL;

	s->prunes = true;
	if (command_runs_kept(&s->records_kept, &bad) < 0)
		say(s, true, "warning: %s", bad->message);
	if (s->records_kept > 0 && record_open(s->ctx->dirs.state, s->ctx->run_uuid,
					       s->ctx->start_time, &s->record, &e) < 0) {
		s->prunes = false;
		say(s, true, "warning: this run is not recorded: %s", e->message);
	}
	prune_records(s, INT64_MAX);
}

/* `config` NULL: it has mistakes, so what is secret is not known. */
static void describe_run(struct session *s, const struct config *config)
{
	AUTO(strv) struct strv arguments = STRV_INIT;
	AUTO_FREE char *shown = redactor_copy(s->ctx->redactor, s->template_path);

	template_args_shown(s->ctx, config, &arguments);
	record_facts(s->record, &(struct record_facts){
					.version = INGOT_VERSION,
					.template_path = shown,
					.directory = s->ctx->cwd,
					.arguments = arguments.v,
				});
}

static void close_record(struct session *s, int exit_code)
{
	enum run_outcome outcome = s->interrupted         ? RUN_CANCELLED
				   : exit_code == EXIT_OK ? RUN_SUCCEEDED
							  : RUN_FAILED;

	flush_record(s);
	record_end(s->record, outcome);
	flush_record(s);
	record_close(TAKE(s->record));
	prune_records(s, RECORDS_BYTES_MAX);
}

/* Without a store the build does all of its work. */
static int run_with_store(struct session *s, const struct plan *plan)
{
	AUTO(error) struct error *e = NULL, *warning = NULL;
	struct reuse_policy reuse;
	int r;

	if (reuse_args_policy(s->ctx, &s->args->reuse, plan, &reuse, &warning, &e) < 0) {
		say(s, true, "Error: %s", e->message);
		if (e->hint)
			say(s, true, "%s", e->hint);
		return EXIT_ERROR;
	}
	if (warning)
		say(s, true, "warning: finished steps are neither kept nor reused: %s",
		    warning->message);
	reuse.needs_artifact = s->args->force;
	r = run_plan(s, plan, &reuse);
	store_close(reuse.store);
	return r;
}

/* ---- from the template on ------------------------------------------------------------ */

static int build(struct session *s, const char *path)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct template_plan how = { .debug = s->args->debug,
				     .force = s->args->force,
				     .on_error = s->args->on_error };
	const struct template_loading loading = { .warn_undeclared = s->args->warn_undeclared,
						  .sequential = s->args->sequential,
						  .releases_only = s->args->ignore_prerelease };
	AUTO(error) struct error *e = NULL;

	if (reuse_args_enabled(s->ctx, &s->args->reuse, &how.may_be_done, &e) < 0) {
		say(s, true, "Error: %s", e->message);
		return EXIT_ERROR;
	}

	AUTO(config)
	struct config *config = template_load(s->ctx, path, &s->args->t, &loading, &diags);
	bool broken = !config || diags_has_errors(&diags);

	options_warn_ignored(s->ctx->command->options, s->args, &diags);
	describe_run(s, broken ? NULL : config);

	if (!config) {
		print_diags(s, &diags);
		return EXIT_ERROR;
	}

	/* A template that must not run is planned all the same, to report the rest in one go. */
	AUTO(plan) struct plan *plan = template_plan(s->ctx, config, &s->args->t, &how, &diags);
	bool failed = diags_has_errors(&diags);

	print_diags(s, &diags);
	if (broken)
		return EXIT_ERROR;
	if (!plan->len) {
		if (!failed)
			say(s, true,
			    "Error: No builds to run\n\nA build command cannot run without at "
			    "least "
			    "one build to process. If the only or\nexcept flags have been "
			    "specified "
			    "at run time check that at least one build is\nselected for "
			    "execution.\n");
		return EXIT_ERROR;
	}
	if (s->args->debug)
		say(s, false, "Debug mode enabled. Builds will not be parallelized.");

	int r = run_with_store(s, plan);

	return failed ? EXIT_ERROR : r;
}

static int build_on_record(struct session *s, const char *path)
{
	int r;

	s->template_path = strcmp(path, "-") ? path_absolute(s->ctx->cwd, path) : xstrdup(path);
	open_record(s);
	r = build(s, path);
	close_record(s, r);
	free(s->template_path);
	return r;
}

/* How long a build may be silent before it has to say what it waits for. */
static int64_t patience(void)
{
	AUTO(error) struct error *e = NULL;
	const char *text = command_env("SILENCE");
	int64_t ns;

	if (text && duration_parse(text, &ns, &e) == 0)
		return ns;
	if (has_live_lines()) /* they show it */
		return 0;
	return SILENCE_SEC * NSEC_PER_SEC;
}

static int run(struct command_ctx *ctx)
{
	struct build_args args = { .color = true, .on_error = "cleanup" };
	const char *path;

	template_args_init(&args.t);

	int r = template_args_parse(ctx, &args, &path);

	if (r < 0) {
		AUTO(renderer) struct renderer *out = make_renderer(ctx, &args);
		AUTO(error) struct error *e = NULL;
		AUTO(event_queue) struct event_queue *queue = event_queue_new(&e);
		struct session s = { .ctx = ctx,
				     .args = &args,
				     .out = out,
				     .queue = queue,
				     .watched_out = STDOUT_FILENO };

		prompter_init(&s.prompter, queue, out);
		s.silence.patience = patience();
		r = queue ? build_on_record(&s, path) : EXIT_ERROR;
		if (!queue)
			say(&s, true, "%s", e->message);
		prompter_release(&s.prompter);
		silence_release(&s.silence);
	}
	template_args_release(&args.t);
	return r;
}

const struct command command_build = {
	.name = "build",
	.synopsis = "build image(s) from template",
	.usage = "[options] TEMPLATE",
	.doc = "Runs the builds of a template, at the same time, and leaves their artifacts.\n"
	       "The first interrupt (or SIGTERM) stops all builds and cleans up, the second\n"
	       "gives the cleaning up and lists what is left. Exit code 1 if anything failed.\n"
	       "\n"
	       "Without a terminal a build that was silent for five minutes says what it waits\n"
	       "for; INGOT_SILENCE=DURATION is another time, 0 means never.\n"
	       "\n"
	       "INGOT_LOG=1 writes a debug log to standard error, INGOT_LOG_PATH=FILE to a\n"
	       "file (also as PACKER_LOG, PACKER_LOG_PATH). It holds no secrets.\n"
	       "\n"
	       "Finished steps are kept, and reused by the next build that would do the same\n"
	       "('ingot plan' tells which). INGOT_CACHE=off or -no-cache runs all of them;\n"
	       "INGOT_CACHE_TTL=24h is how old a step may be (7 days), INGOT_CACHE_SIZE=30G\n"
	       "how much is kept (20 GiB or a tenth of the disk).\n"
	       "\n"
	       "A record of the run is kept: see 'ingot runs'.",
	.options = build_options,
	.run = run,
};
