/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/state.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/logtail.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MONITOR_SECONDS = 30,
	MOVE_MINUTES = 30, /* of a large memory on a slow disk; the build's token ends it, too */
	GIVE_UP_SECONDS = 10,
	PIPE_BYTES = 1024 * 1024, /* as much as a user may have */
	LOG_LINES = 3,
	TERM_MSEC = 200,
	SETTLE_MSEC = 2,
	MEMORY_FACTOR = 4, /* of what is free, a state in memory may take this part */
};
static const int64_t NO_LIMIT = (int64_t)1 << 40; /* bytes a second */
static const char PIPE_NAME[] = "ingot-state";

/* ---- zstd ------------------------------------------------------------------------------ */

static int spawn(struct state_file *f, struct build_ctx *ctx, struct proc_spec *spec,
		 struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO_CLOSE int log = -1;

	if (fs_temp_file(ctx->temp_dir, "zstd-", ".log", &f->log, &log, err) < 0)
		return -1;
	spec->env = &env;
	spec->err = PROC_FD;
	spec->err_fd = log;
	strv_pushv(&env, ctx->environ);
	strv_push(&env, "LC_ALL=C");
	if (journal_process(ctx->journal, "zstd", &env, &f->journal_id, err) < 0)
		return -1;
	if (proc_start(&f->zstd, spec, err) == 0)
		return journal_started(ctx->journal, f->journal_id, f->zstd.pid, err);
	if ((*err)->kind != ERROR_NOT_FOUND)
		return -1;
	error_ignore(err, "said better below");
	error_set(err, ERROR_INVALID, "this machine cannot be saved: there is no program zstd");
	return error_hint(err, "the Debian package zstd brings it");
}

static int make_pipe(int pair[2], struct error **err)
{
	if (fd_pipe(pair, err) < 0)
		return -1;
	(void)fcntl(pair[0], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one is slower */
	return 0;
}

/* From `in_fd` to the state's file. */
static int compress(struct state_file *f, struct build_ctx *ctx, int in_fd, const char *threads,
		    struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_CLOSE int out = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct proc_spec spec = {
		.argv = &argv, .in = PROC_FD, .in_fd = in_fd, .out = PROC_FD, .out_fd = out
	};

	if (out < 0)
		return error_set_errno(err, errno, "cannot write '%s'", f->path);
	strv_pushl(&argv, "zstd", "-q", "--fast=1", threads, "-c", NULL);
	return spawn(f, ctx, &spec, err);
}

static int open_stream(struct state_file *f, struct build_ctx *ctx, struct error **err)
{
	int pair[2] = { -1, -1 };
	int r = make_pipe(pair, err);

	if (r == 0)
		r = compress(f, ctx, pair[0], "-T0", err);
	fd_close(pair[0]);
	f->pipe_fd = pair[1];
	return r;
}

/* All of the guest's memory may be in use. What is not known is too much. */
static bool fits_in_memory(struct guest *g, struct cancel *c)
{
	AUTO(error) struct error *e = NULL;
	json_t *answer = NULL;
	int64_t size = 0;

	if (qmp_ask(guest_monitor(g), &(const struct qmp_call){ "query-memory-size-summary", NULL },
		    clock_deadline(MONITOR_SECONDS * NSEC_PER_SEC), c, &answer, &e) < 0)
		error_ignore(&e, "then through a pipe");
	size = json_integer_value(json_object_get(answer, "base-memory"));
	json_decref(answer);
	return size > 0 && size <= host_memory_available() / MEMORY_FACTOR;
}

int state_create(struct state_file *f, struct guest *g, struct build_ctx *ctx, const char *path,
		 struct error **err)
{
	f->path = xstrdup(path);
	if (!fits_in_memory(g, ctx->cancel) ||
	    (f->raw_fd >= 0 && lseek(f->raw_fd, 0, SEEK_SET) < 0))
		fd_close(fd_take(&f->raw_fd));
	else if (f->raw_fd < 0)
		f->raw_fd = memfd_create("ingot-state", MFD_CLOEXEC);
	return f->raw_fd >= 0 ? 0 : open_stream(f, ctx, err);
}

int state_compress(struct state_file *f, struct build_ctx *ctx, struct error **err)
{
	int r;

	if (f->raw_fd < 0)
		return 0;
	if (lseek(f->raw_fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot read the machine's state");
	r = compress(f, ctx, f->raw_fd, "-T1", err);
	fd_close(fd_take(&f->raw_fd));
	return r;
}

static bool is_full(const char *words)
{
	return strstr(words, strerrordesc_np(ENOSPC)) || strstr(words, strerrordesc_np(EDQUOT));
}

int state_finish(struct state_file *f, struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf words = STRBUF_INIT;
	int status;

	if (proc_wait(&f->zstd, clock_deadline(MOVE_MINUTES * 60 * NSEC_PER_SEC), c, &status, err) <
	    0)
		return -1;
	if (!status)
		return 0;
	log_tail(f->log, LOG_LINES, &words);
	/* a reader, QEMU, need not take all: it knows when it is complete */
	if (status == 128 + SIGPIPE || strstr(words.buf, strerrordesc_np(EPIPE)))
		return 0;
	error_set(err, ERROR_IO, "the machine's state: %s", words.len ? words.buf : "zstd failed");
	(*err)->os_errno = is_full(words.buf) ? ENOSPC : 0;
	return -1;
}

void state_open(struct state_file *f, int fd)
{
	f->raw_fd = fd;
}

static int unpack(struct state_file *f, struct build_ctx *ctx, const char *path, int out_fd,
		  struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_CLOSE int in = open(path, O_RDONLY | O_CLOEXEC);
	struct proc_spec spec = {
		.argv = &argv, .in = PROC_FD, .in_fd = in, .out = PROC_FD, .out_fd = out_fd
	};

	if (in < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	strv_pushl(&argv, "zstd", "-q", "-d", "-c", NULL);
	return spawn(f, ctx, &spec, err) < 0 ? -1 : state_finish(f, ctx->cancel, err);
}

int state_unpack(struct build_ctx *ctx, const char *path, int *ret_fd, struct error **err)
{
	struct state_file f = STATE_FILE_INIT;
	AUTO_CLOSE int fd = memfd_create("ingot-state", MFD_CLOEXEC);
	int r = fd < 0 ? error_set_errno(err, errno, "cannot make a file in memory")
		       : unpack(&f, ctx, path, fd, err);

	state_release(&f, ctx);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

void state_release(struct state_file *f, struct build_ctx *ctx)
{
	fd_close(fd_take(&f->pipe_fd));
	fd_close(fd_take(&f->raw_fd));
	fd_close(fd_take(&f->base_fd));
	proc_stop(&f->zstd, TERM_MSEC * NSEC_PER_MSEC);
	if (f->zstd.pid <= 0 || f->zstd.reaped)
		journal_done(ctx->journal, f->journal_id);
	if (f->log)
		(void)unlink(f->log);
	free(f->log);
	free(f->path);
	*f = (struct state_file)STATE_FILE_INIT;
}

/* ---- QEMU ------------------------------------------------------------------------------ */

static int64_t soon(void)
{
	return clock_deadline(MONITOR_SECONDS * NSEC_PER_SEC);
}

/* The answer is of no interest. */
static int tell(struct guest *g, const char *name, json_t *arguments, struct cancel *c,
		struct error **err)
{
	json_t *answer = NULL;
	int r = qmp_ask(guest_monitor(g), &(const struct qmp_call){ name, arguments }, soon(), c,
			&answer, err);

	json_decref(answer);
	return r;
}

static int want_events(struct guest *g, struct cancel *c, struct error **err)
{
	return tell(
		g, "migrate-set-capabilities",
		json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1),
		c, err);
}

/* Hands QEMU its end of the pipe, or the file, and tells it to begin. */
static int begin(struct state_file *f, struct guest *g, const char *command, struct cancel *c,
		 struct error **err)
{
	AUTO_FREE char *uri = xasprintf("fd:%s", PIPE_NAME);
	int fd = f->raw_fd >= 0 ? f->raw_fd : f->pipe_fd;
	int r = qmp_pass_fd(guest_monitor(g), fd, PIPE_NAME, soon(), c, err);

	fd_close(fd_take(&f->pipe_fd));
	if (r < 0)
		return -1;
	guest_expect_move(g);
	return qmp_command_arg(guest_monitor(g), command, &(const struct qmp_arg){ "uri", uri },
			       soon(), c, err);
}

/* QEMU's refusals are about the machine; with "QEMU refused migrate: " before them. */
static int say_unfit(struct error **err)
{
	const char *words = strstr((*err)->message, ": ");
	AUTO_FREE char *text = xstrdup(words ? words + 2 : (*err)->message);

	error_ignore(err, "said better below");
	return error_set(err, ERROR_INVALID, "this machine cannot be saved: %s", text);
}

int state_check(struct guest *g, struct build_ctx *ctx, struct error **err)
{
	json_t *answer = NULL;
	const char *reason;
	int r = 0;

	if (qmp_ask(guest_monitor(g), &(const struct qmp_call){ "query-migrate", NULL }, soon(),
		    ctx->cancel, &answer, err) < 0)
		return -1;
	reason = json_string_value(json_array_get(json_object_get(answer, "blocked-reasons"), 0));
	if (reason)
		r = error_set(err, ERROR_INVALID, "this machine cannot be saved: %s", reason);
	json_decref(answer);
	return r;
}

/* QEMU says that all is written a moment before it could go on. */
static int settle(struct guest *g, struct error **err)
{
	int64_t deadline = soon();

	for (;;) {
		json_t *answer = NULL;
		bool busy;

		if (qmp_ask(guest_monitor(g), &(const struct qmp_call){ "query-status", NULL },
			    deadline, NULL, &answer, err) < 0)
			return -1;
		busy = text_eq(json_string_value(json_object_get(answer, "status")),
			       "finish-migrate");
		json_decref(answer);
		if (!busy)
			return 0;
		if (clock_monotonic() >= deadline)
			return error_set(err, ERROR_TIMEOUT, "QEMU does not end its migration");
		if (io_pause(clock_deadline(SETTLE_MSEC * NSEC_PER_MSEC), NULL, err) < 0)
			return -1;
	}
}

/* Not to be interrupted: the guest must be able to go on. */
static void give_up(struct state_file *f, struct guest *g)
{
	AUTO(error) struct error *e = NULL;

	proc_stop(&f->zstd, TERM_MSEC * NSEC_PER_MSEC); /* QEMU may hang on a full pipe */
	if (qmp_command(guest_monitor(g), "migrate_cancel", soon(), NULL, &e) < 0 ||
	    guest_wait_move(g, clock_deadline(GIVE_UP_SECONDS * NSEC_PER_SEC), NULL, &e) < 0)
		error_ignore(&e, "it has ended");
	if (settle(g, &e) < 0)
		error_ignore(&e, "who goes on says so");
}

/* What QEMU has to say about a failure. */
static int explain(struct guest *g, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	json_t *answer = NULL;
	const char *words;

	if ((*err)->kind != ERROR_REMOTE)
		return -1;
	if (qmp_ask(guest_monitor(g), &(const struct qmp_call){ "query-migrate", NULL }, soon(),
		    NULL, &answer, &e) < 0)
		error_ignore(&e, "then without words");
	words = json_string_value(json_object_get(answer, "error-desc"));
	if (words) {
		error_ignore(err, "said better below");
		error_set(err, ERROR_REMOTE, "%s", words);
	}
	json_decref(answer);
	return error_prefix(err, "cannot save the machine's state");
}

/* What refuses a file may take a pipe. */
static int begin_writing(struct state_file *f, struct guest *g, struct build_ctx *ctx,
			 struct error **err)
{
	int r = begin(f, g, "migrate", ctx->cancel, err);

	if (r == 0 || f->raw_fd < 0 || (*err)->kind != ERROR_REMOTE)
		return r;
	error_ignore(err, "another try through a pipe");
	fd_close(fd_take(&f->raw_fd));
	return open_stream(f, ctx, err) < 0 ? -1 : begin(f, g, "migrate", ctx->cancel, err);
}

/* What an earlier, longer state left in the file. */
static int cut_rest(const struct state_file *f, struct error **err)
{
	off_t end = f->raw_fd < 0 ? 0 : lseek(f->raw_fd, 0, SEEK_CUR);

	if (end < 0 || (f->raw_fd >= 0 && ftruncate(f->raw_fd, end) < 0))
		return error_set_errno(err, errno, "cannot keep the machine's state");
	return 0;
}

int state_write(struct state_file *f, struct guest *g, struct build_ctx *ctx, struct error **err)
{
	json_t *limits = json_pack("{s:I}", "max-bandwidth", (json_int_t)NO_LIMIT);

	if (tell(g, "migrate-set-parameters", limits, ctx->cancel, err) < 0 ||
	    want_events(g, ctx->cancel, err) < 0)
		return -1;
	if (begin_writing(f, g, ctx, err) < 0) {
		if ((*err)->kind == ERROR_REMOTE)
			return say_unfit(err);
		give_up(f, g);
		return -1;
	}
	if (guest_wait_move(g, clock_deadline(MOVE_MINUTES * 60 * NSEC_PER_SEC), ctx->cancel,
			    err) == 0)
		return settle(g, err) < 0 ? -1 : cut_rest(f, err);
	if ((*err)->kind == ERROR_REMOTE)
		return explain(g, err);
	give_up(f, g);
	return -1;
}

/* Its words are in its log before the news. */
static int say_unreadable(struct guest *g, struct error **err)
{
	AUTO(strbuf) struct strbuf words = STRBUF_INIT;

	log_tail(guest_log(g), 1, &words);
	error_ignore(err, "QEMU's own words are better");
	return error_set(err, ERROR_INVALID, "QEMU cannot load it%s%s", words.len ? ": " : "",
			 words.buf);
}

int state_read(struct state_file *f, struct guest *g, struct build_ctx *ctx, struct error **err)
{
	if (lseek(f->raw_fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot read the machine's state");
	if (want_events(g, ctx->cancel, err) < 0 ||
	    begin(f, g, "migrate-incoming", ctx->cancel, err) < 0)
		return -1;
	if (guest_wait_move(g, clock_deadline(MOVE_MINUTES * 60 * NSEC_PER_SEC), ctx->cancel,
			    err) == 0)
		return 0;
	return (*err)->kind == ERROR_REMOTE ? say_unreadable(g, err) : -1;
}
