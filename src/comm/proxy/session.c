/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every connection is pumped whenever anything happens: there are few, and the
 * library reads and writes in the middle of many calls. What a client sends on
 * a channel stays with the library until somebody reads it, so a slow command
 * holds its client back by the window of the channel.
 */
#include "comm/proxy/session.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REFUSALS_MAX = 10, /* an agent may offer several keys before the right one */
	PUMP_ROUNDS = 64,  /* the library reads 4 KiB a round */
	WRITE_MAX = 256 * 1024,
	UNREAD_MAX = 8 * 1024 * 1024, /* far above what the window lets through unread */
};

struct client {
	struct clients *list;
	int fd; /* ours; libssh has a duplicate */
	uint32_t events;
	ssh_session session;
	ssh_event event;
	struct ssh_server_callbacks_struct callbacks;
	struct request *requests[REQUESTS_MAX];
	size_t len;
	int refusals;
	bool has_login, is_gone;
};

/* ---- requests ----------------------------------------------------------------------------- */

static void tell_arrival(struct request *q)
{
	uint64_t one = 1;
	struct clients *l = q->client->list;

	if (l->in_work == q)
		(void)!write(l->arrived_fd, &one, sizeof(one));
}

static int on_data(ssh_session session, ssh_channel ch, void *data, uint32_t len, int is_stderr,
		   void *userdata)
{
	struct request *q = userdata;

	(void)session;
	(void)ch;
	(void)data;
	(void)is_stderr;
	if (len > UNREAD_MAX)
		q->client->is_gone = true; /* it does not keep to the window */
	tell_arrival(q);
	return 0;
}

static void on_eof(ssh_session session, ssh_channel ch, void *userdata)
{
	struct request *q = userdata;

	(void)session;
	(void)ch;
	q->ended = true;
	tell_arrival(q);
}

static void on_close(ssh_session session, ssh_channel ch, void *userdata)
{
	struct request *q = userdata;

	(void)session;
	(void)ch;
	q->ended = q->closed = true;
	tell_arrival(q);
}

/* 0 grants it. */
static int ask(struct request *q, enum request_kind kind, const char *command)
{
	if (q->kind != REQUEST_NONE)
		return 1;
	log_debug("proxy", "asked for: %s", command);
	q->kind = kind;
	q->command = xstrdup(command);
	q->number = q->client->list->asked++;
	return 0;
}

static int on_exec(ssh_session session, ssh_channel ch, const char *command, void *userdata)
{
	(void)session;
	(void)ch;
	return ask(userdata, REQUEST_COMMAND, command);
}

static int on_subsystem(ssh_session session, ssh_channel ch, const char *name, void *userdata)
{
	(void)session;
	(void)ch;
	return text_eq(name, "sftp") ? ask(userdata, REQUEST_SFTP, name) : 1;
}

static int on_pty(ssh_session session, ssh_channel ch, const char *term, int width, int height,
		  int pxwidth, int pwheight, void *userdata)
{
	/* check: callback of a library */
	(void)session;
	(void)ch;
	(void)term;
	(void)width;
	(void)height;
	(void)pxwidth;
	(void)pwheight;
	(void)userdata;
	return 0;
}

static int on_env(ssh_session session, ssh_channel ch, const char *name, const char *value,
		  void *userdata)
{
	(void)session;
	(void)ch;
	(void)name;
	(void)value;
	(void)userdata;
	return 0;
}

static ssh_channel on_open(ssh_session session, void *userdata)
{
	struct client *k = userdata;
	ssh_channel ch;
	struct request *q;

	if (k->len == REQUESTS_MAX || !(ch = ssh_channel_new(session)))
		return NULL;
	q = NEW(struct request);
	q->client = k;
	q->ch = ch;
	strbuf_init(&q->input);
	ssh_callbacks_init(&q->callbacks);
	q->callbacks.userdata = q;
	q->callbacks.channel_data_function = on_data;
	q->callbacks.channel_eof_function = on_eof;
	q->callbacks.channel_close_function = on_close;
	q->callbacks.channel_exec_request_function = on_exec;
	q->callbacks.channel_subsystem_request_function = on_subsystem;
	q->callbacks.channel_pty_request_function = on_pty;
	q->callbacks.channel_env_request_function = on_env;
	ssh_set_channel_callbacks(ch, &q->callbacks);
	k->requests[k->len++] = q;
	return ch;
}

static void request_free(struct request *q)
{
	ssh_remove_channel_callbacks(q->ch, &q->callbacks);
	/* EOF and CLOSE are two messages; "again" after the first only means that it is still in
	 * the output buffer. */
	if (ssh_channel_close(q->ch) == SSH_AGAIN)
		(void)ssh_channel_close(q->ch);
	ssh_channel_free(q->ch);
	strbuf_release(&q->input);
	free(q->command);
	free(q);
}

/* ---- clients ------------------------------------------------------------------------------ */

static int on_key(ssh_session session, const char *user, struct ssh_key_struct *key, char state,
		  void *userdata)
{
	struct client *k = userdata;

	(void)session;
	if (text_eq(user, k->list->user) &&
	    ssh_key_cmp(key, k->list->user_key, SSH_KEY_CMP_PUBLIC) == 0) {
		/* without a signature it is only the question whether it would do */
		if (state == SSH_PUBLICKEY_STATE_VALID)
			k->has_login = true;
		if (state == SSH_PUBLICKEY_STATE_VALID || state == SSH_PUBLICKEY_STATE_NONE)
			return SSH_AUTH_SUCCESS;
	}
	log_debug("proxy", "a login of '%s' is refused", user);
	if (++k->refusals >= REFUSALS_MAX)
		k->is_gone = true;
	return SSH_AUTH_DENIED;
}

static void client_free(struct client *k)
{
	for (size_t i = 0; i < k->len; i++)
		request_free(k->requests[i]);
	if (k->event) {
		ssh_event_remove_session(k->event, k->session);
		ssh_event_free(k->event);
	}
	if (k->session) {
		ssh_silent_disconnect(k->session);
		ssh_free(k->session);
	}
	if (k->fd >= 0)
		(void)epoll_ctl(k->list->epoll_fd, EPOLL_CTL_DEL, k->fd, NULL);
	fd_close(k->fd);
	free(k);
}

/* The library leaves in its buffer what the socket did not take. */
static void update_events(struct client *k)
{
	uint32_t events = EPOLLIN;
	struct epoll_event ev;

	if (ssh_get_poll_flags(k->session) & SSH_WRITE_PENDING)
		events |= EPOLLOUT;
	if (events == k->events)
		return;
	k->events = events;
	ev = (struct epoll_event){ .events = events };
	(void)epoll_ctl(k->list->epoll_fd, EPOLL_CTL_MOD, k->fd, &ev);
}

/* Takes the socket in any case. NULL: it is of no use. */
static struct client *client_new(struct clients *l, int fd)
{
	struct client *k = NEW(struct client);
	struct epoll_event ev = { .events = EPOLLIN };
	int theirs = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	k->list = l;
	k->fd = fd;
	k->events = EPOLLIN;
	k->session = ssh_new();
	k->event = ssh_event_new();
	if (theirs < 0 || !k->session || !k->event ||
	    ssh_bind_accept_fd(l->bind, k->session, theirs) != SSH_OK) {
		fd_close(theirs);
		client_free(k);
		return NULL;
	}
	ssh_set_blocking(k->session, 0);
	ssh_callbacks_init(&k->callbacks);
	k->callbacks.userdata = k;
	k->callbacks.auth_pubkey_function = on_key;
	k->callbacks.channel_open_request_session_function = on_open;
	ssh_set_server_callbacks(k->session, &k->callbacks);
	ssh_set_auth_methods(k->session, SSH_AUTH_METHOD_PUBLICKEY);
	if (ssh_handle_key_exchange(k->session) == SSH_ERROR ||
	    ssh_event_add_session(k->event, k->session) != SSH_OK ||
	    epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		client_free(k);
		return NULL;
	}
	return k;
}

static void drop_done(struct client *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->len; i++) {
		struct request *q = k->requests[i];

		if ((q->done || q->closed) && q != k->list->in_work)
			request_free(q);
		else
			k->requests[n++] = q;
	}
	k->len = n;
}

static void client_move(struct client *k)
{
	for (int i = 0; i < PUMP_ROUNDS && !k->is_gone; i++) {
		if (ssh_event_dopoll(k->event, 0) != SSH_OK)
			break;
		k->is_gone |= !ssh_is_connected(k->session);
	}
	if (!ssh_is_connected(k->session) ||
	    (ssh_get_status(k->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
		k->is_gone = true;
	if (k->is_gone && k->list->in_work && k->list->in_work->client == k)
		tell_arrival(k->list->in_work);
	drop_done(k);
	update_events(k);
}

/* ---- all ---------------------------------------------------------------------------------- */

int clients_init(struct clients *l, struct error **err)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->arrived_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll_fd < 0 || l->arrived_fd < 0)
		return error_set_errno(err, errno, "cannot serve SSH");
	clients_watch(l, l->listen_fd);
	return 0;
}

void clients_release(struct clients *l)
{
	l->in_work = NULL;
	for (size_t i = 0; i < l->len; i++)
		client_free(l->items[i]);
	l->len = 0;
	ssh_bind_free(l->bind);
	ssh_key_free(l->user_key);
	fd_close(l->listen_fd);
	fd_close(l->epoll_fd);
	fd_close(l->arrived_fd);
}

void clients_watch(struct clients *l, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (fd >= 0)
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* When there are too many, one that has not logged in has to go. */
static bool make_room(struct clients *l)
{
	for (size_t i = 0; i < l->len && l->len == CLIENTS_MAX; i++) {
		if (l->items[i]->has_login)
			continue;
		client_free(l->items[i]);
		memmove(&l->items[i], &l->items[i + 1], (l->len - i - 1) * sizeof(struct client *));
		l->len--;
	}
	return l->len < CLIENTS_MAX;
}

static void accept_all(struct clients *l)
{
	int fd;

	while ((fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct client *k = NULL;

		if (make_room(l))
			k = client_new(l, fd);
		else
			fd_close(fd);
		if (k)
			l->items[l->len++] = k;
		else
			log_debug("proxy", "a connection is turned away");
	}
}

void clients_move(struct clients *l)
{
	size_t n = 0;

	accept_all(l);
	for (size_t i = 0; i < l->len; i++) {
		struct client *k = l->items[i];

		client_move(k);
		if (k->is_gone && !(l->in_work && l->in_work->client == k))
			client_free(k);
		else
			l->items[n++] = k;
	}
	l->len = n;
}

struct request *clients_next(struct clients *l)
{
	struct request *first = NULL;

	for (size_t i = 0; i < l->len; i++) {
		for (size_t j = 0; j < l->items[i]->len; j++) {
			struct request *q = l->items[i]->requests[j];

			if (q->kind == REQUEST_NONE || q->done || request_is_gone(q))
				continue;
			if (!first || q->number < first->number)
				first = q;
		}
	}
	return first;
}

void clients_work(struct clients *l, struct request *q)
{
	l->in_work = q;
	/* what came before it was begun has told nobody */
	if (q)
		tell_arrival(q);
}

bool request_is_gone(const struct request *q)
{
	return q->closed || q->client->is_gone;
}

/*
 * All that the library has, at once: whenever something is read it lets the client send a full window
 * more, however much is still unread.
 */
static void refill(struct request *q)
{
	int n = ssh_channel_poll(q->ch, 0);
	char *into;

	if (n > 0) {
		into = strbuf_reserve(&q->input, (size_t)n);
		n = ssh_channel_read_nonblocking(q->ch, into, (uint32_t)n, 0);
	}
	if (n > 0)
		strbuf_advance(&q->input, (size_t)n);
	if (n == SSH_ERROR)
		q->ended = true;
	update_events(q->client);
}

size_t request_read(struct request *q, void *buf, size_t len)
{
	uint64_t count;
	size_t n;

	/* First: what comes from here on is seen now or tells again. */
	(void)!read(q->client->list->arrived_fd, &count, sizeof(count));
	if (q->input_at == q->input.len) {
		strbuf_truncate(&q->input, 0);
		q->input_at = 0;
		refill(q);
	}
	n = MIN(len, q->input.len - q->input_at);
	memcpy(buf, q->input.buf + q->input_at, n);
	q->input_at += n;
	if (n > 0)
		tell_arrival(q); /* there may be more */
	return n;
}

size_t request_write(struct request *q, bool is_stderr, const void *bytes, size_t len)
{
	uint32_t piece = (uint32_t)MIN(len, (size_t)WRITE_MAX);
	int n;

	/* What is not sent yet stays in the library's buffer: keep that short. */
	if (ssh_get_status(q->client->session) & SSH_WRITE_PENDING)
		return 0;
	n = is_stderr ? ssh_channel_write_stderr(q->ch, bytes, piece)
		      : ssh_channel_write(q->ch, bytes, piece);
	update_events(q->client);
	if (n < 0)
		q->closed = true;
	return n > 0 ? (size_t)n : 0;
}

void request_end(struct request *q, int status)
{
	q->done = true;
	if (request_is_gone(q))
		return;
	(void)ssh_channel_request_send_exit_status(q->ch, status);
	(void)ssh_channel_send_eof(q->ch);
	update_events(q->client);
}
