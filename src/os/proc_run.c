/* SPDX-License-Identifier: Apache-2.0 */
/* Running a child to its end while its three streams are moved along. */
#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/wait.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	STDERR_KEPT = 16 * 1024,
	LINE_MAX_BYTES = 64 * 1024, /* a longer line is handed over in pieces */
	STOP_SEC = 5,
	/* after the end of the child: something it left behind may hold the pipe */
	DRAIN_MSEC = 500,
	READ_PIECE = 16 * 1024,
	FEED_PIECE = 64 * 1024, /* what a pipe holds */
};

struct stream {
	int *fd; /* in struct proc; -1 at its end */
	bool is_stderr;
	struct strbuf line;
};

struct session {
	struct proc_run *run;
	struct proc proc;
	const char *input; /* what is to be fed now */
	size_t input_len, fed;
	struct strbuf piece; /* of `more` */
	struct stream out, err;
	struct strbuf err_tail;
	bool ended;
	int64_t until;
};

static const char *name_of(const struct session *s)
{
	return s->run->spec.argv->v[0];
}

static void close_stream(int *fd)
{
	fd_close(fd_take(fd));
}

static void give_line(struct session *s, struct stream *st)
{
	s->run->line(s->run->line_data, st->is_stderr, st->line.buf);
	strbuf_truncate(&st->line, 0);
}

static void split_lines(struct session *s, struct stream *st, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			give_line(s, st);
			continue;
		}
		if (data[i]) /* a line is C text */
			strbuf_addch(&st->line, data[i]);
		if (st->line.len >= LINE_MAX_BYTES)
			give_line(s, st);
	}
}

static void keep_tail(struct strbuf *tail, const char *data, size_t len)
{
	strbuf_add(tail, data, len);
	if (tail->len > STDERR_KEPT)
		strbuf_remove(tail, 0, tail->len - STDERR_KEPT);
}

static int take_data(struct session *s, struct stream *st, const char *data, size_t len,
		     struct error **err)
{
	struct strbuf *output = s->run->output;

	if (st->is_stderr)
		keep_tail(&s->err_tail, data, len);
	if (s->run->line)
		split_lines(s, st, data, len);
	if (s->run->bytes && s->run->bytes(s->run->bytes_data, st->is_stderr, data, len, err) < 0)
		return -1;
	if (st->is_stderr || !output)
		return 0;
	strbuf_add(output, data, len);
	if (output->overflow)
		return error_set(err, ERROR_INVALID, "'%s' printed more than %zu bytes", name_of(s),
				 output->max);
	return 0;
}

static int read_stream(struct session *s, struct stream *st, short revents, struct error **err)
{
	char buf[READ_PIECE];

	if (!revents)
		return 0;

	ssize_t n = read(*st->fd, buf, sizeof(buf));

	if (n > 0)
		return take_data(s, st, buf, (size_t)n, err);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return error_set_errno(err, errno, "cannot read from '%s'", name_of(s));
	close_stream(st->fd);
	return 0;
}

static bool needs_more(const struct session *s)
{
	return s->run->more && s->fed == s->input_len;
}

/* 1: there is something, or it is the end; 0: nothing yet. */
static int refill(struct session *s, struct error **err)
{
	if (!needs_more(s))
		return 1;
	strbuf_truncate(&s->piece, 0);

	char *buf = strbuf_reserve(&s->piece, FEED_PIECE);
	ssize_t n = s->run->more(s->run->more_data, buf, FEED_PIECE, err);

	if (n < 0)
		return *err ? -1 : 0;
	s->input = buf;
	s->input_len = (size_t)n;
	s->fed = 0;
	return 1;
}

/* A child that does not want its input, or not all of it, is not a failure. */
static int feed(struct session *s, short revents, struct error **err)
{
	int *fd = &s->proc.in_fd;

	if (*fd < 0 || !revents)
		return 0;

	int r = refill(s, err);

	if (r <= 0)
		return r;

	size_t left = s->input_len - s->fed;
	ssize_t n = left ? fd_write(*fd, s->input + s->fed, left) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE)
		return error_set_errno(err, errno, "cannot write to '%s'", name_of(s));
	if (n > 0)
		s->fed += (size_t)n;
	if ((n < 0 && errno == EPIPE) || (s->fed == s->input_len && (!s->run->more || !left)))
		close_stream(fd);
	return 0;
}

static bool is_done(const struct session *s)
{
	return s->ended && s->proc.out_fd < 0 && s->proc.err_fd < 0;
}

static void note_end(struct session *s)
{
	int64_t drain = clock_deadline(DRAIN_MSEC * NSEC_PER_MSEC);

	s->ended = true;
	s->until = MIN(s->until, drain);
	close_stream(&s->proc.in_fd);
}

/* One round of waiting and moving. */
static int move(struct session *s, struct cancel *c, struct error **err)
{
	struct pollfd fds[] = {
		{ .fd = s->proc.out_fd, .events = POLLIN },
		{ .fd = s->proc.err_fd, .events = POLLIN },
		{ .fd = s->proc.in_fd, .events = POLLOUT },
		{ .fd = s->ended ? -1 : s->proc.pidfd, .events = POLLIN },
	};

	if (s->proc.in_fd >= 0 && s->run->more_fd && needs_more(s))
		fds[2] = (struct pollfd){ .fd = s->run->more_fd, .events = POLLIN };
	if (io_wait_many(fds, ARRAY_LEN(fds), s->until, c, err) < 0)
		return -1;
	if (read_stream(s, &s->out, fds[0].revents, err) < 0 ||
	    read_stream(s, &s->err, fds[1].revents, err) < 0 || feed(s, fds[2].revents, err) < 0)
		return -1;
	if (fds[3].revents)
		note_end(s);
	return 0;
}

static int pump(struct session *s, struct cancel *c, struct error **err)
{
	while (!is_done(s)) {
		AUTO(error) struct error *e = NULL;

		if (move(s, c, &e) == 0)
			continue;
		if (e->kind == ERROR_TIMEOUT && s->ended && cancel_check(c, err) == 0)
			break; /* drained long enough */
		if (*err)
			return -1;
		return error_move(err, TAKE(e));
	}
	if (s->run->line && s->out.line.len)
		give_line(s, &s->out);
	if (s->run->line && s->err.line.len)
		give_line(s, &s->err);
	return 0;
}

static int finish(struct session *s, int *ret_status, struct error **err)
{
	int status = 0;

	if (proc_wait(&s->proc, DEADLINE_NEVER, NULL, &status, err) < 0)
		return -1;
	if (ret_status) {
		*ret_status = status;
		return 0;
	}
	if (!status)
		return 0;
	strbuf_rtrim(&s->err_tail);
	return error_set(err, ERROR_FAILED, "'%s' exited with status %d%s%s", name_of(s), status,
			 s->err_tail.len ? ": " : "", s->err_tail.buf);
}

static int run_session(struct session *s, struct cancel *c, int *ret_status, struct error **err)
{
	struct proc_run *run = s->run;

	if (run->started && run->started(run->started_data, s->proc.pid, err) < 0)
		return -1;
	if (pump(s, c, err) < 0) {
		if ((*err)->kind == ERROR_TIMEOUT || (*err)->kind == ERROR_CANCELLED)
			error_prefix(err, "'%s'", name_of(s));
		return -1;
	}
	return finish(s, ret_status, err);
}

int proc_run(struct proc_run *run, struct cancel *c, int *ret_status, struct error **err)
{
	struct proc_spec spec = run->spec;
	struct session s = {
		.run = run,
		.proc = PROC_INIT,
		.input = run->input,
		.input_len = run->input_len,
		.piece = STRBUF_INIT,
		.out = { .fd = &s.proc.out_fd, .line = STRBUF_INIT },
		.err = { .fd = &s.proc.err_fd, .is_stderr = true, .line = STRBUF_INIT },
		.err_tail = STRBUF_INIT,
		.until = run->deadline ? run->deadline : DEADLINE_NEVER,
	};

	if (spec.in != PROC_FD)
		spec.in = run->input || run->more ? PROC_PIPE : PROC_NULL;
	if (spec.out != PROC_FD)
		spec.out = run->line || run->output || run->bytes ? PROC_PIPE : PROC_NULL;
	spec.err = PROC_PIPE;
	if (cancel_check(c, err) < 0 || proc_start(&s.proc, &spec, err) < 0)
		return -1;

	int r = run_session(&s, c, ret_status, err);

	if (r < 0)
		proc_stop(&s.proc, STOP_SEC * NSEC_PER_SEC);
	proc_release(&s.proc);
	strbuf_release(&s.out.line);
	strbuf_release(&s.err.line);
	strbuf_release(&s.err_tail);
	strbuf_release(&s.piece);
	return r;
}
