/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody waits for one stream: whatever can be moved is moved, then all that
 * may bring more is waited for at once. A reader of ours that is slow holds
 * the other side back by the window of the channel.
 */
#include "comm/ssh/shell.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/tty.h"
#include "os/wait.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
	PIECE = PIPE_BUF, /* a pipe that is ready takes this much without blocking */
	PIECES_MAX = 64,  /* before somebody else's turn */
	CONTROL_Z = 0x1a,
};

static const char escapes_help[] = "~?\r\n"
				   "Supported escape sequences:\r\n"
				   " ~.   - hang up\r\n"
				   " ~^Z  - suspend\r\n"
				   " ~?   - this message\r\n"
				   " ~~   - send the escape character\r\n"
				   "(They are only recognized immediately after enter.)\r\n";

/* From the channel to a descriptor. */
struct down {
	int fd;
	bool is_stderr;
	char buf[PIECE];
	size_t at, len; /* what is not written yet */
};

struct session {
	struct sshchan *k;
	struct comm_shell *s;
	struct down down[2];
	struct strbuf up; /* to be sent, from up_at on */
	size_t up_at;
	bool in_ended, told_end;
	bool line_began; /* the last key was not an enter */
	bool tilde;      /* it was a tilde after one */
};

/* ---- from the person ------------------------------------------------------------------ */

static void show_help(struct session *h)
{
	(void)!fd_write(h->s->err, escapes_help, strlen(escapes_help));
}

/* The key after a tilde. */
static void escape(struct session *h, char key)
{
	h->tilde = false;
	switch (key) {
	case '.':
		h->s->hung_up = true;
		return;
	case '?':
		show_help(h);
		return;
	case CONTROL_Z:
		if (h->s->suspend)
			h->s->suspend(h->s->data);
		return;
	case '~':
		break;
	default:
		strbuf_addch(&h->up, '~');
	}
	strbuf_addch(&h->up, key);
	h->line_began = key != '\r' && key != '\n';
}

static void take_keys(struct session *h, const char *keys, size_t n)
{
	if (!h->s->terminal) {
		strbuf_add(&h->up, keys, n);
		return;
	}
	for (size_t i = 0; i < n && !h->s->hung_up; i++) {
		if (h->tilde) {
			escape(h, keys[i]);
		} else if (keys[i] == '~' && !h->line_began) {
			h->tilde = true;
		} else {
			strbuf_addch(&h->up, keys[i]);
			h->line_began = keys[i] != '\r' && keys[i] != '\n';
		}
	}
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

static bool wants_keys(const struct session *h)
{
	return !h->in_ended && h->up_at == h->up.len && !h->k->closed;
}

/* A terminal that is gone has no more to say than a file at its end. */
static void read_keys(struct session *h)
{
	char buf[PIECE];
	ssize_t n;

	if (!wants_keys(h) || !is_ready(h->s->in, POLLIN))
		return;
	n = fd_read(h->s->in, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	h->in_ended = n <= 0;
	if (n > 0)
		take_keys(h, buf, (size_t)n);
}

static int send_keys(struct session *h, struct error **err)
{
	while (h->up_at < h->up.len) {
		size_t n;

		if (sshchan_try_write(h->k, h->up.buf + h->up_at, h->up.len - h->up_at, &n, err) <
		    0)
			return -1;
		if (!n)
			return 0;
		h->up_at += n;
	}
	strbuf_truncate(&h->up, 0);
	h->up_at = 0;
	return 0;
}

/* A shell may end without reading all: that is no error. */
static int move_up(struct session *h, struct cancel *c, struct error **err)
{
	struct error *e = NULL;
	int r;

	read_keys(h);
	r = send_keys(h, &e);
	if (r == 0 && h->in_ended && !h->told_end && h->up_at == h->up.len) {
		h->told_end = true;
		r = sshchan_send_eof(h->k, c, &e);
	}
	if (r == 0)
		return 0;
	if (e->kind != ERROR_REMOTE)
		return error_move(err, e);
	error_ignore(&e, "the channel has ended, or will in a moment");
	h->in_ended = h->told_end = true;
	strbuf_truncate(&h->up, 0);
	h->up_at = 0;
	return 0;
}

/* ---- to the person ----------------------------------------------------------------------- */

/* It is not the connection that is gone. */
static int cannot_write(const struct down *d, struct error **err)
{
	error_set_errno(err, errno, "cannot write to %s",
			d->is_stderr ? "standard error" : "standard output");
	(*err)->kind = ERROR_IO;
	return -1;
}

static bool refill(struct session *h, struct down *d)
{
	if (d->at == d->len) {
		d->at = 0;
		d->len = sshchan_read(h->k, d->is_stderr, d->buf, sizeof(d->buf));
	}
	return d->len > 0;
}

/* `arrived` when there is more. */
static int move_down(struct session *h, struct down *d, struct error **err)
{
	for (int i = 0; refill(h, d); i++) {
		ssize_t n;

		if (i == PIECES_MAX) {
			h->k->arrived = true;
			return 0;
		}

		if (!is_ready(d->fd, POLLOUT))
			return 0;
		n = fd_write(d->fd, d->buf + d->at, d->len - d->at);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return cannot_write(d, err);
		d->at += (size_t)n;
	}
	return 0;
}

/* All that is left, after the end. */
static int drain(struct session *h, struct down *d, struct cancel *c, struct error **err)
{
	while (refill(h, d)) {
		if (io_write_all(d->fd, d->buf + d->at, d->len - d->at, DEADLINE_NEVER, c, err) < 0)
			return -1;
		d->at = d->len;
	}
	return 0;
}

/* ---- the session --------------------------------------------------------------------------- */

static void look_at_size(struct session *h)
{
	uint64_t count;
	int columns, rows;

	if (h->s->resized < 0 || !is_ready(h->s->resized, POLLIN))
		return;
	(void)!fd_read(h->s->resized, &count, sizeof(count));
	if (!h->s->terminal)
		return;
	tty_size(h->s->terminal->fd, &columns, &rows);
	sshchan_resize(h->k, columns, rows);
}

/* Reading one stream lets the library look at the connection, which may bring something for the
 * other. */
static int move(struct session *h, struct cancel *c, struct error **err)
{
	look_at_size(h);
	do {
		h->k->arrived = false;
		if (cancel_check(c, err) < 0 || move_up(h, c, err) < 0 ||
		    move_down(h, &h->down[0], err) < 0 || move_down(h, &h->down[1], err) < 0)
			return -1;
	} while (h->k->arrived && !h->s->hung_up);
	return 0;
}

/* What the connection's waits wait for, too. */
static size_t serve(void *data, struct pollfd *fds, size_t max)
{
	const struct session *h = data;
	size_t n = 0;

	if (n < max && wants_keys(h))
		fds[n++] = (struct pollfd){ .fd = h->s->in, .events = POLLIN };
	for (size_t i = 0; i < ARRAY_LEN(h->down); i++)
		if (n < max && h->down[i].at < h->down[i].len)
			fds[n++] = (struct pollfd){ .fd = h->down[i].fd, .events = POLLOUT };
	if (n < max && h->s->resized >= 0)
		fds[n++] = (struct pollfd){ .fd = h->s->resized, .events = POLLIN };
	return n;
}

static void let_be(void *data)
{
}

static int begin(struct session *h, struct cancel *c, struct error **err)
{
	const struct comm_shell *s = h->s;
	struct sshchan_terminal t = { .term = text_is_empty(s->term) ? "dumb" : s->term };

	h->k->pull = true;
	if (s->terminal) {
		tty_size(s->terminal->fd, &t.columns, &t.rows);
		if (sshchan_request_terminal(h->k, &t, c, err) < 0)
			return -1;
	}
	return s->command ? sshchan_exec(h->k, s->command, c, err) : sshchan_shell(h->k, c, err);
}

/* 0 also when the connection was lost: the channel knows. */
static int talk(struct session *h, struct cancel *c, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	while (!e && !sshchan_has_ended(h->k) && !h->s->hung_up)
		if (move(h, c, &e) == 0 && !sshchan_has_ended(h->k) && !h->s->hung_up &&
		    sshlink_step(h->k->link, DEADLINE_NEVER, c, &e) < 0)
			break;
	if (e && (e->kind != ERROR_DISCONNECTED || cancel_is_triggered(c)))
		return error_move(err, TAKE(e));
	if (e)
		h->k->loss = xstrdup(e->message);
	if (h->s->hung_up)
		return 0;
	if (drain(h, &h->down[0], c, err) < 0)
		return -1;
	return drain(h, &h->down[1], c, err);
}

static int run(struct session *h, struct cancel *c, struct error **err)
{
	struct comm_shell *s = h->s;
	const struct sshlink_side side = { .serve = serve, .free = let_be, .data = h };
	int r;

	if (begin(h, c, err) < 0)
		return -1;
	if (s->terminal && tty_raw_enter(s->terminal, err) < 0)
		return -1;
	sshlink_add_side(h->k->link, side);
	r = talk(h, c, err);
	sshlink_remove_side(h->k->link, h);
	if (s->terminal)
		tty_raw_leave(s->terminal);
	return r;
}

int sshshell_run(struct sshchan *k, struct comm_shell *s, struct cancel *c, int *ret_status,
		 struct error **err)
{
	struct session *h = NEW(struct session);
	int r;

	h->k = k;
	h->s = s;
	h->down[0] = (struct down){ .fd = s->out };
	h->down[1] = (struct down){ .fd = s->err, .is_stderr = true };
	strbuf_init(&h->up);
	s->hung_up = false;
	r = run(h, c, err);
	strbuf_release(&h->up);
	free(h);
	if (r < 0)
		return -1;
	if (s->hung_up || k->loss) {
		*ret_status = k->have_status ? k->status : COMM_DISCONNECTED;
		return 0;
	}
	return sshchan_wait_exit(k, c, ret_status, err);
}
