/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finishes the cleaning of runs that died: reads the journals nobody holds,
 * ends the processes and removes the paths they left open. Works from the
 * files alone.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "core/journal.h"
#include "core/journal_entry.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum { ENVIRON_MAX = 1024 * 1024, KILL_WAIT_MS = 5000, EXEC_WAIT_MS = 50 };

struct dead_run {
	const char *id;
	const char *state_dir;
	struct journal_entries entries;
	bool is_ours; /* begins with the line that names this very run */
	bool keep;
	bool same_boot;
};

void journal_entries_release(struct journal_entries *entries)
{
	for (size_t i = 0; i < entries->len; i++) {
		free(entries->items[i].path);
		free(entries->items[i].process);
		free(entries->items[i].container);
		free(entries->items[i].tool);
		strv_release(&entries->items[i].env);
	}
	vec_release(entries);
}

/* `path` is `dir` or lies below it. */
static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

bool journal_may_remove(const char *path, const char *state_dir)
{
	static const char *const trees[] = { "/bin",  "/boot",  "/dev",   "/etc",
					     "/lib",  "/lib32", "/lib64", "/libx32",
					     "/proc", "/sbin",  "/sys",   "/usr" };
	static const char *const tops[] = { "/home", "/media", "/mnt", "/opt", "/root",
					    "/run",  "/srv",   "/tmp", "/var", "/var/tmp" };
	AUTO_FREE char *clean = path_clean(path);
	AUTO_FREE char *state = path_clean(state_dir);

	if (clean[0] != '/' || !clean[1] || strcmp(clean, path) != 0)
		return false;
	/* what lies below /dev/shm are files in memory, not devices */
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (is_within(clean, trees[i]) && !text_starts_with(clean, "/dev/shm/"))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(tops); i++)
		if (!strcmp(clean, tops[i]))
			return false;
	return !is_within(state, clean);
}

static struct journal_entry *entry_by_id(struct dead_run *run, uint64_t id)
{
	for (size_t i = 0; i < run->entries.len; i++)
		if (run->entries.items[i].id == id)
			return &run->entries.items[i];

	struct journal_entry *e = vec_push(&run->entries);

	e->id = id;
	strv_init(&e->env);
	return e;
}

static void read_container(struct journal_entry *e, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "container"));
	const char *tool = json_string_value(json_object_get(line, "tool"));
	json_t *env = json_object_get(line, "env");

	if (!name || !tool || e->container)
		return;
	e->container = xstrdup(name);
	e->tool = xstrdup(tool);
	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *text = json_string_value(json_array_get(env, i));

		if (text && journal_is_container_variable(text))
			strv_push(&e->env, text);
	}
}

static void read_line(struct dead_run *run, const char *text)
{
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!line) /* the torn last line of a power cut */
		return;

	const char *name = json_string_value(json_object_get(line, "run"));
	const char *boot = json_string_value(json_object_get(line, "boot"));
	const char *path = json_string_value(json_object_get(line, "path"));
	const char *process = json_string_value(json_object_get(line, "process"));
	json_t *id = json_object_get(line, "id");

	if (name && !strcmp(name, run->id))
		run->is_ours = true;
	if (!run->is_ours) {
		json_decref(line);
		return;
	}
	if (boot)
		run->same_boot = !strcmp(boot, proc_boot_id());
	if (json_is_true(json_object_get(line, "keep")))
		run->keep = true;
	if (json_is_integer(id)) {
		struct journal_entry *e = entry_by_id(run, (uint64_t)json_integer_value(id));

		if (path && !e->path)
			e->path = xstrdup(path);
		if (process && !e->process)
			e->process = xstrdup(process);
		read_container(e, line);
		if (json_is_integer(json_object_get(line, "pid"))) {
			e->pid = (pid_t)json_integer_value(json_object_get(line, "pid"));
			e->start = (uint64_t)json_integer_value(json_object_get(line, "start"));
		}
		e->done |= json_is_true(json_object_get(line, "done"));
	}
	json_decref(line);
}

/* Kills a process and all of its group; true once it is gone. */
static bool kill_group(pid_t pid)
{
	AUTO_CLOSE int fd = pidfd_open(pid, 0);
	AUTO(error) struct error *e = NULL;

	if (fd < 0)
		return errno == ESRCH;
	if (getpgid(pid) == pid)
		(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	return io_wait(fd, POLLIN, clock_deadline(KILL_WAIT_MS * NSEC_PER_MSEC), NULL, &e) == 0;
}

static bool environ_has(pid_t pid, const char *marker)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/environ", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(strbuf) struct strbuf env = STRBUF_INIT_MAX(ENVIRON_MAX);
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = fd_read(fd, strbuf_reserve(&env, 65536), 65536)) > 0 &&
	       env.len < ENVIRON_MAX / 2)
		strbuf_advance(&env, (size_t)n);
	for (const char *p = env.buf; p < env.buf + env.len; p += strlen(p) + 1)
		if (!strcmp(p, marker))
			return true;
	return false;
}

/* Processes that carry the entry's marker, started or not recorded in time. */
static int kill_marked(const char *run_id, uint64_t id, bool *ok)
{
	AUTO_FREE char *marker = xasprintf(JOURNAL_ENV "=%s/%llu", run_id, (unsigned long long)id);
	DIR *proc = opendir("/proc");
	int killed = 0;

	if (!proc) {
		*ok = false;
		return 0;
	}
	for (struct dirent *d; (d = readdir(proc));) {
		int64_t pid;

		if (!parse_int64(d->d_name, 10, &pid) || pid == getpid() ||
		    !environ_has((pid_t)pid, marker))
			continue;
		*ok &= kill_group((pid_t)pid);
		killed++;
	}
	closedir(proc);
	return killed;
}

static bool recover_process(struct dead_run *run, struct journal_entry *e, int *killed)
{
	bool ok = true;

	if (!run->same_boot)
		return true;
	if (e->pid && e->start && proc_start_time(e->pid) == e->start) {
		ok &= kill_group(e->pid);
		++*killed;
	}

	int found = kill_marked(run->id, e->id, &ok);

	/* In the middle of its exec() a process has no environment to be seen: look again. */
	if (!found && !e->pid) {
		AUTO(error) struct error *failed = NULL;

		if (io_pause(clock_deadline(EXEC_WAIT_MS * NSEC_PER_MSEC), NULL, &failed) < 0)
			error_ignore(&failed, "then without a pause");
		found = kill_marked(run->id, e->id, &ok);
	}
	*killed += found;
	return ok;
}

struct recovery {
	journal_report_fn report;
	void *data;
	int removed;
};

static void tell(struct recovery *r, const char *run_id, bool ok, const char *what)
{
	r->removed += ok;
	log_debug("recover", "run %s: %s: %s", run_id, ok ? "removed" : "left", what);
	if (r->report)
		r->report(r->data, run_id, what, ok);
}

static bool recover_container(struct dead_run *run, const struct journal_entry *e,
			      struct recovery *r)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *what = xasprintf("container %s", e->container);
	bool found = false;
	bool ok = journal_remove_container(e, &found, &err) == 0;

	if (found || !ok)
		tell(r, run->id, ok, ok ? what : err->message);
	return ok;
}

/* Processes first, so that nobody writes into the trees being removed, or makes a container. */
static bool recover_entries(struct dead_run *run, struct recovery *r)
{
	bool all = true;

	for (size_t i = run->entries.len; i-- > 0;) {
		struct journal_entry *e = &run->entries.items[i];
		int killed = 0;

		if (e->done || !e->process)
			continue;

		bool ok = recover_process(run, e, &killed);
		/* killed before it was told which process that is */
		AUTO_FREE char *what =
			e->pid ? xasprintf("process %d (%s)", (int)e->pid, e->process)
			       : xasprintf("a process (%s)", e->process);

		if (killed || !ok)
			tell(r, run->id, ok, what);
		all &= ok;
	}
	for (size_t i = run->entries.len; i-- > 0;)
		if (!run->entries.items[i].done && run->entries.items[i].container)
			all &= recover_container(run, &run->entries.items[i], r);
	for (size_t i = run->entries.len; i-- > 0;) {
		struct journal_entry *e = &run->entries.items[i];
		AUTO(error) struct error *err = NULL;
		enum fs_kind kind;
		bool ok = false;

		if (e->done || !e->path)
			continue;
		if (fs_stat_kind(e->path, &kind, &err) == 0 && kind == FS_ABSENT &&
		    !fs_is_link(e->path))
			continue;
		if (err)
			; /* tell why not */
		else if (!journal_may_remove(e->path, run->state_dir))
			error_set(&err, ERROR_INVALID,
				  "'%s' is no place that a build may remove: look at it yourself",
				  e->path);
		else
			ok = fs_remove_tree(e->path, &err) == 0;
		tell(r, run->id, ok, ok ? e->path : err->message);
		all &= ok;
	}
	return all;
}

static int recover_run(const char *state_dir, const char *id, struct recovery *r,
		       struct error **err)
{
	AUTO_FREE char *dir = xasprintf("%s/runs/%s", state_dir, id);
	AUTO_FREE char *file = path_join(dir, "journal");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO_CLOSE int fd = open(file, O_RDWR | O_CLOEXEC);
	struct dead_run run = { .id = id, .state_dir = state_dir };

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) /* alive */
		return 0;
	if (fs_read(file, FS_READ_MAX, &text, err) < 0)
		return -1;
	for (struct str rest = { text.buf, text.len }, line; rest.len;) {
		line = str_split(rest, '\n', &rest);

		AUTO_FREE char *one = str_dup(line);

		read_line(&run, one);
	}

	bool clean = !text.len;

	if (run.is_ours)
		clean = run.keep || recover_entries(&run, r);
	else if (text.len)
		tell(r, id, false, "its journal is not one of ours: left alone");

	journal_entries_release(&run.entries);
	if (clean) {
		(void)unlink(file);
		(void)rmdir(dir);
	}
	return 0;
}

int journal_recover(const char *state_dir, journal_report_fn report, void *data, int *ret_removed,
		    struct error **err)
{
	AUTO_FREE char *runs = path_join(state_dir, "runs");
	AUTO(strv) struct strv ids = STRV_INIT;
	struct recovery r = { .report = report, .data = data };

	if (!fs_exists(runs)) {
		*ret_removed = 0;
		return 0;
	}
	if (fs_list(runs, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.len; i++)
		if (recover_run(state_dir, ids.v[i], &r, err) < 0)
			return -1;
	*ret_removed = r.removed;
	return 0;
}
