/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/chan.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/log.h"

#include <string.h>

enum {
	COMPLAINT_MAX = 4096,
	ANSWER_SEC = 60, /* for a channel request */
	WRITE_MAX = 256 * 1024,
	UNREAD_MAX = 64 * 1024 * 1024, /* far above what the window lets through unread */
};

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", 1 },   { "INT", 2 },   { "QUIT", 3 },  { "ILL", 4 },   { "ABRT", 6 },
	{ "FPE", 8 },   { "KILL", 9 },  { "USR1", 10 }, { "SEGV", 11 }, { "USR2", 12 },
	{ "PIPE", 13 }, { "ALRM", 14 }, { "TERM", 15 },
};

static void keep_complaint(struct sshchan *k, const void *data, size_t len)
{
	if (len > COMPLAINT_MAX) {
		data = (const char *)data + (len - COMPLAINT_MAX);
		len = COMPLAINT_MAX;
	}
	if (k->complaint.len + len > COMPLAINT_MAX)
		strbuf_remove(&k->complaint, 0, k->complaint.len + len - COMPLAINT_MAX);
	strbuf_add(&k->complaint, data, len);
}

static int on_data(ssh_session session, ssh_channel ch, void *data, uint32_t len, int is_stderr,
		   void *userdata)
{
	struct sshchan *k = userdata;

	k->arrived = true;
	if (k->pull)
		return 0;
	if (k->output)
		k->output(k->output_data, is_stderr, data, len);
	else if (is_stderr)
		keep_complaint(k, data, len);
	else
		strbuf_add(&k->in, data, len);
	return (int)len;
}

static void on_eof(ssh_session session, ssh_channel ch, void *userdata)
{
	((struct sshchan *)userdata)->eof = true;
}

static void on_close(ssh_session session, ssh_channel ch, void *userdata)
{
	struct sshchan *k = userdata;

	k->eof = k->closed = true;
}

static void on_status(ssh_session session, ssh_channel ch, int status, void *userdata)
{
	struct sshchan *k = userdata;

	k->have_status = true;
	k->status = status;
}

static void on_signal(ssh_session session, ssh_channel ch, const char *name, int core,
		      const char *message, const char *lang, void *userdata)
{
	/* check: callback of a library */
	struct sshchan *k = userdata;

	if (k->have_status)
		return;
	k->have_status = true;
	k->status = 128;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (text_eq(signals[i].name, name))
			k->status += signals[i].number;
}

/* ---- requests that may have to be repeated -------------------------------------- */

struct request {
	const char *text;
	const struct sshchan_terminal *terminal;
};
typedef int (*request_fn)(struct sshchan *k, const struct request *r);

static int request(struct sshchan *k, request_fn fn, const struct request *r, const char *what,
		   struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(ANSWER_SEC * NSEC_PER_SEC);
	int rc;

	while ((rc = fn(k, r)) == SSH_AGAIN)
		if (sshlink_wait(k->link, deadline, c, err) < 0)
			return error_prefix(err, "cannot %s", what);
	if (rc == SSH_OK)
		return 0;
	if (!ssh_is_connected(k->link->session))
		return sshlink_set_lost(k->link, err);
	return error_set(err, ERROR_REMOTE, "cannot %s: %s", what, ssh_get_error(k->link->session));
}

static int do_open(struct sshchan *k, const struct request *r)
{
	return ssh_channel_open_session(k->ch);
}

static int do_pty(struct sshchan *k, const struct request *r)
{
	return ssh_channel_request_pty_size(k->ch, r->terminal->term, r->terminal->columns,
					    r->terminal->rows);
}

static int do_shell(struct sshchan *k, const struct request *r)
{
	return ssh_channel_request_shell(k->ch);
}

static int do_exec(struct sshchan *k, const struct request *r)
{
	return ssh_channel_request_exec(k->ch, r->text);
}

static int do_subsystem(struct sshchan *k, const struct request *r)
{
	return ssh_channel_request_subsystem(k->ch, r->text);
}

static int do_eof(struct sshchan *k, const struct request *r)
{
	return ssh_channel_send_eof(k->ch);
}

int sshchan_open(struct sshlink *l, struct sshchan **ret, struct cancel *c, struct error **err)
{
	AUTO(sshchan) struct sshchan *k = NEW(struct sshchan);

	k->link = l;
	strbuf_init_max(&k->in, UNREAD_MAX);
	strbuf_init_max(&k->complaint, COMPLAINT_MAX);
	strbuf_init(&k->pulled[0]);
	strbuf_init(&k->pulled[1]);
	if (l->lost)
		return sshlink_set_lost(l, err);
	k->ch = ssh_channel_new(l->session);
	if (!k->ch)
		return sshlink_set_lost(l, err);
	ssh_callbacks_init(&k->callbacks);
	k->callbacks.userdata = k;
	k->callbacks.channel_data_function = on_data;
	k->callbacks.channel_eof_function = on_eof;
	k->callbacks.channel_close_function = on_close;
	k->callbacks.channel_exit_status_function = on_status;
	k->callbacks.channel_exit_signal_function = on_signal;
	ssh_set_channel_callbacks(k->ch, &k->callbacks);
	sshlink_refresh(l);
	if (request(k, do_open, NULL, "open an SSH channel", c, err) < 0) {
		/* Out of sessions? One that is ending may still count; else a new connection helps. */
		if ((*err)->kind == ERROR_REMOTE) {
			(*err)->kind = ERROR_DISCONNECTED;
			l->refused = true;
		}
		return -1;
	}
	k->opened = true;
	*ret = TAKE(k);
	return 0;
}

void sshchan_free(struct sshchan *k)
{
	if (!k)
		return;
	if (k->ch) {
		ssh_remove_channel_callbacks(k->ch, &k->callbacks);
		/* EOF and CLOSE are two messages; "again" after the first only means that
		 * it is still in the output buffer. */
		if (k->opened && !k->link->lost && ssh_channel_close(k->ch) == SSH_AGAIN)
			(void)ssh_channel_close(k->ch);
		ssh_channel_free(k->ch);
	}
	strbuf_release(&k->in);
	strbuf_release(&k->complaint);
	strbuf_release(&k->pulled[0]);
	strbuf_release(&k->pulled[1]);
	free(k->loss);
	free(k);
}

void sshchan_set_output(struct sshchan *k, comm_output_fn fn, void *data)
{
	k->output = fn;
	k->output_data = data;
}

int sshchan_request_pty(struct sshchan *k, struct cancel *c, struct error **err)
{
	const struct sshchan_terminal t = { "xterm", 80, 40 };

	return sshchan_request_terminal(k, &t, c, err);
}

int sshchan_request_terminal(struct sshchan *k, const struct sshchan_terminal *t, struct cancel *c,
			     struct error **err)
{
	const struct request r = { .terminal = t };

	log_debug("ssh", "a pseudo terminal is asked for");
	return request(k, do_pty, &r, "get a pseudo terminal", c, err);
}

void sshchan_resize(struct sshchan *k, int columns, int rows)
{
	if (!k->closed)
		(void)ssh_channel_change_pty_size(k->ch, columns, rows);
}

int sshchan_shell(struct sshchan *k, struct cancel *c, struct error **err)
{
	log_debug("ssh", "shell");
	k->started = clock_monotonic();
	return request(k, do_shell, NULL, "start a shell over SSH", c, err);
}

int sshchan_exec(struct sshchan *k, const char *command, struct cancel *c, struct error **err)
{
	const struct request r = { .text = command };

	log_debug("ssh", "command: %s", command);
	k->started = clock_monotonic();
	return request(k, do_exec, &r, "start a command over SSH", c, err);
}

int sshchan_subsystem(struct sshchan *k, const char *name, struct cancel *c, struct error **err)
{
	const struct request r = { .text = name };

	log_debug("ssh", "subsystem: %s", name);
	k->started = clock_monotonic();
	return request(k, do_subsystem, &r, "start an SSH subsystem", c, err);
}

int sshchan_send_eof(struct sshchan *k, struct cancel *c, struct error **err)
{
	if (k->closed)
		return 0;
	return request(k, do_eof, NULL, "end the input of a command", c, err);
}

/* ---- streams --------------------------------------------------------------------- */

static int ended_early(struct sshchan *k, struct error **err)
{
	return error_set(err, ERROR_REMOTE, "the other side ended the connection early");
}

/*
 * All that the library has, at once: whenever something is read it lets the other side send a full
 * window more, however much is still unread.
 */
static void pull(struct sshchan *k, bool is_stderr, struct strbuf *into)
{
	int n = ssh_channel_poll(k->ch, is_stderr);
	char *at;

	if (n <= 0)
		return;
	at = strbuf_reserve(into, (size_t)n);
	n = ssh_channel_read_nonblocking(k->ch, at, (uint32_t)n, is_stderr);
	if (n > 0)
		strbuf_advance(into, (size_t)n);
}

size_t sshchan_read(struct sshchan *k, bool is_stderr, void *buf, size_t size)
{
	struct strbuf *pulled = &k->pulled[is_stderr];
	size_t *at = &k->pulled_at[is_stderr], n;

	if (*at == pulled->len) {
		strbuf_truncate(pulled, 0);
		*at = 0;
		pull(k, is_stderr, pulled);
	}
	n = MIN(size, pulled->len - *at);
	memcpy(buf, pulled->buf + *at, n);
	*at += n;
	return n;
}

int sshchan_try_write(struct sshchan *k, const void *data, size_t len, size_t *ret_written,
		      struct error **err)
{
	int n;

	*ret_written = 0;
	if (k->closed)
		return ended_early(k, err);
	/* What is not sent yet stays in the library's buffer: keep that short. */
	if (sshlink_write_pending(k->link))
		return 0;
	n = ssh_channel_write(k->ch, data, (uint32_t)MIN(len, (size_t)WRITE_MAX));
	if (n < 0 && !ssh_is_connected(k->link->session))
		return sshlink_set_lost(k->link, err);
	if (n < 0)
		return ended_early(k, err);
	*ret_written = (size_t)n;
	return 0;
}

int sshchan_write_some(struct sshchan *k, const void *data, size_t len, size_t *ret_written,
		       struct cancel *c, struct error **err)
{
	for (;;) {
		if (sshchan_try_write(k, data, len, ret_written, err) < 0)
			return -1;
		if (*ret_written)
			return 0;
		if (sshlink_step(k->link, DEADLINE_NEVER, c, err) < 0)
			return -1;
	}
}

int sshchan_write(struct sshchan *k, const void *data, size_t len, struct cancel *c,
		  struct error **err)
{
	for (size_t done = 0, n; done < len; done += n)
		if (sshchan_write_some(k, (const char *)data + done, len - done, &n, c, err) < 0)
			return -1;
	return 0;
}

size_t sshchan_unread(const struct sshchan *k)
{
	return k->in.len - k->in_at;
}

const char *sshchan_peek(const struct sshchan *k)
{
	return k->in.buf + k->in_at;
}

void sshchan_consume(struct sshchan *k, size_t n)
{
	assert(n <= sshchan_unread(k));
	k->in_at += n;
	if (k->in_at == k->in.len) {
		strbuf_truncate(&k->in, 0);
		k->in_at = 0;
	} else if (k->in_at > 256 * 1024) {
		strbuf_remove(&k->in, 0, k->in_at);
		k->in_at = 0;
	}
}

int sshchan_need(struct sshchan *k, size_t n, struct cancel *c, struct error **err)
{
	while (sshchan_unread(k) < n) {
		if (k->eof || k->closed)
			return ended_early(k, err);
		if (sshlink_step(k->link, DEADLINE_NEVER, c, err) < 0)
			return -1;
	}
	return 0;
}

static void log_end(const struct sshchan *k)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, k->started);
	if (k->have_status)
		log_write("ssh", "ended with status %d%s", k->status, time.buf);
	else
		log_write("ssh", "was cut off%s: %s", time.buf, k->loss);
}

/* A server without terminals lets a command live whose channel is closed. */
void sshchan_end_command(struct sshchan *k)
{
	if (!k->opened || k->link->lost || sshchan_has_ended(k))
		return;
	log_debug("ssh", "the command is told to end");
	(void)ssh_channel_request_send_signal(k->ch, "TERM");
}

bool sshchan_has_ended(const struct sshchan *k)
{
	return k->closed || (k->eof && k->have_status);
}

int sshchan_wait_exit(struct sshchan *k, struct cancel *c, int *ret_status, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	while (!sshchan_has_ended(k)) {
		if (sshlink_step(k->link, DEADLINE_NEVER, c, &e) == 0)
			continue;
		if (e->kind != ERROR_DISCONNECTED)
			return error_move(err, TAKE(e));
		k->loss = xstrdup(e->message);
		break;
	}
	if (!k->have_status && !k->loss)
		k->loss = xstrdup("the SSH server ended the session without an exit status");
	*ret_status = k->have_status ? k->status : COMM_DISCONNECTED;
	if (log_is_on)
		log_end(k);
	return 0;
}
