/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that reads: frames in, and everything that has to be answered at once. */
#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"
#include "plugin/wire/mux_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads in a row before the others have their turn. */
enum { READS_IN_A_ROW = 32 };

/* ---- frames -------------------------------------------------------------------------------- */

static uint32_t get_be(const unsigned char *at, int bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | *at++;
	return n;
}

/* False: nothing of it can be believed. */
static bool read_header(struct mux *m, const unsigned char h[FRAME_HEADER], struct frame *ret)
{
	*ret = (struct frame){ h[1], (uint16_t)get_be(h + 2, 2), get_be(h + 4, 4),
			       get_be(h + 8, 4) };
	if (h[0] != 0)
		mux_break_locked(m, "sent a frame of version %d, which is unknown", h[0]);
	else if (h[1] >= FRAME_TYPES)
		mux_break_locked(m, "sent a frame of type %d, which is unknown", h[1]);
	else if (ret->flags & ~FLAGS_ALL)
		mux_break_locked(m, "sent a frame with unknown flags (0x%x)", ret->flags);
	else if (ret->type == FRAME_DATA && ret->length > WINDOW)
		mux_break_locked(m, "sent a frame of %u bytes, %d are allowed", ret->length,
				 WINDOW);
	else
		return true;
	return false;
}

static void on_ping(struct mux *m, const struct frame *f)
{
	if (f->flags & FLAG_SYN)
		mux_send_locked(m, (struct frame){ FRAME_PING, FLAG_ACK, 0, f->length });
	/* an answer is a sign of life like anything else: heard_at has it */
}

static void on_go_away(struct mux *m, const struct frame *f)
{
	switch ((enum go_away)f->length) {
	case GO_AWAY_NORMAL:
		m->no_new = true;
		return;
	case GO_AWAY_PROTOCOL:
		mux_end_locked(m, "ended the connection because of a protocol error of ours");
		return;
	case GO_AWAY_INTERNAL:
		mux_end_locked(m, "ended the connection because of an internal error");
		return;
	}
	mux_end_locked(m, "ended the connection with the unknown code %u", f->length);
}

static void refuse(struct mux *m, uint32_t id)
{
	mux_send_locked(m, (struct frame){ FRAME_WINDOW, FLAG_RST, id, 0 });
}

/*
 * A stream that the peer opens. Functions of others are called without the lock; until they have
 * taken it nobody else knows the stream, and only this thread removes others' streams from the
 * list because of what the peer does.
 */
static void on_syn(struct mux *m, const struct frame *f)
{
	bool is_even = !(f->id & 1);

	if (!f->id || is_even != (m->role == MUX_CLIENT) || f->id <= m->last_theirs) {
		mux_break_locked(m, "opened a stream with the number %u, which is not its to use",
				 f->id);
		return;
	}
	m->last_theirs = f->id;
	if (m->theirs >= STREAMS_MAX) {
		log_debug("plugin", "'%s' has too many streams open: one more is refused", m->peer);
		refuse(m, f->id);
		return;
	}

	struct stream *s = stream_new_locked(m, f->id);

	s->ack_due = true;
	m->receiving = s; /* stays, whatever its user does */
	mux_unlock(m);
	pthread_mutex_lock(&m->call_lock);

	bool is_taken = m->incoming && m->incoming(m->incoming_data, s);

	pthread_mutex_unlock(&m->call_lock);
	mux_lock(m);
	m->receiving = NULL;
	if (is_taken) {
		stream_ack_locked(s);
	} else {
		refuse(m, f->id);
		s->is_reset = true;
		s->is_held = false;
		m->lingering++;
	}
	stream_settle_locked(s);
}

/* The stream a frame is about; NULL: it is over, or the session is. */
static struct stream *find_or_open(struct mux *m, const struct frame *f)
{
	if (f->flags & FLAG_SYN)
		on_syn(m, f);
	if (m->ended)
		return NULL;

	struct stream *s = mux_find_locked(m, f->id);
	bool is_even = !(f->id & 1);
	bool is_theirs = is_even == (m->role == MUX_CLIENT);

	if (!s && (!f->id || (is_theirs ? f->id > m->last_theirs : f->id >= m->next_id)))
		mux_break_locked(m, "sent a frame for stream %u, which does not exist", f->id);
	return s;
}

static void on_ack(struct stream *s)
{
	if (s->unacked)
		s->mux->unacked--;
	s->unacked = false;
}

/* FIN and RST, after what the frame carried. May free the stream. */
static void on_end_flags(struct stream *s, uint16_t flags)
{
	struct mux *m = s->mux;

	if (flags & FLAG_FIN) {
		if (s->fin_got) {
			mux_break_locked(m, "ended stream %u twice", s->id);
			return;
		}
		s->fin_got = true;
	}
	if (flags & FLAG_RST)
		s->is_reset = true;
	stream_signal_locked(s);
	stream_settle_locked(s);
}

static void on_window(struct mux *m, const struct frame *f)
{
	struct stream *s = find_or_open(m, f);

	if (!s)
		return;
	if (f->flags & FLAG_ACK)
		on_ack(s);
	if (f->length > UINT32_MAX - s->credit) {
		mux_break_locked(m, "allowed more on stream %u than can be counted", f->id);
		return;
	}
	s->credit += f->length;
	on_end_flags(s, f->flags);
}

static void on_data(struct mux *m, const struct frame *f)
{
	struct stream *s = find_or_open(m, f);

	m->payload_left = f->length;
	if (!s)
		return;
	if (f->flags & FLAG_ACK)
		on_ack(s);
	if (s->fin_got && f->length) {
		mux_break_locked(m, "sent data on stream %u after its end", f->id);
		return;
	}
	if (f->length > s->window) {
		mux_break_locked(m, "sent %u bytes on stream %u where %u are allowed", f->length,
				 f->id, s->window);
		return;
	}
	if (!f->length) {
		on_end_flags(s, f->flags);
		return;
	}
	if (s->is_reset)
		return;
	if (!s->ring)
		s->ring = xmalloc(WINDOW);
	m->receiving = s;
}

static void on_frame(struct mux *m, const unsigned char *header)
{
	if (!read_header(m, header, &m->frame))
		return;
	switch (m->frame.type) {
	case FRAME_DATA:
		on_data(m, &m->frame);
		break;
	case FRAME_WINDOW:
		on_window(m, &m->frame);
		break;
	case FRAME_PING:
		on_ping(m, &m->frame);
		break;
	case FRAME_GO_AWAY:
		on_go_away(m, &m->frame);
		break;
	case FRAME_TYPES:
		break;
	}
}

/* ---- payload ------------------------------------------------------------------------------- */

/* Where the next bytes of the payload go; two pieces where the ring ends. */
static size_t ring_places(const struct mux *m, struct iovec iov[2])
{
	struct stream *s = m->receiving;
	size_t tail = (s->head + s->buffered) % WINDOW;
	size_t first = MIN(m->payload_left, WINDOW - tail);

	iov[0] = (struct iovec){ s->ring + tail, first };
	iov[1] = (struct iovec){ s->ring, m->payload_left - first };
	return iov[1].iov_len ? 2 : 1;
}

/* n bytes of the payload are in place. */
static void commit_locked(struct mux *m, size_t n)
{
	struct stream *s = m->receiving;

	m->payload_left -= n;
	if (!s)
		return;
	s->window -= (uint32_t)n;
	s->buffered += n;
	if (!s->is_held) { /* its user is done with it; the peer shall come to its end */
		s->buffered = 0;
		stream_grant_locked(s);
	}
	if (m->payload_left) {
		stream_signal_locked(s);
		return;
	}
	m->receiving = NULL;
	on_end_flags(s, m->frame.flags);
}

static void take_payload(struct mux *m)
{
	size_t n = MIN(m->payload_left, m->in_len - m->in_at);

	if (m->receiving) {
		struct iovec iov[2];

		ring_places(m, iov);

		size_t first = MIN(n, iov[0].iov_len);

		memcpy(iov[0].iov_base, m->in + m->in_at, first);
		if (n > first)
			memcpy(iov[1].iov_base, m->in + m->in_at + first, n - first);
	}
	m->in_at += n;
	commit_locked(m, n);
}

bool mux_parse(struct mux *m)
{
	while (!m->ended) {
		if (m->payload_left) {
			if (m->in_at == m->in_len)
				break;
			take_payload(m);
		} else if (m->in_len - m->in_at >= FRAME_HEADER) {
			m->in_at += FRAME_HEADER;
			on_frame(m, m->in + m->in_at - FRAME_HEADER);
		} else {
			break;
		}
	}
	memmove(m->in, m->in + m->in_at, m->in_len - m->in_at);
	m->in_len -= m->in_at;
	m->in_at = 0;
	return !m->ended;
}

/* ---- the socket ---------------------------------------------------------------------------- */

static void on_closed(struct mux *m)
{
	m->was_closed = true;
	mux_end_locked(m, "closed the connection");
}

static void on_read_error(struct mux *m, ssize_t n, int e)
{
	if (n == 0 || e == ECONNRESET || e == EPIPE)
		on_closed(m);
	else
		mux_end_locked(m, "cannot be read from: %s", strerrordesc_np(e) ?: "unknown error");
}

/* Payload goes to its ring and what follows to the buffer, in one call. */
static ssize_t read_once(struct mux *m, const struct iovec *places, size_t count)
{
	struct iovec iov[3];
	ssize_t n;

	memcpy(iov, places, count * sizeof(*iov));
	iov[count] = (struct iovec){ m->in + m->in_len, sizeof(m->in) - m->in_len };
	do
		n = readv(m->fd, iov, (int)count + 1);
	while (n < 0 && errno == EINTR);
	return n;
}

/* False: nothing is left to read, or nobody. */
static bool receive_locked(struct mux *m)
{
	struct iovec places[2];
	size_t count = m->receiving ? ring_places(m, places) : 0;
	size_t room = m->receiving ? m->payload_left : 0;

	mux_unlock(m);

	ssize_t n = read_once(m, places, count);
	int e = errno;

	mux_lock(m);
	if (m->ended)
		return false;
	if (n < 0 && e == EAGAIN) {
		if (m->is_deaf)
			on_closed(m);
		return false;
	}
	if (n <= 0) {
		on_read_error(m, n, e);
		return false;
	}
	m->heard_at = clock_monotonic();
	m->ping_sent = false;

	size_t placed = MIN((size_t)n, room);

	m->in_len += (size_t)n - placed;
	if (placed)
		commit_locked(m, placed);
	return mux_parse(m);
}

void mux_receive(struct mux *m)
{
	mux_lock(m);
	for (int i = 0; i < READS_IN_A_ROW && m->is_used && !m->ended && receive_locked(m); i++)
		;
	mux_unlock(m);
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* What time does to a session; returns when it has to be looked at again. */
static int64_t check_time_locked(struct mux *m)
{
	int64_t now = clock_monotonic(), next = DEADLINE_NEVER, until;

	if (mux_is_blocked_locked(m)) {
		until = m->out_since + m->patience.stall;
		if (now >= until)
			mux_end_locked(m, "does not read what is sent to it");
		next = MIN(next, until);
	}
	if (m->ping_sent) {
		until = m->ping_at + m->patience.answer;
		if (now >= until)
			mux_end_locked(m, "does not answer");
	} else {
		until = m->heard_at + m->patience.silence;
		if (now >= until && m->ours + m->theirs > 0) {
			mux_send_locked(m,
					(struct frame){ FRAME_PING, FLAG_SYN, 0, m->ping_value++ });
			m->ping_sent = true;
			m->ping_at = now;
			until = now + m->patience.answer;
		}
		if (now >= until) /* nothing is open: nobody waits */
			until = now + m->patience.silence;
	}
	return MIN(next, until);
}

static void call_sides(struct mux *m, const struct pollfd *fds, size_t n)
{
	pthread_mutex_lock(&m->call_lock);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; fds[i].revents && k < m->side_count; k++)
			if (m->sides[k].fd == fds[i].fd && !m->sides[k].fn(m->sides[k].data))
				m->sides[k--] = m->sides[--m->side_count];
	pthread_mutex_unlock(&m->call_lock);
}

enum { AT_SOCKET, AT_WAKE, AT_SIDES };

static size_t add_sides(struct mux *m, struct pollfd *fds)
{
	size_t n = 0;

	pthread_mutex_lock(&m->call_lock);
	for (; n < m->side_count; n++)
		fds[n] = (struct pollfd){ .fd = m->sides[n].fd, .events = POLLIN };
	pthread_mutex_unlock(&m->call_lock);
	return n;
}

/* False: it is time to end. */
static bool prepare_wait(struct mux *m, struct pollfd *fds, int64_t *ret_deadline)
{
	mux_lock(m);
	signal_set(&m->wake, false);
	mux_flush_locked(m);
	*ret_deadline = m->ended ? DEADLINE_NEVER : check_time_locked(m);

	short events = POLLIN;

	if (mux_is_blocked_locked(m) && !m->senders)
		events |= POLLOUT;
	fds[AT_SOCKET] =
		(struct pollfd){ .fd = m->ended || !m->is_used ? -1 : m->fd, .events = events };
	fds[AT_WAKE] = (struct pollfd){ .fd = m->wake.fd, .events = POLLIN };

	bool go_on = !m->stop;

	mux_unlock(m);
	return go_on;
}

void *mux_reader(void *mux)
{
	struct mux *m = mux;
	struct pollfd fds[AT_SIDES + SIDES_MAX];
	int64_t deadline;

	while (prepare_wait(m, fds, &deadline)) {
		AUTO(error) struct error *err = NULL;
		size_t n = add_sides(m, fds + AT_SIDES);

		if (io_wait_many(fds, AT_SIDES + n, deadline, NULL, &err) < 0 &&
		    err->kind != ERROR_TIMEOUT) {
			mux_lock(m);
			mux_end_locked(m, "cannot be waited for: %s", err->message);
			mux_unlock(m);
			break;
		}
		call_sides(m, fds + AT_SIDES, n);
		mux_receive(m);
	}
	return NULL;
}
