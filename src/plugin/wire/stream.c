/* SPDX-License-Identifier: Apache-2.0 */
/* What the users of a stream call. */
#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/wait.h"
#include "plugin/wire/mux_internal.h"

#include <string.h>
#include <sys/eventfd.h>

/* A peer that has ended its half, and gives no credit for that long, does not read the other. */
enum { UNREAD_SECONDS = 30 };

static int make_signal(struct stream *s, struct signal_fd *sig)
{
	mux_lock(s->mux);
	if (sig->fd < 0) {
		sig->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		sig->on = false;
		stream_signal_locked(s);
	}
	mux_unlock(s->mux);
	return sig->fd;
}

const char *stream_peer(const struct stream *s)
{
	return s->mux->peer;
}

int stream_fd(struct stream *s)
{
	return make_signal(s, &s->readable);
}

int stream_credit_fd(struct stream *s)
{
	return make_signal(s, &s->writable);
}

static int gone_locked(struct stream *s, struct error **err)
{
	if (s->is_reset)
		return error_set(err, ERROR_GONE, "'%s' has dropped the stream", s->mux->peer);
	return mux_gone_locked(s->mux, err);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Only its user takes from the ring and only the reader puts into it, so the copy needs no lock. */
static size_t take(struct stream *s, char *buf, size_t len, size_t buffered)
{
	size_t n = MIN(len, buffered);
	size_t first = MIN(n, WINDOW - s->head);

	memcpy(buf, s->ring + s->head, first);
	memcpy(buf + first, s->ring, n - first);
	return n;
}

ssize_t stream_read_some(struct stream *s, void *buf, size_t len, struct error **err)
{
	struct mux *m = s->mux;
	ssize_t n;

	mux_lock(m);

	size_t buffered = s->buffered;

	if (buffered && len) {
		mux_unlock(m);
		n = (ssize_t)take(s, buf, len, buffered);
		mux_lock(m);
		s->buffered -= (size_t)n;
		s->head = (s->head + (size_t)n) % WINDOW;
		/* small messages stay at the start of the ring: its other pages need not exist */
		if (!s->buffered && m->receiving != s)
			s->head = 0;
		stream_grant_locked(s);
		stream_signal_locked(s);
		mux_leave_output_locked(m);
	} else if (s->fin_got || !len) {
		n = 0;
	} else {
		n = -1;
		if (s->is_reset || m->ended)
			gone_locked(s, err);
	}
	mux_unlock(m);
	return n;
}

/* A descriptor that could not be made would never be ready. */
static int wait_signal(int fd, int64_t deadline, struct cancel *c, struct error **err)
{
	if (fd < 0)
		return error_set(err, ERROR_FAILED, "too many open files");
	return io_wait(fd, POLLIN, deadline, c, err);
}

ssize_t stream_read(struct stream *s, void *buf, size_t len, int64_t deadline, struct cancel *c,
		    struct error **err)
{
	for (;;) {
		ssize_t n = stream_read_some(s, buf, len, err);

		if (n >= 0 || *err)
			return n;
		if (wait_signal(stream_fd(s), deadline, c, err) < 0)
			return -1;
	}
}

/* ---- writing ------------------------------------------------------------------------------- */

enum progress { PROGRESS_FAILED, PROGRESS_SENT, PROGRESS_NO_CREDIT, PROGRESS_NO_ROOM };

static int check_writable_locked(struct stream *s, struct error **err)
{
	if (s->is_reset || s->mux->ended)
		return gone_locked(s, err);
	if (s->fin_sent)
		return error_set(err, ERROR_FAILED, "the stream to '%s' is finished", s->mux->peer);
	return 0;
}

static enum progress send_some_locked(struct stream *s, const void **data, size_t *len,
				      struct error **err)
{
	size_t n = MIN(MIN(*len, (size_t)FRAME_DATA_MAX), (size_t)s->credit);

	if (check_writable_locked(s, err) < 0)
		return PROGRESS_FAILED;
	if (!n)
		return PROGRESS_NO_CREDIT;
	stream_ack_locked(s);
	if (!mux_send_data_locked(s, *data, n))
		return PROGRESS_NO_ROOM;
	s->credit -= (uint32_t)n;
	stream_signal_locked(s);
	*data = (const char *)*data + n;
	*len -= n;
	return PROGRESS_SENT;
}

/* Waits until the socket takes more. Meanwhile the reader leaves what waits to us. */
static int wait_room(struct mux *m, int64_t deadline, struct cancel *c, struct error **err)
{
	struct pollfd fds[] = { { .fd = m->fd, .events = POLLOUT },
				{ .fd = m->ended_signal.fd, .events = POLLIN } };

	mux_lock(m);
	m->senders++;
	mux_unlock(m);

	int r = io_wait_many(fds, ARRAY_LEN(fds), deadline, c, err);

	mux_lock(m);
	m->senders--;
	mux_flush_locked(m);
	mux_leave_output_locked(m);
	mux_unlock(m);
	return r;
}

static int wait_credit(struct stream *s, int64_t deadline, struct cancel *c, struct error **err)
{
	int64_t patience = clock_deadline(UNREAD_SECONDS * NSEC_PER_SEC);

	mux_lock(s->mux);

	bool may_be_deaf = s->fin_got && patience < deadline;

	mux_unlock(s->mux);
	if (wait_signal(stream_credit_fd(s), may_be_deaf ? patience : deadline, c, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_TIMEOUT || !may_be_deaf || clock_monotonic() < patience)
		return -1;
	error_ignore(err, "said in other words");
	return error_set(err, ERROR_GONE, "'%s' has ended the stream and reads no more",
			 s->mux->peer);
}

int stream_write_part(struct stream *s, const void **data, size_t *len, int64_t deadline,
		      struct cancel *c, struct error **err)
{
	while (*len) {
		mux_lock(s->mux);

		enum progress p = send_some_locked(s, data, len, err);

		mux_leave_output_locked(s->mux);
		mux_unlock(s->mux);
		if (p == PROGRESS_FAILED)
			return -1;
		if (p == PROGRESS_NO_CREDIT && wait_credit(s, deadline, c, err) < 0)
			return -1;
		if (p == PROGRESS_NO_ROOM && wait_room(s->mux, deadline, c, err) < 0)
			return -1;
		if (*len && cancel_check(c, err) < 0)
			return -1;
	}
	return 0;
}

int stream_write(struct stream *s, const void *data, size_t len, int64_t deadline, struct cancel *c,
		 struct error **err)
{
	return stream_write_part(s, &data, &len, deadline, c, err);
}

int stream_write_now(struct stream *s, const void *data, size_t len, struct error **err)
{
	mux_lock(s->mux);

	int r = check_writable_locked(s, err);

	if (r == 0 && len > s->credit)
		r = error_set(err, ERROR_FAILED, "'%s' takes no more on this stream", s->mux->peer);
	if (r == 0) {
		stream_ack_locked(s);
		s->credit -= (uint32_t)len;
		mux_queue_data_locked(s, data, len);
		stream_signal_locked(s);
		mux_leave_output_locked(s->mux);
	}
	mux_unlock(s->mux);
	return r;
}

size_t stream_credit(struct stream *s)
{
	mux_lock(s->mux);

	size_t n = s->is_reset || s->fin_sent || s->mux->ended ? 0 : s->credit;

	mux_unlock(s->mux);
	return n;
}

/* ---- ending -------------------------------------------------------------------------------- */

static void finish_locked(struct stream *s)
{
	if (s->fin_sent || s->is_reset || s->mux->ended)
		return;
	stream_ack_locked(s);
	s->fin_sent = true;
	mux_send_locked(s->mux, (struct frame){ FRAME_WINDOW, FLAG_FIN, s->id, 0 });
	mux_leave_output_locked(s->mux);
}

static void reset_locked(struct stream *s)
{
	if (s->is_reset)
		return;
	/* a stream that both have ended is unknown to the peer */
	if (s->is_listed && !s->mux->ended)
		mux_send_locked(s->mux, (struct frame){ FRAME_WINDOW, FLAG_RST, s->id, 0 });
	s->is_reset = true;
	mux_leave_output_locked(s->mux);
}

void stream_finish(struct stream *s)
{
	mux_lock(s->mux);
	finish_locked(s);
	stream_signal_locked(s);
	stream_settle_locked(s); /* it is held, so it stays */
	mux_unlock(s->mux);
}

/* Room among those that only wait for their peer's end: one of them is over now. */
static void drop_one_locked(struct mux *m)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct stream *s = m->buckets[i]; s; s = s->next)
			if (!s->is_held && m->receiving != s) {
				reset_locked(s);
				stream_settle_locked(s);
				return;
			}
}

/* Its user is done with it. */
static void release_locked(struct stream *s)
{
	struct mux *m = s->mux;

	s->is_held = false;
	if (s->is_listed)
		m->lingering++;
	stream_settle_locked(s);
	if (m->lingering > LINGER_MAX)
		drop_one_locked(m);
	mux_leave_output_locked(m);
}

void stream_close(struct stream *s)
{
	if (!s)
		return;

	struct mux *m = s->mux;

	mux_lock(m);
	finish_locked(s);
	/* what is here already is dropped; the peer may need credit to come to its end */
	if (m->receiving != s) {
		s->buffered = s->head = 0;
		stream_grant_locked(s);
	}
	release_locked(s);
	mux_unlock(m);
}

void stream_abort(struct stream *s)
{
	if (!s)
		return;

	struct mux *m = s->mux;

	mux_lock(m);
	reset_locked(s);
	release_locked(s);
	mux_unlock(m);
}
