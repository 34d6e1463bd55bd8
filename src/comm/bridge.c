/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/bridge.h"

#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PIECE = 32 * 1024 };

struct pipes {
	const struct comm_cmd *cmd;
	int in[2], out[2], err[2]; /* read end, write end */
	int epoll_fd;
	char rest[PIECE]; /* of the input, on its way into the pipe */
	size_t at, len;
};

static void watch(struct pipes *p, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	(void)epoll_ctl(p->epoll_fd, op, fd, &ev);
}

static int open_pipes(struct pipes *p, struct error **err)
{
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0 || pipe2(p->in, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    pipe2(p->out, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(p->err, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(err, errno, "cannot make pipes for a command");
	watch(p, EPOLL_CTL_ADD, p->out[0], EPOLLIN);
	watch(p, EPOLL_CTL_ADD, p->err[0], EPOLLIN);
	watch(p, EPOLL_CTL_ADD, p->cmd->source->fd, EPOLLIN);
	return 0;
}

static void close_pipes(struct pipes *p)
{
	int all[] = { p->in[0], p->in[1], p->out[0], p->out[1], p->err[0], p->err[1], p->epoll_fd };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		fd_close(all[i]);
}

static void empty(struct pipes *p, int fd, bool is_stderr)
{
	char buf[PIECE];
	ssize_t n;

	while ((n = fd_read(fd, buf, sizeof(buf))) > 0)
		if (p->cmd->output)
			p->cmd->output(p->cmd->output_data, is_stderr, buf, (size_t)n);
}

/* The command reads no more, or there is no more to read. */
static void end_input(struct pipes *p)
{
	fd_close(fd_take(&p->in[1]));
	watch(p, EPOLL_CTL_DEL, p->cmd->source->fd, 0);
	p->at = p->len = 0;
}

/* True when the pipe is full: then its other end decides when it goes on. */
static bool flush_rest(struct pipes *p)
{
	while (p->at < p->len) {
		ssize_t n = fd_write(p->in[1], p->rest + p->at, p->len - p->at);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0 && errno != EINTR) {
			end_input(p);
			return false;
		}
		p->at += n > 0 ? (size_t)n : 0;
	}
	return false;
}

static void feed(struct pipes *p)
{
	bool was_full = p->at < p->len;

	while (p->in[1] >= 0) {
		struct error *e = NULL;
		ssize_t n;

		if (flush_rest(p)) {
			if (!was_full) {
				watch(p, EPOLL_CTL_DEL, p->cmd->source->fd, 0);
				watch(p, EPOLL_CTL_ADD, p->in[1], EPOLLOUT);
			}
			return;
		}
		if (p->in[1] < 0)
			return;
		if (was_full) {
			watch(p, EPOLL_CTL_DEL, p->in[1], 0);
			watch(p, EPOLL_CTL_ADD, p->cmd->source->fd, EPOLLIN);
			was_full = false;
		}
		n = p->cmd->source->read(p->cmd->source->data, p->rest, sizeof(p->rest), &e);
		if (n < 0 && !e)
			return;
		error_free(e);
		if (n <= 0) {
			end_input(p);
			return;
		}
		p->at = 0;
		p->len = (size_t)n;
	}
}

/* A cancel_reason_fn that never ends a wait. */
static int move(void *data, struct error **err)
{
	struct pipes *p = data;

	empty(p, p->out[0], false);
	empty(p, p->err[0], true);
	feed(p);
	return 0;
}

static int through_pipes(struct comm *comm, const struct comm_cmd *cmd, struct cancel *outer,
			 int *ret_status, struct error **err)
{
	struct pipes p = { .cmd = cmd, .in = { -1, -1 }, .out = { -1, -1 }, .err = { -1, -1 } };
	AUTO(cancel) struct cancel *c = cancel_new(outer, DEADLINE_NEVER);
	int r = open_pipes(&p, err);

	if (r == 0) {
		struct comm_shell shell = { .command = cmd->command,
					    .in = p.in[0],
					    .out = p.out[1],
					    .err = p.err[1],
					    .resized = -1 };

		if (cmd->began)
			*cmd->began = true;
		if (cmd->started)
			cmd->started(cmd->started_data);
		cancel_watch(c, p.epoll_fd, move, &p);
		r = comm->ops->shell(comm, &shell, c, ret_status, err);
		empty(&p, p.out[0], false);
		empty(&p, p.err[0], true);
	}
	close_pipes(&p);
	return r;
}

int bridge_exec(struct comm *comm, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		struct error **err)
{
	if (cmd->source && !comm->ops->heeds_source && comm->ops->shell)
		return through_pipes(comm, cmd, c, ret_status, err);
	return comm->ops->exec(comm, cmd, c, ret_status, err);
}
