/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on their way out. */
#include "base/macro.h"
#include "os/clock.h"
#include "plugin/wire/mux_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void put_be(unsigned char *at, uint32_t n, int bytes)
{
	while (bytes--) {
		at[bytes] = (unsigned char)n;
		n >>= 8;
	}
}

static void write_header(unsigned char h[FRAME_HEADER], struct frame f)
{
	h[0] = 0;
	h[1] = (unsigned char)f.type;
	put_be(h + 2, f.flags, 2);
	put_be(h + 4, f.id, 4);
	put_be(h + 8, f.length, 4);
}

bool mux_is_blocked_locked(const struct mux *m)
{
	return m->out.len > m->out_at;
}

/*
 * How much the socket took. A peer that is gone may have said something before, so the session
 * goes on until the reader has heard it; what is sent meanwhile is lost.
 */
static size_t offer(struct mux *m, const struct iovec *iov, size_t n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	size_t total = 0;
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (m->ended || m->is_deaf)
		return total;
	do
		sent = sendmsg(m->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno == EAGAIN || errno == ENOBUFS)
		return 0;
	m->is_deaf = true;
	signal_set(&m->wake, true);
	return total;
}

void mux_flush_locked(struct mux *m)
{
	struct iovec iov = { m->out.buf + m->out_at, m->out.len - m->out_at };

	if (!iov.iov_len)
		return;

	size_t sent = offer(m, &iov, 1);

	if (!sent)
		return;
	m->out_at += sent;
	m->out_since = clock_monotonic();
	if (m->out_at == m->out.len) {
		strbuf_truncate(&m->out, 0);
		m->out_at = m->out_control = m->out_acks = 0;
	}
}

/* What the socket has not taken of these waits its turn. */
static void keep_rest(struct mux *m, const struct iovec *iov, size_t n, size_t sent)
{
	if (!mux_is_blocked_locked(m))
		m->out_since = clock_monotonic();
	if (m->out_at > m->out.len / 2) {
		strbuf_remove(&m->out, 0, m->out_at);
		m->out_at = 0;
	}
	for (size_t i = 0; i < n; i++) {
		size_t skip = MIN(sent, iov[i].iov_len);

		strbuf_add(&m->out, (const char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		sent -= skip;
	}
}

/* Sent or waiting, in any case after what waits already. */
static void emit(struct mux *m, const struct iovec *iov, size_t n, bool is_ack)
{
	mux_flush_locked(m);

	size_t sent = mux_is_blocked_locked(m) ? 0 : offer(m, iov, n);
	size_t before = m->out.len;

	keep_rest(m, iov, n, sent);
	if (!mux_is_blocked_locked(m))
		return;
	m->out_control += m->out.len - MIN(before, m->out.len);
	m->out_acks += is_ack;
	if (m->out_control > OUT_CONTROL_MAX || m->out_acks > UNACKED_MAX)
		mux_end_locked(m, "does not read the answers to what it sends");
}

void mux_send_locked(struct mux *m, struct frame f)
{
	unsigned char header[FRAME_HEADER];
	struct iovec iov = { header, sizeof(header) };

	write_header(header, f);
	emit(m, &iov, 1, f.type == FRAME_WINDOW && f.flags & FLAG_ACK);
}

static void data_frame(const struct stream *s, unsigned char header[FRAME_HEADER], size_t len)
{
	write_header(header, (struct frame){ FRAME_DATA, 0, s->id, (uint32_t)len });
}

bool mux_send_data_locked(struct stream *s, const void *data, size_t len)
{
	unsigned char header[FRAME_HEADER];
	struct iovec iov[] = { { header, sizeof(header) }, { (void *)data, len } };
	struct mux *m = s->mux;

	mux_flush_locked(m);
	if (mux_is_blocked_locked(m))
		return false;
	data_frame(s, header, len);

	size_t sent = offer(m, iov, 2);

	if (!sent)
		return false;
	keep_rest(m, iov, 2, sent);
	return true;
}

void mux_queue_data_locked(struct stream *s, const void *data, size_t len)
{
	unsigned char header[FRAME_HEADER];
	struct iovec iov[] = { { header, sizeof(header) }, { (void *)data, len } };

	data_frame(s, header, len);
	emit(s->mux, iov, 2, false);
}

void mux_leave_output_locked(struct mux *m)
{
	if (mux_is_blocked_locked(m) && !m->senders)
		signal_set(&m->wake, true);
}

void stream_ack_locked(struct stream *s)
{
	if (!s->ack_due || s->is_reset)
		return;
	s->ack_due = false;
	mux_send_locked(s->mux, (struct frame){ FRAME_WINDOW, FLAG_ACK, s->id, 0 });
}

void stream_grant_locked(struct stream *s)
{
	uint32_t delta = WINDOW - (uint32_t)s->buffered - s->window;

	if (delta < WINDOW / 2 || s->fin_got || s->is_reset || s->mux->ended)
		return;
	stream_ack_locked(s);
	s->window += delta;
	mux_send_locked(s->mux, (struct frame){ FRAME_WINDOW, 0, s->id, delta });
}
