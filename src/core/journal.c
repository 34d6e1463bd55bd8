/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer per file (its run), readers only once the run is dead. Lines:
 *   {"run":"ID","boot":"UUID","pid":123}
 *   {"id":1,"path":"/tmp/x"}
 *   {"id":2,"process":"qemu"}  {"id":2,"pid":77,"start":123456}
 *   {"id":3,"container":"ingot-x","tool":"docker","env":["DOCKER_HOST=…"]}
 *   {"id":1,"done":true}       {"keep":true}
 * Losing the last lines in a power cut is harmless: what they named lived in
 * processes and temporary places of that boot.
 */
#include "core/journal.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "core/journal_entry.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct journal {
	char *run_id;
	char *dir, *file;
	int fd;
	pthread_mutex_t mutex; /* guards entries, next_id */
	struct journal_entries entries;
	uint64_t next_id;
	bool keep;
	bool torn; /* the last line is not whole */
};

static int append(struct journal *j, json_t *line, struct error **err)
{
	AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);
	/* half a line must not take the next one with it */
	AUTO_FREE char *out = xasprintf("%s%s\n", j->torn ? "\n" : "", text);

	json_decref(line);
	log_debug("journal", "%s", text);
	if (fs_write_all(j->fd, out, strlen(out), j->file, err) == 0) {
		j->torn = false;
		return 0;
	}
	j->torn = true;
	error_add_hint(err, "INGOT_STATE_DIR can name another directory for the records of runs");
	return error_prefix(err, "cannot keep the journal");
}

/* Gets its name only once it is locked, so that recovery never takes it for dead. */
static int make_file(struct journal *j, struct error **err)
{
	AUTO_FREE char *fresh = xasprintf("%s.new", j->file);

	j->fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return error_set_errno(err, errno, "cannot create the journal '%s'", j->file);

	int r;

	do
		r = flock(j->fd, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		error_set_errno(err, errno, "cannot lock the journal '%s'", j->file);
	else
		r = fs_rename(fresh, j->file, err);
	if (r < 0)
		(void)unlink(fresh);
	return r;
}

int journal_open(const char *state_dir, const char *run_id, struct journal **ret,
		 struct error **err)
{
	AUTO(journal) struct journal *j = NEW(struct journal);

	j->fd = -1;
	j->next_id = 1;
	pthread_mutex_init(&j->mutex, NULL);
	j->run_id = xstrdup(run_id);
	j->dir = xasprintf("%s/runs/%s", state_dir, run_id);
	j->file = xasprintf("%s/journal", j->dir);
	if (fs_mkdir_all(j->dir, 0700, err) < 0) {
		error_hint(err, "INGOT_STATE_DIR can name another directory for the records of "
				"runs");
		return error_prefix(err, "cannot keep a journal");
	}
	if (make_file(j, err) < 0)
		return -1;
	if (append(j,
		   json_pack("{ss ss si}", "run", run_id, "boot", proc_boot_id(), "pid",
			     (int)getpid()),
		   err) < 0)
		return -1;
	*ret = TAKE(j);
	return 0;
}

void journal_rest(struct journal *j)
{
	bool clean = true;

	if (!j || j->fd < 0)
		return;
	for (size_t i = 0; i < j->entries.len; i++)
		clean &= j->entries.items[i].done;
	if (!clean && !j->keep)
		return;
	/* Removed under the lock: nobody can take it for a dead run's. */
	(void)unlink(j->file);
	(void)rmdir(j->dir);
	fd_close(j->fd);
	j->fd = -1;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_rest(j);
	if (j->fd < 0) /* also one that could not be opened */
		(void)rmdir(j->dir);
	fd_close(j->fd);
	journal_entries_release(&j->entries);
	pthread_mutex_destroy(&j->mutex);
	free(j->run_id);
	free(j->dir);
	free(j->file);
	free(j);
}

const char *journal_run_id(const struct journal *j)
{
	return j->run_id;
}

/* Returns the id of the new entry; the caller writes its line. */
static uint64_t add_entry(struct journal *j, struct journal_entry entry)
{
	pthread_mutex_lock(&j->mutex);

	uint64_t id = j->next_id++;

	entry.id = id;
	*vec_push(&j->entries) = entry;
	pthread_mutex_unlock(&j->mutex);
	return id;
}

static void mark_done(struct journal *j, uint64_t id)
{
	pthread_mutex_lock(&j->mutex);
	for (size_t i = 0; i < j->entries.len; i++)
		if (j->entries.items[i].id == id)
			j->entries.items[i].done = true;
	pthread_mutex_unlock(&j->mutex);
}

/* The first line of an entry. Without it nothing will be made, so nothing is left to do. */
static int begin(struct journal *j, uint64_t id, const char *key, const char *value,
		 uint64_t *ret_id, struct error **err)
{
	if (append(j, json_pack("{sI ss}", "id", (json_int_t)id, key, value), err) < 0) {
		mark_done(j, id);
		return -1;
	}
	*ret_id = id;
	return 0;
}

int journal_path(struct journal *j, const char *path, uint64_t *ret_id, struct error **err)
{
	return begin(
		j, add_entry(j, (struct journal_entry){ .path = xstrdup(path), .env = STRV_INIT }),
		"path", path, ret_id, err);
}

int journal_process(struct journal *j, const char *what, struct strv *env, uint64_t *ret_id,
		    struct error **err)
{
	const struct journal_entry entry = { .process = xstrdup(what), .env = STRV_INIT };
	uint64_t id;

	if (begin(j, add_entry(j, entry), "process", what, &id, err) < 0)
		return -1;
	for (size_t i = env->len; i-- > 0;)
		if (!strncmp(env->v[i], JOURNAL_ENV "=", strlen(JOURNAL_ENV "=")))
			strv_remove(env, i);
	strv_pushf(env, JOURNAL_ENV "=%s/%llu", j->run_id, (unsigned long long)id);
	*ret_id = id;
	return 0;
}

int journal_started(struct journal *j, uint64_t id, pid_t pid, struct error **err)
{
	uint64_t start = proc_start_time(pid);

	pthread_mutex_lock(&j->mutex);
	for (size_t i = 0; i < j->entries.len; i++)
		if (j->entries.items[i].id == id) {
			j->entries.items[i].pid = pid;
			j->entries.items[i].start = start;
		}
	pthread_mutex_unlock(&j->mutex);
	return append(j,
		      json_pack("{sI si sI}", "id", (json_int_t)id, "pid", (int)pid, "start",
				(json_int_t)start),
		      err);
}

int journal_container(struct journal *j, const char *tool, const char *name, char *const *env,
		      uint64_t *ret_id, struct error **err)
{
	struct journal_entry entry = { .container = xstrdup(name),
				       .tool = xstrdup(tool),
				       .env = STRV_INIT };
	json_t *where = json_array();

	for (; env && *env; env++)
		if (journal_is_container_variable(*env)) {
			strv_push(&entry.env, *env);
			(void)json_array_append_new(where, json_string(*env));
		}

	uint64_t id = add_entry(j, entry);
	json_t *line = json_pack("{sI ss ss so}", "id", (json_int_t)id, "container", name, "tool",
				 tool, "env", where);

	if (append(j, line, err) < 0) {
		mark_done(j, id);
		return -1;
	}
	(void)fdatasync(j->fd); /* it outlives a power cut */
	*ret_id = id;
	return 0;
}

void journal_done(struct journal *j, uint64_t id)
{
	AUTO(error) struct error *e = NULL;

	if (!id)
		return;
	mark_done(j, id);
	/* A lost "done" only makes gc look for something that is not there. */
	(void)append(j, json_pack("{sI sb}", "id", (json_int_t)id, "done", 1), &e);
}

void journal_keep(struct journal *j)
{
	AUTO(error) struct error *e = NULL;

	j->keep = true;
	(void)append(j, json_pack("{sb}", "keep", 1), &e);
}

void journal_describe_open(struct journal *j, struct strv *ret)
{
	pthread_mutex_lock(&j->mutex);
	for (size_t i = 0; i < j->entries.len; i++) {
		const struct journal_entry *e = &j->entries.items[i];

		if (e->done)
			continue;
		if (e->container)
			strv_pushf(ret, "container %s: remove it with: %s rm -f -v %s",
				   e->container, e->tool, e->container);
		else if (e->path && fs_exists(e->path))
			strv_pushf(ret, "'%s': remove it with: rm -rf '%s'", e->path, e->path);
		else if (e->process && e->pid && proc_start_time(e->pid) == e->start)
			strv_pushf(ret, "process %d (%s): end it with: kill %d", (int)e->pid,
				   e->process, (int)e->pid);
	}
	pthread_mutex_unlock(&j->mutex);
}
