/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing here is synced to the disk: a record that a power cut tears is read
 * as far as it goes, and a null build takes 5 ms.
 */
#include "core/record.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "core/event_json.h"
#include "core/json_text.h"
#include "core/records.h"
#include "core/story.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* From here on only what matters is kept, no output of commands. */
	CHATTER_MAX = 50 * 1024 * 1024,
	FLUSH_BYTES = 64 * 1024,
	LOCK_SECONDS = 2,
	TRIES = 3,
};

STRING_TABLE(run_outcome, RUN_OUTCOME_COUNT, "succeeded", "failed", "cancelled");

struct record {
	char *dir, *evidence;
	char *events_path;
	int fd;                /* of the events; holds the lock */
	int run_fd;            /* of run.json, once it is there; else -1 */
	int64_t started;       /* monotonic */
	struct strbuf waiting; /* lines not written yet */
	size_t bytes;          /* all lines so far */
	json_t *facts;         /* run.json but for the story */
	json_t *story;
	bool is_broken;
	struct error *error; /* not told yet */
};

static char *make_name(const char *run_uuid, int64_t wall)
{
	time_t seconds = (time_t)(wall / NSEC_PER_SEC);
	char when[sizeof("20260102T030405")];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	return xasprintf("%s.%06dZ-%s", when, (int)(wall % NSEC_PER_SEC / 1000), run_uuid);
}

/* Mostly the parent is there: the long way costs as much as the rest of a record. */
static int make_dir(const char *path, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (fs_mkdir(path, 0700, &e) == 0)
		return 0;
	if (e->kind != ERROR_NOT_FOUND && e->kind != ERROR_EXISTS)
		return error_move(err, TAKE(e));
	return fs_mkdir_all(path, 0700, err);
}

/* Between our two calls somebody who takes the folder for a dead run's may remove it. */
static int make_and_lock(struct record *r, struct error **err)
{
	for (int i = 0;; i++) {
		AUTO(error) struct error *e = NULL;
		int64_t deadline = clock_deadline(LOCK_SECONDS * NSEC_PER_SEC);

		if (make_dir(r->dir, err) < 0)
			return -1;
		if (lock_acquire(r->events_path, deadline, NULL, &r->fd, &e) == 0)
			break;
		if (e->kind != ERROR_NOT_FOUND || i == TRIES)
			return error_move(err, TAKE(e));
	}
	if (fchmod(r->fd, 0600) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s'",
				       r->events_path);
	return 0;
}

int record_open(const char *state_dir, const char *run_uuid, int64_t wall, struct record **ret,
		struct error **err)
{
	AUTO_FREE char *name = make_name(run_uuid, wall);
	AUTO_FREE char *root = path_join(state_dir, RECORDS_DIR);
	AUTO(strbuf) struct strbuf start = STRBUF_INIT;
	AUTO(record) struct record *r = NEW(struct record);

	r->fd = r->run_fd = -1;
	r->dir = path_join(root, name);
	r->evidence = path_join(r->dir, RECORD_EVIDENCE);
	r->events_path = path_join(r->dir, RECORD_EVENTS);
	r->started = clock_monotonic();
	strbuf_init(&r->waiting);
	r->facts = json_object();
	r->story = story_new();
	clock_format_utc(&start, wall);
	json_set_text(r->facts, "id", run_uuid);
	json_set_text(r->facts, "start", start.buf);
	if (make_and_lock(r, err) < 0)
		return -1;
	log_debug("record", "'%s'", r->dir);
	*ret = TAKE(r);
	return 0;
}

void record_close(struct record *r)
{
	if (!r)
		return;
	fd_close(r->run_fd);
	fd_close(r->fd);
	strbuf_release(&r->waiting);
	json_decref(r->facts);
	json_decref(r->story);
	error_free(r->error);
	free(r->dir);
	free(r->evidence);
	free(r->events_path);
	free(r);
}

const char *record_evidence_dir(const struct record *r)
{
	return r ? r->evidence : NULL;
}

struct error *record_take_error(struct record *r)
{
	return r ? TAKE(r->error) : NULL;
}

static void give_up(struct record *r, struct error *e)
{
	if (r->is_broken)
		error_free(e);
	else
		r->error = e;
	r->is_broken = true;
}

/*
 * In place, as it only grows: a new file and its new name cost a null build a tenth of its time.
 * Who reads meanwhile may see half of it, and takes the run for what it is, one in progress.
 */
static int put_run(struct record *r, const char *text, struct error **err)
{
	AUTO_FREE char *path = path_join(r->dir, RECORD_RUN);

	if (r->run_fd < 0)
		r->run_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (r->run_fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", path);
	if (lseek(r->run_fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", path);
	return fs_write_all(r->run_fd, text, strlen(text), path, err);
}

static void write_run(struct record *r)
{
	AUTO_FREE char *text = json_dumps(r->facts, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	AUTO_FREE char *line = xasprintf("%s\n", text);
	struct error *e = NULL;

	if (put_run(r, line, &e) < 0)
		give_up(r, e);
}

void record_facts(struct record *r, const struct record_facts *facts)
{
	json_t *arguments;

	if (!r)
		return;
	json_set_text(r->facts, "version", facts->version);
	json_set_text(r->facts, "template", facts->template_path);
	json_set_text(r->facts, "directory", facts->directory);
	arguments = json_array();
	for (char *const *a = facts->arguments; *a; a++)
		json_array_append_new(arguments, json_text(*a));
	json_object_set_new(r->facts, "arguments", arguments);
	write_run(r);
}

/* ---- events ------------------------------------------------------------------------ */

void record_flush(struct record *r)
{
	struct error *e = NULL;

	if (!r || r->is_broken || !r->waiting.len)
		return;
	if (fs_write_all(r->fd, r->waiting.buf, r->waiting.len, r->events_path, &e) < 0)
		give_up(r, e);
	strbuf_truncate(&r->waiting, 0);
}

static bool is_chatter(enum event_kind kind)
{
	return kind == EVENT_OUTPUT || kind == EVENT_PROGRESS || kind == EVENT_WAIT;
}

void record_event(struct record *r, const struct event *ev)
{
	if (!r || (r->bytes > CHATTER_MAX && is_chatter(ev->kind)))
		return;

	json_t *o = event_json(ev);
	AUTO_FREE char *line = event_json_line(o);
	size_t len = strlen(line);

	story_add(r->story, o);
	json_decref(o);
	r->bytes += len;
	if (r->is_broken)
		return;
	strbuf_add(&r->waiting, line, len);
	if (r->waiting.len >= FLUSH_BYTES)
		record_flush(r);
}

/* ---- the end ------------------------------------------------------------------------- */

static const char *status_of(const struct build_result *res)
{
	if (res->cancelled)
		return run_outcome_names[RUN_CANCELLED];
	return run_outcome_names[res->error ? RUN_FAILED : RUN_SUCCEEDED];
}

static void add_result(json_t *story, const struct build_result *res, struct redactor *redactor)
{
	json_t *build = story_build(story, res->name), *artifacts = json_array();

	json_set_text(build, "status", status_of(res));
	json_object_set_new(build, "seconds",
			    json_real((double)res->duration / (double)NSEC_PER_SEC));
	if (res->error) {
		AUTO_FREE char *message = redactor_copy(redactor, res->error->message);
		AUTO_FREE char *hint = redactor_copy(redactor, res->error->hint);
		json_t *error = json_object();

		json_set_text(error, "message", message);
		json_set_text(error, "hint", hint);
		json_object_set_new(build, "error", error);
	}
	if (res->failed_step)
		json_object_set_new(build, "failed_step",
				    json_integer((json_int_t)res->failed_step));
	json_set_text(build, "checkpoint", res->checkpoint);
	for (size_t i = 0; i < res->artifact_count; i++) {
		AUTO(artifact) struct artifact *a = NULL;

		if (!res->artifacts[i])
			continue;
		a = artifact_redacted(res->artifacts[i], redactor);
		json_array_append_new(artifacts, artifact_json(a));
	}
	json_object_set_new(build, "artifacts", artifacts);
}

void record_results(struct record *r, const struct build_result *results, size_t n,
		    struct redactor *redactor)
{
	json_t *ordered;

	if (!r)
		return;
	ordered = json_array();
	for (size_t i = 0; i < n; i++) {
		add_result(r->story, &results[i], redactor);
		json_array_append(ordered, story_build(r->story, results[i].name));
	}
	json_object_set_new(r->story, "builds", ordered);
}

void record_end(struct record *r, enum run_outcome outcome)
{
	AUTO(strbuf) struct strbuf end = STRBUF_INIT;

	if (!r)
		return;
	record_flush(r);
	clock_format_utc(&end, clock_wall());
	json_set_text(r->facts, "end", end.buf);
	json_object_set_new(
		r->facts, "seconds",
		json_real((double)(clock_monotonic() - r->started) / (double)NSEC_PER_SEC));
	json_set_text(r->facts, "result", run_outcome_names[outcome]);
	json_object_update(r->facts, r->story);
	write_run(r);
}
