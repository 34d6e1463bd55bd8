/* SPDX-License-Identifier: Apache-2.0 */
#include "os/proc.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FIRST_FREE_FD = 3,
	/* a program that was written a moment ago may still be open in a fork */
	BUSY_TRIES = 20,
	BUSY_MSEC = 10,
	KILL_MSEC = 10000, /* how long a killed process may take to go */
};

const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static bool is_program(const char *path)
{
	enum fs_kind kind = FS_ABSENT;
	AUTO(error) struct error *err = NULL;

	return fs_stat_kind(path, &kind, &err) == 0 && kind == FS_FILE && access(path, X_OK) == 0;
}

/* Empty entries, which would mean the current directory, are passed over. */
static char *find_in_path(const char *name, const char *path)
{
	struct str rest = str_of(path ? path : "/usr/local/bin:/usr/bin:/bin");

	while (rest.len) {
		struct str tail;
		struct str entry = str_split(rest, ':', &tail);

		rest = tail;
		if (!entry.len)
			continue;

		AUTO_FREE char *dir = str_dup(entry);
		AUTO_FREE char *cwd = fs_cwd();
		AUTO_FREE char *base = path_absolute(cwd, dir);
		AUTO_FREE char *full = path_join(base, name);

		if (is_program(full))
			return TAKE(full);
	}
	return NULL;
}

static int find(const char *name, char *const *env, char **ret_path, struct error **err)
{
	if (!*name)
		return error_set(err, ERROR_INVALID, "cannot run a program without a name");
	if (strchr(name, '/')) {
		*ret_path = xstrdup(name);
		return 0;
	}

	char *path = find_in_path(name, env_get(env, "PATH"));

	if (!path)
		return error_set(err, ERROR_NOT_FOUND, "cannot run '%s': not found in PATH", name);
	*ret_path = path;
	return 0;
}

int proc_find(const char *name, char **ret_path, struct error **err)
{
	AUTO_FREE char *path = NULL;

	if (find(name, environ, &path, err) < 0)
		return -1;
	if (!is_program(path))
		return error_set(err, ERROR_NOT_FOUND, "cannot run '%s': no such program", name);
	*ret_path = TAKE(path);
	return 0;
}

/* What proc_start() has open before the child exists. */
struct plumbing {
	int ours[3];
	int child[3]; /* all above stderr, so that no dup2() hits another's source */
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
};

static void plumbing_release(struct plumbing *p)
{
	for (int i = 0; i < 3; i++) {
		fd_close(p->ours[i]);
		fd_close(p->child[i]);
	}
	posix_spawn_file_actions_destroy(&p->actions);
	posix_spawnattr_destroy(&p->attr);
}

static int dup_high(int fd, int *ret, struct error **err)
{
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	if (*ret < 0)
		return error_set_errno(err, errno, "cannot duplicate descriptor %d", fd);
	return 0;
}

static int open_pipe(struct plumbing *p, int which, struct error **err)
{
	int fds[2];
	int child_side = which == STDIN_FILENO ? 0 : 1;

	if (fd_pipe(fds, err) < 0)
		return -1;
	p->ours[which] = fds[!child_side];

	int r = dup_high(fds[child_side], &p->child[which], err);

	fd_close(fds[child_side]);
	return r < 0 ? -1 : fd_set_nonblocking(p->ours[which], true, err);
}

static int open_null(int which, int *ret, struct error **err)
{
	AUTO_CLOSE int fd = open("/dev/null", (which ? O_WRONLY : O_RDONLY) | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open '/dev/null'");
	return dup_high(fd, ret, err);
}

static int open_stream(struct plumbing *p, int which, enum proc_io io, int fd, struct error **err)
{
	switch (io) {
	case PROC_NULL:
		return open_null(which, &p->child[which], err);
	case PROC_PIPE:
		return open_pipe(p, which, err);
	case PROC_INHERIT:
		return dup_high(which, &p->child[which], err);
	case PROC_FD:
		return dup_high(fd, &p->child[which], err);
	}
	assert(false);
	return -1;
}

static bool is_passed(const int *pass, int fd)
{
	for (; pass && *pass >= 0; pass++)
		if (*pass == fd)
			return true;
	return false;
}

/* Everything we make is close-on-exec; libraries are less careful. */
static void close_others(posix_spawn_file_actions_t *a, const int *pass)
{
	int last = FIRST_FREE_FD - 1;

	for (const int *p = pass; p && *p >= 0; p++) {
		posix_spawn_file_actions_adddup2(a, *p, *p); /* takes close-on-exec off */
		last = MAX(last, *p);
	}
	for (int fd = FIRST_FREE_FD; fd < last; fd++)
		if (!is_passed(pass, fd))
			posix_spawn_file_actions_addclose(a, fd);
	posix_spawn_file_actions_addclosefrom_np(a, last + 1);
}

static int prepare(struct plumbing *p, const struct proc_spec *spec, struct error **err)
{
	sigset_t none, all;

	if (open_stream(p, 0, spec->in, spec->in_fd, err) < 0 ||
	    open_stream(p, 1, spec->out, spec->out_fd, err) < 0)
		return -1;
	if (!spec->merge_err && open_stream(p, 2, spec->err, spec->err_fd, err) < 0)
		return -1;
	if (spec->dir)
		posix_spawn_file_actions_addchdir_np(&p->actions, spec->dir);
	posix_spawn_file_actions_adddup2(&p->actions, p->child[0], 0);
	posix_spawn_file_actions_adddup2(&p->actions, p->child[1], 1);
	posix_spawn_file_actions_adddup2(&p->actions, spec->merge_err ? 1 : p->child[2], 2);
	close_others(&p->actions, spec->pass_fds);

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&p->attr, &none);
	posix_spawnattr_setsigdefault(&p->attr, &all);
	posix_spawnattr_setpgroup(&p->attr, 0);
	posix_spawnattr_setflags(&p->attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						   POSIX_SPAWN_SETPGROUP);
	return 0;
}

static int spawn(struct plumbing *p, const struct proc_spec *spec, const char *path, pid_t *ret_pid,
		 struct error **err)
{
	char *const *env = spec->env ? spec->env->v : environ;
	int e = ETXTBSY;

	for (int i = 0; i < BUSY_TRIES; i++) {
		e = posix_spawn(ret_pid, path, &p->actions, &p->attr, spec->argv->v, env);
		if (e != ETXTBSY)
			break;
		if (io_pause(clock_deadline(BUSY_MSEC * NSEC_PER_MSEC), NULL, err) < 0)
			return -1;
	}
	if (!e)
		return 0;
	if (spec->dir && !fs_exists(spec->dir))
		return error_set_errno(err, ENOENT, "cannot run '%s' in '%s'", spec->argv->v[0],
				       spec->dir);
	return error_set_errno(err, e, "cannot run '%s'", spec->argv->v[0]);
}

/* Without a pidfd we could not wait for it: such a child must not stay. */
static int open_pidfd(pid_t pid, int *ret, struct error **err)
{
	*ret = pidfd_open(pid, 0);
	if (*ret >= 0)
		return 0;
	error_set_errno(err, errno, "cannot watch process %d", (int)pid);
	(void)kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

static void log_start(pid_t pid, const struct proc_spec *spec, const struct error *e)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	log_add_words(&line, spec->argv);
	if (spec->dir) {
		strbuf_addstr(&line, " in ");
		log_add_word(&line, spec->dir);
	}
	if (e)
		log_write("proc", "not started: %s: %s", line.buf, e->message);
	else
		log_write("proc", "%d started: %s", (int)pid, line.buf);
}

static void log_end(const struct proc *p)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, p->started);
	log_write("proc", "%d ended with status %d%s", (int)p->pid, p->status, time.buf);
}

static int start(struct proc *ret, const struct proc_spec *spec, struct error **err)
{
	struct plumbing p = { .ours = { -1, -1, -1 }, .child = { -1, -1, -1 } };
	AUTO_FREE char *path = NULL;
	pid_t pid = 0;
	int pidfd = -1;

	assert(spec->argv->len > 0);
	if (find(spec->argv->v[0], spec->env ? spec->env->v : environ, &path, err) < 0)
		return -1;
	posix_spawn_file_actions_init(&p.actions);
	posix_spawnattr_init(&p.attr);

	bool ok = prepare(&p, spec, err) == 0 && spawn(&p, spec, path, &pid, err) == 0 &&
		  open_pidfd(pid, &pidfd, err) == 0;

	if (ok)
		*ret = (struct proc){
			.pid = pid,
			.started = clock_monotonic(),
			.pidfd = pidfd,
			.in_fd = fd_take(&p.ours[0]),
			.out_fd = fd_take(&p.ours[1]),
			.err_fd = fd_take(&p.ours[2]),
		};
	plumbing_release(&p);
	return ok ? 0 : -1;
}

int proc_start(struct proc *ret, const struct proc_spec *spec, struct error **err)
{
	int r = start(ret, spec, err);

	if (log_is_on)
		log_start(r < 0 ? 0 : ret->pid, spec, r < 0 ? *err : NULL);
	return r;
}

static bool reap(struct proc *p, int flags)
{
	siginfo_t info = { 0 };
	int r;

	if (p->reaped)
		return true;
	do
		r = waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | flags);
	while (r < 0 && errno == EINTR);
	if (r < 0 || !info.si_pid)
		return false;
	p->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	p->reaped = true;
	if (log_is_on)
		log_end(p);
	return true;
}

bool proc_try_reap(struct proc *p)
{
	return p->pid > 0 && reap(p, WNOHANG);
}

int proc_wait(struct proc *p, int64_t deadline, struct cancel *c, int *ret_status,
	      struct error **err)
{
	if (!p->reaped && io_wait(p->pidfd, POLLIN, deadline, c, err) < 0)
		return -1;
	if (!reap(p, 0))
		return error_set_errno(err, errno, "cannot wait for process %d", (int)p->pid);
	*ret_status = p->status;
	return 0;
}

void proc_signal(struct proc *p, int sig)
{
	/* once reaped, the number may be somebody else's */
	if (p->pid > 0 && !p->reaped)
		(void)kill(-p->pid, sig);
}

static bool wait_for_end(struct proc *p, int64_t ns)
{
	AUTO(error) struct error *err = NULL;

	return io_wait(p->pidfd, POLLIN, clock_deadline(ns), NULL, &err) == 0;
}

void proc_stop(struct proc *p, int64_t grace_ns)
{
	if (p->pid > 0 && !p->reaped) {
		log_debug("proc", "%d is told to end", (int)p->pid);
		proc_signal(p, SIGTERM);
		proc_signal(p, SIGCONT); /* a stopped one could not obey */
		(void)wait_for_end(p, grace_ns);
		/* also for what it left running in its group */
		proc_signal(p, SIGKILL);
		if (wait_for_end(p, KILL_MSEC * NSEC_PER_MSEC))
			(void)reap(p, WNOHANG);
	}
	proc_release(p);
}

void proc_kill(struct proc *p)
{
	if (p->pid <= 0 || p->reaped)
		return;
	log_debug("proc", "%d is killed", (int)p->pid);
	(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
	if (wait_for_end(p, KILL_MSEC * NSEC_PER_MSEC))
		(void)reap(p, WNOHANG);
}

void proc_release(struct proc *p)
{
	if (p->pid > 0) { /* a zeroed one owns no descriptors */
		fd_close(p->pidfd);
		fd_close(p->in_fd);
		fd_close(p->out_fd);
		fd_close(p->err_fd);
	}
	p->pidfd = p->in_fd = p->out_fd = p->err_fd = -1;
}

uint64_t proc_start_time(pid_t pid)
{
	enum { FIELDS_BEFORE = 19, STAT_MAX = 8192 }; /* between the name and field 22 */
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	uint64_t ticks = 0;

	if (fs_read(path, STAT_MAX, &text, &err) < 0)
		return 0;

	/* the name in parentheses may contain anything */
	const char *p = strrchr(text.buf, ')');
	struct str rest = str_of(p ? p + 1 : "");

	for (int i = 0; i <= FIELDS_BEFORE; i++)
		(void)str_split(rest, ' ', &rest);

	struct str tail;
	AUTO_FREE char *field = str_dup(str_split(rest, ' ', &tail));

	return parse_uint64(field, 10, &ticks) ? ticks : 0;
}

static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static char boot_id[64];

static void read_boot_id(void)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(sizeof(boot_id) - 1);
	AUTO(error) struct error *err = NULL;

	if (fs_read("/proc/sys/kernel/random/boot_id", sizeof(boot_id) - 1, &text, &err) < 0)
		strbuf_addstr(&text, "unknown");
	strbuf_rtrim(&text);
	memcpy(boot_id, text.buf, text.len);
}

const char *proc_boot_id(void)
{
	pthread_once(&boot_once, read_boot_id);
	return boot_id;
}
