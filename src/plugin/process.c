/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/process.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/wait.h"
#include "plugin/handshake.h"
#include "plugin/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define MAGIC_COOKIE "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
#define MIN_PORT     "10000"
#define MAX_PORT     "25000"

enum {
	START_SECONDS = 60,
	/* one whose connection is gone is about to end: its status says more than ours would */
	LAST_WORDS_MSEC = 1000,
	/* what is left of the 108 bytes of a socket's path for the directory */
	SOCKET_DIR_MAX = 80,
	DRAIN_SIZE = 64 * 1024,
};

STRING_TABLE(kind, PLUGIN_DATASOURCE + 1, "builder", "provisioner", "post-processor", "datasource");

struct plugin_process {
	char *name;
	struct proc proc;
	pthread_mutex_t lock; /* for reaping */
	struct plugin_output output;
	struct mux *mux;
	struct broker *broker;
	struct rpc_caller *main;
	int64_t patience, deadline; /* of the handshake */
	struct journal *journal;
	uint64_t journal_id;
	int ended;      /* epoll: the process, or the session */
	char *temp_dir; /* of its own, or NULL */
};

/* ---- starting ------------------------------------------------------------------------------- */

static bool is_ours(const char *entry)
{
	static const char *const names[] = { "PACKER_PLUGIN_MAGIC_COOKIE=",
					     "PACKER_PLUGIN_MIN_PORT=", "PACKER_PLUGIN_MAX_PORT=",
					     "PACKER_RUN_UUID=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_starts_with(entry, names[i]))
			return true;
	return false;
}

/*
 * A plugin makes its socket in TMPDIR, whose path may be too long for one. Then it sees the same
 * directory by a short name: only the name changes, not where its files are.
 */
static int make_temp_dir(struct plugin_process *p, const char *temp, char **ret, struct error **err)
{
	AUTO_FREE char *real = NULL;

	if (!temp || strlen(temp) <= SOCKET_DIR_MAX || !(real = realpath(temp, NULL)))
		return 0;
	if (fs_temp_dir("/tmp", "ingot-", &p->temp_dir, err) < 0)
		return error_prefix(err, "cannot shorten the path of the temporary directory");

	AUTO_FREE char *link = path_join(p->temp_dir, "t");

	if (symlink(real, link) < 0)
		return error_set_errno(err, errno, "cannot make '%s'", link);
	*ret = TAKE(link);
	return 0;
}

static int make_environment(struct plugin_process *p, const struct plugin_launch *l,
			    struct strv *env, struct error **err)
{
	AUTO_FREE char *temp = NULL;

	if (make_temp_dir(p, env_get(l->environ, "TMPDIR"), &temp, err) < 0)
		return -1;
	for (char *const *e = l->environ; e && *e; e++)
		if (!is_ours(*e) && !(temp && text_starts_with(*e, "TMPDIR=")))
			strv_push(env, *e);
	strv_push(env, "PACKER_PLUGIN_MAGIC_COOKIE=" MAGIC_COOKIE);
	strv_push(env, "PACKER_PLUGIN_MIN_PORT=" MIN_PORT);
	strv_push(env, "PACKER_PLUGIN_MAX_PORT=" MAX_PORT);
	if (l->run_uuid)
		strv_pushf(env, "PACKER_RUN_UUID=%s", l->run_uuid);
	if (temp)
		strv_pushf(env, "TMPDIR=%s", temp);
	return 0;
}

/* Its standard input is empty: it is no program of the terminal, and one that reads there would be
 * stopped. */
static int spawn(struct plugin_process *p, const struct plugin_launch *l, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;

	strv_pushl(&argv, l->binary->path, "start", kind_names[l->kind], NULL);
	if (l->binary->about.has_protobuf)
		strv_push(&argv, "--protobuf");
	strv_push(&argv, l->component);
	if (make_environment(p, l, &env, err) < 0)
		return -1;
	p->journal = l->journal;
	if (l->journal && journal_process(l->journal, p->name, &env, &p->journal_id, err) < 0)
		return -1;

	struct proc_spec spec = {
		.argv = &argv,
		.env = &env,
		.dir = l->dir,
		.in = PROC_NULL,
		.out = PROC_PIPE,
		.err = PROC_PIPE,
	};

	if (proc_start(&p->proc, &spec, err) < 0)
		return -1;
	return l->journal ? journal_started(l->journal, p->journal_id, p->proc.pid, err) : 0;
}

/* ---- the first line ------------------------------------------------------------------------- */

/* 1: the line is whole, 0: not yet, -1: there will be none. */
static int read_line(struct plugin_process *p, struct strbuf *line, struct error **err)
{
	char buf[HANDSHAKE_MAX];
	ssize_t n = fd_read(p->proc.out_fd, buf, sizeof(buf));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return error_set(err, ERROR_GONE, "closed its standard output before it was ready");

	const char *newline = memchr(buf, '\n', (size_t)n);

	strbuf_add(line, buf, newline ? (size_t)(newline - buf) : (size_t)n);
	if (newline)
		return 1;
	if (line->overflow)
		return error_set(err, ERROR_INVALID,
				 "said more than %d bytes where it should say where it listens",
				 HANDSHAKE_MAX);
	return 0;
}

static int read_handshake(struct plugin_process *p, int64_t deadline, struct cancel *c,
			  struct handshake *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT_MAX(HANDSHAKE_MAX);
	struct pollfd fds[] = { { .fd = p->proc.out_fd, .events = POLLIN },
				{ .fd = p->proc.err_fd, .events = POLLIN } };
	int r = 0;

	while (r == 0) {
		if (io_wait_many(fds, ARRAY_LEN(fds), deadline, c, err) < 0)
			return -1;
		if (fds[1].revents && !plugin_output_read(&p->output, p->proc.err_fd))
			fds[1].fd = -1;
		if (fds[0].revents)
			r = read_line(p, &line, err);
	}
	return r < 0 ? -1 : handshake_parse(line.buf, line.len, ret, err);
}

/* ---- what is read for as long as it lives ----------------------------------------------------- */

static bool on_stderr(void *data)
{
	struct plugin_process *p = data;

	return plugin_output_read(&p->output, p->proc.err_fd);
}

/* Nothing there is meant for us, and a full pipe would stop it. */
static bool on_stdout(void *data)
{
	static const size_t size = DRAIN_SIZE;
	struct plugin_process *p = data;
	AUTO_FREE char *buf = xmalloc(size);
	ssize_t n = fd_read(p->proc.out_fd, buf, size);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

static int watch(struct plugin_process *p, int fd, struct error **err)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (epoll_ctl(p->ended, EPOLL_CTL_ADD, fd, &ev) < 0)
		return error_set_errno(err, errno, "cannot be watched");
	return 0;
}

static int begin_session(struct plugin_process *p, int fd, struct cancel *c, struct error **err)
{
	p->mux = mux_new(fd, MUX_CLIENT, p->name, err);
	if (!p->mux)
		return -1;
	mux_also_read(p->mux, p->proc.err_fd, on_stderr, p);
	mux_also_read(p->mux, p->proc.out_fd, on_stdout, p);
	p->ended = epoll_create1(EPOLL_CLOEXEC);
	if (watch(p, p->proc.pidfd, err) < 0 || watch(p, mux_ended_fd(p->mux), err) < 0)
		return -1;
	p->broker = broker_new(p->mux, err);
	if (!p->broker)
		return -1;

	struct stream *s = broker_dial(p->broker, 0, c, err);

	if (!s)
		return -1;
	p->main = rpc_caller_new(s);
	return 0;
}

/* ---- why it went wrong ------------------------------------------------------------------------ */

/* Waits a moment for the end of one that is about to end; all it wrote is read then. */
static bool has_exited(struct plugin_process *p, int64_t patience_ns)
{
	AUTO(error) struct error *err = NULL;
	bool has = io_wait(p->proc.pidfd, POLLIN, clock_deadline(patience_ns), NULL, &err) == 0;

	if (!has)
		return false;
	pthread_mutex_lock(&p->lock);
	(void)proc_try_reap(&p->proc);
	pthread_mutex_unlock(&p->lock);
	return true;
}

/* All that a pipe can hold; what the plugin has started may go on writing. */
static void drain_output(struct plugin_process *p)
{
	enum { READS = 8 };

	for (int i = 0; i < READS && plugin_output_read(&p->output, p->proc.err_fd); i++)
		;
}

static void add_status(struct strbuf *sb, const struct proc *p)
{
	enum { SIGNALLED = 128 };

	if (p->status > SIGNALLED)
		strbuf_addf(sb, "was ended by signal %d", p->status - SIGNALLED);
	else
		strbuf_addf(sb, "exited with status %d", p->status);
}

int plugin_process_why_ended(void *process, struct error **err)
{
	struct plugin_process *p = process;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *why = NULL;
	bool is_over = mux_why_ended(p->mux, &why) < 0;
	bool was_closed = !is_over || mux_was_closed(p->mux);
	/* one that broke a rule was cut off by us: how it takes that is not the reason */
	bool exited = was_closed && has_exited(p, is_over ? LAST_WORDS_MSEC * NSEC_PER_MSEC : 0);

	if (!is_over && !exited)
		return 0;
	drain_output(p);
	if (exited) {
		strbuf_addf(&text, "'%s' ", p->name);
		add_status(&text, &p->proc);
	} else {
		strbuf_addstr(&text, why->message);
	}
	plugin_output_quote(&p->output, &text);
	return error_set(err, ERROR_GONE, "%s", text.buf);
}

int plugin_process_explain(struct plugin_process *p, struct error **err)
{
	struct error *why = NULL;

	if ((*err)->kind != ERROR_GONE || plugin_process_why_ended(p, &why) == 0)
		return -1;
	error_ignore(err, "the end of the plugin says more");
	return error_move(err, why);
}

/* The error of a start, with the name and the last words of the plugin. */
static void explain_start(struct plugin_process *p, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = TAKE(*err);
	enum error_kind kind = e->kind;

	if (kind == ERROR_CANCELLED || p->proc.pid <= 0) {
		error_move(err, TAKE(e));
		return;
	}
	strbuf_addf(&text, "'%s' ", p->name);
	if (kind == ERROR_GONE && has_exited(p, LAST_WORDS_MSEC * NSEC_PER_MSEC)) {
		add_status(&text, &p->proc);
		strbuf_addstr(&text, " before it was ready");
	} else {
		strbuf_addstr(&text, e->message);
	}
	drain_output(p);
	plugin_output_quote(&p->output, &text);
	error_set(err, kind, "%s", text.buf);
	(*err)->os_errno = e->os_errno;
}

static int connect_to(struct plugin_process *p, struct cancel *c, int *ret_fd, struct error **err)
{
	AUTO(handshake) struct handshake address = { 0 };

	if (read_handshake(p, p->deadline, c, &address, err) == 0 &&
	    handshake_connect(&address, p->deadline, c, ret_fd, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_TIMEOUT && clock_monotonic() >= p->deadline) {
		error_ignore(err, "said in other words");
		error_set(err, ERROR_TIMEOUT, "was not ready within %lld seconds",
			  (long long)(p->patience / NSEC_PER_SEC));
	}
	explain_start(p, err);
	return -1;
}

struct plugin_process *plugin_process_spawn(const struct plugin_launch *l, struct error **err)
{
	struct plugin_process *p = NEW(struct plugin_process);

	p->name = xstrdup(path_basename(l->binary->path));
	p->proc = (struct proc)PROC_INIT;
	p->ended = -1;
	p->patience = l->patience ? l->patience : START_SECONDS * NSEC_PER_SEC;
	p->deadline = clock_deadline(p->patience);
	pthread_mutex_init(&p->lock, NULL);
	plugin_output_init(&p->output, p->name);
	if (spawn(p, l, err) == 0)
		return p;
	plugin_process_stop(p);
	return NULL;
}

int plugin_process_connect(struct plugin_process *p, struct cancel *c, struct error **err)
{
	int fd = -1;

	if (connect_to(p, c, &fd, err) == 0) {
		if (begin_session(p, fd, c, err) == 0)
			return 0;
		if (p->mux)
			plugin_process_explain(p, err);
	}
	plugin_process_stop(p);
	return -1;
}

/* ---- the end ---------------------------------------------------------------------------------- */

void plugin_process_kill(struct plugin_process *p)
{
	pthread_mutex_lock(&p->lock);
	proc_kill(&p->proc);
	pthread_mutex_unlock(&p->lock);
}

void plugin_process_stop(struct plugin_process *p)
{
	AUTO(error) struct error *err = NULL;

	if (!p)
		return;
	/* the reader goes first: it reads what is closed below */
	rpc_caller_free(p->main);
	broker_free(p->broker);
	mux_free(p->mux);
	proc_kill(&p->proc);
	if (p->journal)
		journal_done(p->journal, p->journal_id);
	if (p->proc.pid > 0)
		drain_output(p);
	proc_release(&p->proc);
	fd_close(p->ended);
	if (p->temp_dir && fs_remove_tree(p->temp_dir, &err) < 0)
		error_ignore(&err, "a link in the temporary directory");
	plugin_output_release(&p->output);
	pthread_mutex_destroy(&p->lock);
	free(p->temp_dir);
	free(p->name);
	free(p);
}

struct broker *plugin_process_broker(struct plugin_process *p)
{
	return p->broker;
}

struct mux *plugin_process_mux(struct plugin_process *p)
{
	return p->mux;
}

struct rpc_caller *plugin_process_main(struct plugin_process *p)
{
	return p->main;
}

const char *plugin_process_name(const struct plugin_process *p)
{
	return p->name;
}

int plugin_process_ended_fd(struct plugin_process *p)
{
	return p->ended;
}
