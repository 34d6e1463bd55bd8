/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's thread reads the names of streams as they come and closes what
 * nobody takes in time, both through functions that it calls when a descriptor
 * is readable: an epoll set of the nameless streams, and a timer. Users only
 * look at the two lists. The lock here comes before that of the session.
 */
#include "plugin/wire/broker.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/duration.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

enum {
	ID_BYTES = 4,
	ARRIVED_MAX = 256, /* streams that wait for a name or a taker */
};

/* A stream of the peer. */
struct arrived {
	struct stream *stream;
	unsigned char name[ID_BYTES];
	size_t name_len;
	int64_t deadline;
};

/* A number of ours that was told, or that somebody waits for. */
struct expected {
	uint32_t id;
	int64_t deadline; /* of the wait; 0: nobody has asked yet */
	int waiter;       /* eventfd of the thread that waits for just this one; 0: none */
};

struct broker {
	struct mux *mux;
	int nameless; /* epoll: the streams whose name is not here yet */
	int timer;
	int news; /* eventfd: readable while a look may show something */
	int fd;   /* epoll: news, or the end of the session */

	pthread_mutex_t lock;
	int64_t patience;
	bool has_news;
	uint32_t next;
	VEC_DECLARE(arrived_list, struct arrived *) arrived;
	VEC_DECLARE(expected_list, struct expected) expected;
};

static uint32_t id_of(const struct arrived *a)
{
	return (uint32_t)a->name[0] | (uint32_t)a->name[1] << 8 | (uint32_t)a->name[2] << 16 |
	       (uint32_t)a->name[3] << 24;
}

static bool is_named(const struct arrived *a)
{
	return a->name_len == ID_BYTES;
}

static struct expected *find_expected(struct broker *b, uint32_t id)
{
	for (size_t i = 0; i < b->expected.len; i++)
		if (b->expected.items[i].id == id)
			return &b->expected.items[i];
	return NULL;
}

static void forget_expected(struct broker *b, uint32_t id)
{
	struct expected *e = find_expected(b, id);

	if (e)
		vec_remove(&b->expected, (size_t)(e - b->expected.items));
}

static struct arrived *find_arrived(struct broker *b, uint32_t id)
{
	for (size_t i = 0; i < b->arrived.len; i++)
		if (is_named(b->arrived.items[i]) && id_of(b->arrived.items[i]) == id)
			return b->arrived.items[i];
	return NULL;
}

/* Takes it off the lists; the stream is the caller's. */
static struct stream *remove_arrived(struct broker *b, struct arrived *a)
{
	struct stream *s = a->stream;

	if (!is_named(a))
		(void)epoll_ctl(b->nameless, EPOLL_CTL_DEL, stream_fd(s), NULL);
	for (size_t i = 0; i < b->arrived.len; i++)
		if (b->arrived.items[i] == a) {
			vec_remove(&b->arrived, i);
			break;
		}
	free(a);
	return s;
}

static bool is_late(int64_t deadline, int64_t now)
{
	return deadline && now >= deadline;
}

static void poke(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

/* Readable while a stream that is expected is there, or one that was waited for did not come. */
static void update_news(struct broker *b)
{
	int64_t now = clock_monotonic();
	bool has_news = false;
	uint64_t n;

	for (size_t i = 0; i < b->expected.len; i++) {
		struct expected *e = &b->expected.items[i];
		bool is_news = is_late(e->deadline, now) || find_arrived(b, e->id);

		if (is_news && e->waiter)
			poke(e->waiter);
		has_news |= is_news;
	}
	if (has_news && !b->has_news)
		poke(b->news);
	if (!has_news && b->has_news)
		(void)!read(b->news, &n, sizeof(n));
	b->has_news = has_news;
}

static void set_timer(struct broker *b)
{
	struct itimerspec at = { 0 };
	int64_t now = clock_monotonic(), next = DEADLINE_NEVER;

	for (size_t i = 0; i < b->arrived.len; i++)
		next = MIN(next, b->arrived.items[i]->deadline);
	for (size_t i = 0; i < b->expected.len; i++)
		if (b->expected.items[i].deadline > now)
			next = MIN(next, b->expected.items[i].deadline);
	if (next != DEADLINE_NEVER) {
		at.it_value.tv_sec = (time_t)(next / NSEC_PER_SEC);
		at.it_value.tv_nsec = (long)(next % NSEC_PER_SEC) + 1;
		if (at.it_value.tv_nsec >= NSEC_PER_SEC)
			at.it_value.tv_nsec--;
	}
	(void)timerfd_settime(b->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* ---- on the reader's thread ------------------------------------------------------------------ */

static bool on_incoming(void *data, struct stream *s)
{
	struct broker *b = data;
	struct arrived *a = NEW(struct arrived);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = a };
	bool is_taken = false;

	pthread_mutex_lock(&b->lock);
	*a = (struct arrived){ .stream = s, .deadline = clock_deadline(b->patience) };
	if (b->arrived.len < ARRIVED_MAX &&
	    epoll_ctl(b->nameless, EPOLL_CTL_ADD, stream_fd(s), &ev) == 0) {
		*vec_push(&b->arrived) = a;
		set_timer(b);
		is_taken = true;
	}
	pthread_mutex_unlock(&b->lock);
	if (!is_taken)
		free(a);
	return is_taken;
}

/* A name that can lead nowhere: it is known to the peer from us, and used up or given up. */
static bool is_over(struct broker *b, uint32_t id)
{
	return id && id < b->next && !find_expected(b, id);
}

/* Reads what is there of the name. False: the stream is of no use and off the list. */
static bool read_name(struct broker *b, struct arrived *a)
{
	AUTO(error) struct error *err = NULL;
	ssize_t n =
		stream_read_some(a->stream, a->name + a->name_len, ID_BYTES - a->name_len, &err);

	if (n < 0 && !err)
		return true;
	if (n <= 0) {
		stream_abort(remove_arrived(b, a));
		return false;
	}

	bool is_whole = a->name_len + (size_t)n == ID_BYTES;
	unsigned char whole[ID_BYTES];

	memcpy(whole, a->name, ID_BYTES);
	if (is_whole) {
		struct arrived named = *a;

		named.name_len = ID_BYTES;

		uint32_t id = id_of(&named);

		if (is_over(b, id) || find_arrived(b, id)) {
			log_debug("plugin", "a stream names %u, which nobody expects", id);
			stream_abort(remove_arrived(b, a));
			return false;
		}
		(void)epoll_ctl(b->nameless, EPOLL_CTL_DEL, stream_fd(a->stream), NULL);
	}
	a->name_len += (size_t)n;
	return true;
}

static bool on_name(void *data)
{
	enum { AT_ONCE = 32 };
	struct broker *b = data;
	struct epoll_event events[AT_ONCE];

	pthread_mutex_lock(&b->lock);

	int n = epoll_wait(b->nameless, events, AT_ONCE, 0);

	for (int i = 0; i < n; i++)
		(void)read_name(b, events[i].data.ptr);
	update_news(b);
	pthread_mutex_unlock(&b->lock);
	return true;
}

static bool on_timer(void *data)
{
	struct broker *b = data;
	uint64_t ticks;

	pthread_mutex_lock(&b->lock);
	(void)!read(b->timer, &ticks, sizeof(ticks));

	int64_t now = clock_monotonic();

	for (size_t i = 0; i < b->arrived.len; i++) {
		struct arrived *a = b->arrived.items[i];

		if (!is_late(a->deadline, now))
			continue;
		log_debug("plugin", "a stream was not taken in time");
		stream_close(remove_arrived(b, a));
		i--;
	}
	update_news(b);
	set_timer(b);
	pthread_mutex_unlock(&b->lock);
	return true;
}

/* ---- for the users --------------------------------------------------------------------------- */

static int watch(int set, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev);
}

struct broker *broker_new(struct mux *m, struct error **err)
{
	struct broker *b = NEW(struct broker);

	b->mux = m;
	b->next = 1;
	b->patience = BROKER_SECONDS * NSEC_PER_SEC;
	b->nameless = epoll_create1(EPOLL_CLOEXEC);
	b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	b->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->fd = epoll_create1(EPOLL_CLOEXEC);
	pthread_mutex_init(&b->lock, NULL);
	if (b->nameless < 0 || b->timer < 0 || watch(b->fd, b->news) < 0 ||
	    watch(b->fd, mux_ended_fd(m)) < 0) {
		error_set_errno(err, errno, "cannot watch the streams of '%s'", mux_peer(m));
		broker_free(b);
		return NULL;
	}
	mux_also_read(m, b->nameless, on_name, b);
	mux_also_read(m, b->timer, on_timer, b);
	mux_on_incoming(m, on_incoming, b);
	return b;
}

void broker_free(struct broker *b)
{
	if (!b)
		return;
	mux_on_incoming(b->mux, NULL, NULL);
	mux_read_no_more(b->mux, b->nameless);
	mux_read_no_more(b->mux, b->timer);
	while (b->arrived.len)
		stream_abort(remove_arrived(b, b->arrived.items[0]));
	vec_release(&b->arrived);
	vec_release(&b->expected);
	fd_close(b->nameless);
	fd_close(b->timer);
	fd_close(b->news);
	fd_close(b->fd);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void broker_set_patience(struct broker *b, int64_t ns)
{
	b->patience = ns;
}

int broker_fd(struct broker *b)
{
	return b->fd;
}

uint32_t broker_expect(struct broker *b)
{
	pthread_mutex_lock(&b->lock);

	uint32_t id = b->next++;

	*vec_push(&b->expected) = (struct expected){ .id = id };
	pthread_mutex_unlock(&b->lock);
	return id;
}

/* The wait for a number begins with the first question for it. */
static struct expected *ask_locked(struct broker *b, uint32_t id)
{
	struct expected *e = find_expected(b, id);

	if (!e) {
		e = vec_push(&b->expected);
		e->id = id;
	}
	if (!e->deadline) {
		e->deadline = clock_deadline(b->patience);
		set_timer(b);
	}
	return e;
}

static struct stream *take_locked(struct broker *b, struct arrived *a, struct error **err)
{
	unsigned char echo[ID_BYTES];

	memcpy(echo, a->name, ID_BYTES);

	struct stream *s = remove_arrived(b, a);

	if (stream_write_now(s, echo, ID_BYTES, err) == 0)
		return s;
	stream_abort(s);
	return NULL;
}

struct stream *broker_accept_now(struct broker *b, uint32_t id, struct error **err)
{
	struct stream *s = NULL;

	pthread_mutex_lock(&b->lock);

	struct expected *e = ask_locked(b, id);
	struct arrived *a = find_arrived(b, id);

	if (a)
		s = take_locked(b, a, err);
	else if (mux_why_ended(b->mux, err) == 0 && is_late(e->deadline, clock_monotonic()))
		error_set(err, ERROR_TIMEOUT, "'%s' has not connected to stream %u in time",
			  mux_peer(b->mux), id);
	if (s || *err)
		forget_expected(b, id);
	update_news(b);
	pthread_mutex_unlock(&b->lock);
	return s;
}

static void set_waiter(struct broker *b, uint32_t id, int fd)
{
	pthread_mutex_lock(&b->lock);
	ask_locked(b, id)->waiter = fd;
	update_news(b);
	pthread_mutex_unlock(&b->lock);
}

struct stream *broker_accept(struct broker *b, uint32_t id, struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(b->patience);
	AUTO_CLOSE int waiter = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd fds[] = { { .fd = waiter, .events = POLLIN },
				{ .fd = mux_ended_fd(b->mux), .events = POLLIN } };

	if (waiter < 0) {
		error_set_errno(err, errno, "cannot wait for a stream of '%s'", mux_peer(b->mux));
		return NULL;
	}
	set_waiter(b, id, waiter);
	for (;;) {
		AUTO(error) struct error *e = NULL;
		struct stream *s = broker_accept_now(b, id, err);

		if (s || *err)
			return s; /* and nobody expects it any more */
		if (io_wait_many(fds, ARRAY_LEN(fds), deadline, c, &e) < 0 &&
		    (e->kind != ERROR_TIMEOUT || clock_monotonic() < deadline)) {
			broker_forget(b, id);
			error_move(err, TAKE(e));
			return NULL;
		}
	}
}

void broker_forget(struct broker *b, uint32_t id)
{
	pthread_mutex_lock(&b->lock);
	forget_expected(b, id);

	struct arrived *a = find_arrived(b, id);

	if (a)
		stream_abort(remove_arrived(b, a));
	update_news(b);
	pthread_mutex_unlock(&b->lock);
}

static int shake_hands(struct broker *b, struct stream *s, uint32_t id, struct cancel *c,
		       struct error **err)
{
	int64_t deadline = clock_deadline(b->patience);
	unsigned char name[ID_BYTES], echo[ID_BYTES];
	size_t got = 0;

	put_le(name, id, ID_BYTES);
	if (stream_write_now(s, name, ID_BYTES, err) < 0)
		return -1;
	while (got < ID_BYTES) {
		ssize_t n = stream_read(s, echo + got, ID_BYTES - got, deadline, c, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return error_set(err, ERROR_REMOTE, "nobody takes it there");
		got += (size_t)n;
	}
	if (memcmp(name, echo, ID_BYTES) != 0)
		return error_set(err, ERROR_INVALID, "it answers with another number");
	return 0;
}

struct stream *broker_dial(struct broker *b, uint32_t id, struct cancel *c, struct error **err)
{
	struct stream *s = mux_open(b->mux, err);

	if (s && shake_hands(b, s, id, c, err) == 0)
		return s;
	stream_abort(s);
	if ((*err)->kind != ERROR_GONE && (*err)->kind != ERROR_CANCELLED)
		error_prefix(err, "cannot connect to stream %u of '%s'", id, mux_peer(b->mux));
	return NULL;
}
