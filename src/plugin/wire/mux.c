/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/wire/mux.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fd.h"
#include "plugin/wire/mux_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* What the reference implementation allows, as a peer and of its peers. */
static const struct mux_patience usual_patience = {
	.silence = 30 * NSEC_PER_SEC,
	.answer = 10 * NSEC_PER_SEC,
	.stall = 10 * NSEC_PER_SEC,
};

void signal_set(struct signal_fd *s, bool on)
{
	uint64_t n = 1;

	if (s->fd < 0 || s->on == on)
		return;
	s->on = on;
	if (on)
		(void)!write(s->fd, &n, sizeof(n));
	else
		(void)!read(s->fd, &n, sizeof(n));
}

static int signal_open(struct signal_fd *s, struct error **err)
{
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd < 0)
		return error_set_errno(err, errno, "cannot make an event descriptor");
	return 0;
}

/* The socket itself stays open until nobody can wait for it any more. */
static void mux_destroy(struct mux *m)
{
	fd_close(m->fd);
	fd_close(m->ended_signal.fd);
	fd_close(m->wake.fd);
	strbuf_release(&m->out);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->call_lock);
	free(m->peer);
	free(m->reason);
	free(m);
}

void mux_lock(struct mux *m)
{
	pthread_mutex_lock(&m->lock);
}

void mux_unlock(struct mux *m)
{
	bool is_last = m->refs == 0;

	pthread_mutex_unlock(&m->lock);
	if (is_last)
		mux_destroy(m);
}

/* Signals are for the main thread, also where it does not wait for them yet. */
static int start_reader(struct mux *m)
{
	sigset_t all, before;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&m->reader, NULL, mux_reader, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

struct mux *mux_new(int fd, enum mux_side side, const char *peer, struct error **err)
{
	struct mux *m = NEW(struct mux);

	m->fd = fd;
	m->role = side;
	m->peer = xstrdup(peer);
	m->patience = usual_patience;
	m->refs = 1;
	m->next_id = side == MUX_CLIENT ? 1 : 2;
	m->ended_signal.fd = m->wake.fd = -1;
	m->heard_at = clock_monotonic();
	strbuf_init(&m->out);
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->call_lock, NULL);
	if (fd_set_nonblocking(fd, true, err) < 0 || signal_open(&m->ended_signal, err) < 0 ||
	    signal_open(&m->wake, err) < 0) {
		mux_destroy(m);
		return NULL;
	}

	int e = start_reader(m);

	if (e) {
		mux_destroy(m);
		error_set_errno(err, e, "cannot start the reader of '%s'", peer);
		return NULL;
	}
	return m;
}

static void end_locked(struct mux *m, char *reason)
{
	if (m->ended) {
		free(reason);
		return;
	}
	m->ended = true;
	m->reason = reason;
	/* wakes whoever waits for the socket; the descriptor itself stays until nobody can */
	(void)shutdown(m->fd, SHUT_RDWR);
	signal_set(&m->ended_signal, true);
	signal_set(&m->wake, true);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct stream *s = m->buckets[i]; s; s = s->next)
			stream_signal_locked(s);
}

static char *with_peer(const struct mux *m, const char *fmt, va_list ap)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "'%s' ", m->peer);
	strbuf_vaddf(&sb, fmt, ap);
	return strbuf_detach(&sb);
}

void mux_end_locked(struct mux *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_locked(m, with_peer(m, fmt, ap));
	va_end(ap);
}

void mux_break_locked(struct mux *m, const char *fmt, ...)
{
	va_list ap;

	if (!m->ended)
		mux_send_locked(m, (struct frame){ FRAME_GO_AWAY, .length = GO_AWAY_PROTOCOL });
	va_start(ap, fmt);
	end_locked(m, with_peer(m, fmt, ap));
	va_end(ap);
}

int mux_gone_locked(struct mux *m, struct error **err)
{
	return error_set(err, ERROR_GONE, "%s", m->reason);
}

void mux_free(struct mux *m)
{
	if (!m)
		return;
	mux_lock(m);
	m->stop = true;
	end_locked(m, xasprintf("the connection to '%s' was closed", m->peer));
	signal_set(&m->wake, true);
	mux_unlock(m);
	pthread_join(m->reader, NULL);

	mux_lock(m);
	m->receiving = NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		while (m->buckets[i])
			stream_settle_locked(m->buckets[i]);
	m->refs--;
	mux_unlock(m);
}

const char *mux_peer(const struct mux *m)
{
	return m->peer;
}

int mux_ended_fd(const struct mux *m)
{
	return m->ended_signal.fd;
}

int mux_why_ended(void *mux, struct error **err)
{
	struct mux *m = mux;

	mux_lock(m);

	int r = m->ended ? mux_gone_locked(m, err) : 0;

	mux_unlock(m);
	return r;
}

bool mux_was_closed(struct mux *m)
{
	mux_lock(m);

	bool was_closed = m->was_closed;

	mux_unlock(m);
	return was_closed;
}

void mux_set_patience(struct mux *m, struct mux_patience p)
{
	mux_lock(m);
	m->patience = p;
	signal_set(&m->wake, true);
	mux_unlock(m);
}

void mux_on_incoming(struct mux *m, mux_incoming_fn fn, void *data)
{
	pthread_mutex_lock(&m->call_lock);
	m->incoming = fn;
	m->incoming_data = data;
	pthread_mutex_unlock(&m->call_lock);
	mux_lock(m);
	m->is_used = true;
	signal_set(&m->wake, true);
	mux_unlock(m);
}

void mux_also_read(struct mux *m, int fd, mux_side_fn fn, void *data)
{
	pthread_mutex_lock(&m->call_lock);
	assert(m->side_count < SIDES_MAX);
	m->sides[m->side_count++] = (struct side){ fd, fn, data };
	pthread_mutex_unlock(&m->call_lock);
	mux_lock(m);
	signal_set(&m->wake, true);
	mux_unlock(m);
}

void mux_read_no_more(struct mux *m, int fd)
{
	pthread_mutex_lock(&m->call_lock);
	for (size_t i = 0; i < m->side_count; i++)
		if (m->sides[i].fd == fd)
			m->sides[i--] = m->sides[--m->side_count];
	pthread_mutex_unlock(&m->call_lock);
	mux_lock(m);
	signal_set(&m->wake, true);
	mux_unlock(m);
}

/* ---- the list of streams ------------------------------------------------------------------- */

static bool is_ours(const struct mux *m, uint32_t id)
{
	return (id & 1) == (m->role == MUX_CLIENT ? 1u : 0u);
}

static struct stream **bucket(struct mux *m, uint32_t id)
{
	return &m->buckets[(id / 2) % BUCKETS];
}

struct stream *mux_find_locked(struct mux *m, uint32_t id)
{
	struct stream *s = *bucket(m, id);

	while (s && s->id != id)
		s = s->next;
	return s;
}

struct stream *stream_new_locked(struct mux *m, uint32_t id)
{
	struct stream *s = NEW(struct stream);
	struct stream **b = bucket(m, id);

	*s = (struct stream){
		.next = *b,
		.mux = m,
		.id = id,
		.is_held = true,
		.is_listed = true,
		.window = WINDOW,
		.credit = WINDOW,
		.readable.fd = -1,
		.writable.fd = -1,
	};
	*b = s;
	m->refs++;
	*(is_ours(m, id) ? &m->ours : &m->theirs) += 1;
	return s;
}

static void unlist_locked(struct stream *s)
{
	struct mux *m = s->mux;
	struct stream **p = bucket(m, s->id);

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->is_listed = false;
	*(is_ours(m, s->id) ? &m->ours : &m->theirs) -= 1;
	if (s->unacked)
		m->unacked--;
	s->unacked = false;
	if (!s->is_held)
		m->lingering--;
}

void stream_settle_locked(struct stream *s)
{
	struct mux *m = s->mux;
	bool is_over = s->is_reset || (s->fin_sent && s->fin_got) || m->ended;

	if (!is_over || m->receiving == s)
		return;
	if (s->is_listed)
		unlist_locked(s);
	if (s->is_held)
		return;
	fd_close(s->readable.fd);
	fd_close(s->writable.fd);
	free(s->ring);
	free(s);
	m->refs--;
}

void stream_signal_locked(struct stream *s)
{
	bool gone = s->is_reset || s->mux->ended;

	signal_set(&s->readable, s->buffered || s->fin_got || gone);
	signal_set(&s->writable, s->credit || s->fin_sent || gone);
}

struct stream *mux_open(struct mux *m, struct error **err)
{
	struct stream *s = NULL;

	mux_lock(m);
	if (!m->is_used)
		signal_set(&m->wake, true);
	m->is_used = true;
	if (m->ended) {
		mux_gone_locked(m, err);
	} else if (m->no_new || m->next_id > INT32_MAX) {
		error_set(err, ERROR_GONE, "'%s' takes no new streams", m->peer);
	} else if (m->unacked >= UNACKED_MAX) {
		error_set(err, ERROR_FAILED, "'%s' has not confirmed %d streams", m->peer,
			  UNACKED_MAX);
	} else if (m->ours >= STREAMS_MAX) {
		error_set(err, ERROR_FAILED, "too many streams to '%s' are open", m->peer);
	} else {
		s = stream_new_locked(m, m->next_id);
		s->unacked = true;
		m->unacked++;
		m->next_id += 2;
		mux_send_locked(m, (struct frame){ FRAME_WINDOW, FLAG_SYN, s->id, 0 });
		mux_leave_output_locked(m);
	}
	mux_unlock(m);
	return s;
}
