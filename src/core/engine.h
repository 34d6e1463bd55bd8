/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a plan: one thread per running build, at most `parallel` at once. The
 * calling thread is free to render events and to watch signals meanwhile. Each
 * build keeps a journal of its own, RUN_UUID.N, below the state directory.
 */
#pragma once

#include "core/plan.h"

/* What happens to the machine when a build fails (cli.md 5.4). */
enum on_error { ON_ERROR_CLEANUP, ON_ERROR_ABORT, ON_ERROR_ASK, ON_ERROR_SWEEP };
extern const char *const on_error_names[]; /* as -on-error takes them; by the enum, then NULL */

struct engine_options {
	int parallel;         /* < 1: unlimited */
	const char *on_error; /* one of on_error_names */
	struct event_sink *sink;
	struct redactor *redactor;
	const struct host_dirs *dirs;
	const char *cwd;
	char *const *environ;
	const char *run_uuid;
	int64_t source_date_epoch;
	/* What explains a failed build goes to a directory of its name in here; NULL: nowhere. */
	const char *evidence_dir;
	const struct reuse_policy *reuse; /* NULL: every step runs, none is kept */
	const char *template_path;        /* absolute: whose history it is */
	bool color; /* people see output in colours: a program may add its own */
};

struct build_result {
	const char *name;    /* borrowed from the plan */
	struct error *error; /* NULL: success */
	bool cancelled;
	struct artifact **artifacts; /* owned references; NULL entry: `<nothing>` */
	size_t artifact_count;
	int64_t duration;
	/* After a failure in a provisioner: its number, and the kept state before it. */
	size_t failed_step; /* from 1; 0: none */
	char *checkpoint;   /* key in the store of finished steps; owned; NULL: none */
};

struct engine;
/* Starts; returns at once. The plan and the options' referents outlive the engine. */
MUST_CHECK struct engine *engine_start(const struct plan *plan, const struct engine_options *opts,
				       struct error **err);
/* Readable when all builds have ended. */
int engine_done_fd(const struct engine *e);
/* First call: every build stops where it waits and cleans up under a fresh deadline.
 * Second: clean-up is abandoned too. Async-signal-unsafe; call from the main thread. */
void engine_cancel(struct engine *e);
/* After the second: what was left behind and how to remove it. */
void engine_describe_left(struct engine *e, struct strv *ret);
/* Joins the threads; results in plan order, owned by the engine. */
const struct build_result *engine_wait(struct engine *e, size_t *ret_count);
void engine_free(struct engine *e);
DEFINE_AUTO(engine, struct engine *, engine_free);
