/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/relay.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "os/fd.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, ROUNDS = 16 };

/* Bytes on their way in one direction; never more than one piece. */
struct pending {
	char *bytes;
	size_t at, len;
};

struct relay {
	int fd;
	ssh_channel ch;
	char *host; /* while the channel is being opened */
	int port;
	struct pending in, out; /* in: from the channel to fd */
	bool fd_eof, channel_eof;
	bool over;
};
/* Pointers: a channel that the server opens may add one while another is served. */
VEC_DECLARE(relay_list, struct relay *);

struct relay_set {
	struct sshlink *link;
	struct relay_list relays;
};

struct relay_set *relay_set_new(struct sshlink *l)
{
	struct relay_set *s = NEW(struct relay_set);

	s->link = l;
	return s;
}

static void relay_free(struct relay_set *s, struct relay *r)
{
	if (r->ch && !s->link->lost && ssh_channel_close(r->ch) == SSH_AGAIN)
		(void)ssh_channel_close(r->ch);
	ssh_channel_free(r->ch);
	fd_close(r->fd);
	free(r->host);
	free(r->in.bytes);
	free(r->out.bytes);
	free(r);
}

void relay_set_free(struct relay_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->relays.len; i++)
		relay_free(s, s->relays.items[i]);
	vec_release(&s->relays);
	free(s);
}

static struct relay *add(struct relay_set *s, int fd, ssh_channel ch)
{
	struct relay *r = NEW(struct relay);
	AUTO(error) struct error *e = NULL;

	*vec_push(&s->relays) = r;
	r->fd = fd;
	r->ch = ch;
	r->in.bytes = xmalloc(PIECE);
	r->out.bytes = xmalloc(PIECE);
	r->over = !ch || fd_set_nonblocking(fd, true, &e) < 0;
	return r;
}

void relay_add(struct relay_set *s, int fd, ssh_channel ch)
{
	(void)add(s, fd, ch);
}

void relay_add_outgoing(struct relay_set *s, int fd, const char *host, int port)
{
	struct relay *r = add(s, fd, ssh_channel_new(s->link->session));

	r->host = xstrdup(host);
	r->port = port;
}

static bool is_empty(const struct pending *p)
{
	return p->at == p->len;
}

/* Channel -> fd. True if something moved. */
static bool move_in(struct relay *r)
{
	ssize_t n;

	if (is_empty(&r->in) && !r->channel_eof) {
		int got = ssh_channel_read_nonblocking(r->ch, r->in.bytes, PIECE, 0);

		if (got > 0)
			r->in = (struct pending){ r->in.bytes, 0, (size_t)got };
		else if (got < 0 || ssh_channel_is_eof(r->ch) || ssh_channel_is_closed(r->ch))
			r->channel_eof = true;
		if (r->channel_eof && r->fd >= 0)
			(void)shutdown(r->fd, SHUT_WR);
	}
	if (is_empty(&r->in))
		return false;
	n = send(r->fd, r->in.bytes + r->in.at, r->in.len - r->in.at, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		r->over = true;
	if (n <= 0)
		return false;
	r->in.at += (size_t)n;
	return true;
}

/* fd -> channel. */
static bool move_out(struct relay *r, bool may_write)
{
	int n;

	if (is_empty(&r->out) && !r->fd_eof) {
		ssize_t got = recv(r->fd, r->out.bytes, PIECE, 0);

		if (got > 0)
			r->out = (struct pending){ r->out.bytes, 0, (size_t)got };
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			r->fd_eof = true;
		if (r->fd_eof)
			(void)ssh_channel_send_eof(r->ch);
	}
	if (is_empty(&r->out) || !may_write)
		return false;
	n = ssh_channel_write(r->ch, r->out.bytes + r->out.at, (uint32_t)(r->out.len - r->out.at));
	if (n < 0)
		r->over = true;
	if (n <= 0)
		return false;
	r->out.at += (size_t)n;
	return true;
}

static void open_channel(struct relay *r)
{
	int rc = ssh_channel_open_forward(r->ch, r->host, r->port, "127.0.0.1", 0);

	if (rc == SSH_AGAIN)
		return;
	r->over = rc != SSH_OK;
	free(r->host);
	r->host = NULL;
}

static void serve_one(struct relay_set *s, struct relay *r)
{
	if (r->host && !r->over)
		open_channel(r);
	if (r->host || r->over)
		return;
	for (int i = 0; i < ROUNDS && !r->over; i++) {
		bool moved = move_in(r);

		moved |= move_out(r, !sshlink_write_pending(s->link));
		if (!moved)
			break;
	}
	if (r->channel_eof && is_empty(&r->in) && (r->fd_eof || ssh_channel_is_closed(r->ch)))
		r->over = true;
}

static short wanted(const struct relay *r)
{
	short events = 0;

	if (r->host)
		return 0;
	if (is_empty(&r->out) && !r->fd_eof)
		events |= POLLIN;
	if (!is_empty(&r->in))
		events |= POLLOUT;
	return events;
}

size_t relay_set_serve(struct relay_set *s, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	for (size_t i = s->relays.len; i-- > 0;) {
		struct relay *r = s->relays.items[i];

		if (!r->over)
			serve_one(s, r);
		if (!r->over && !s->link->lost)
			continue;
		relay_free(s, r);
		vec_remove(&s->relays, i);
	}
	for (size_t i = 0; i < s->relays.len && n < max; i++) {
		const struct relay *r = s->relays.items[i];

		/* An entry without events would still report a hang-up, again and again. */
		if (wanted(r))
			fds[n++] = (struct pollfd){ .fd = r->fd, .events = wanted(r) };
	}
	return n;
}
