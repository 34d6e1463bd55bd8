/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/qmp.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/redact.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LINE_MAX_BYTES = 1024 * 1024,
	READ_BYTES = 16 * 1024,
	LOOK_MSEC = 50,
};

struct qmp {
	int fd;
	qmp_event_fn on_event;
	void *data;
	struct strbuf in; /* bytes after the last complete line */
	bool greeted;
	int64_t next_id;
	json_t *answer;     /* of the command in flight, once it is here */
	size_t keys, looks; /* commands that are too many to be logged one by one */
	int passing;        /* goes with the next bytes that are sent; -1: none */
};

struct qmp_event {
	const char *name;
	const json_t *data; /* NULL: none */
};

const char *qmp_event_name(const struct qmp_event *ev)
{
	return ev->name;
}

const char *qmp_event_text(const struct qmp_event *ev, const char *key)
{
	return json_string_value(json_object_get(ev->data, key));
}

bool qmp_event_flag(const struct qmp_event *ev, const char *key)
{
	return json_is_true(json_object_get(ev->data, key));
}

struct qmp *qmp_new(int fd, qmp_event_fn on_event, void *data)
{
	struct qmp *q = NEW(struct qmp);
	AUTO(error) struct error *e = NULL;

	*q = (struct qmp){ .fd = fd, .passing = -1, .on_event = on_event, .data = data };
	strbuf_init_max(&q->in, LINE_MAX_BYTES);
	if (fd_set_nonblocking(fd, true, &e) < 0)
		error_ignore(&e, "reads below ask not to block anyway");
	return q;
}

/* ---- the log ----------------------------------------------------------------------------- */

static void log_many(struct qmp *q)
{
	if (q->keys || q->looks)
		log_debug("qmp", "%zu key events, %zu looks at the keyboard", q->keys, q->looks);
	q->keys = q->looks = 0;
}

/*
 * Keys are only counted: somebody may be typing a password. Looks at the
 * guest's registers and memory between them are thousands.
 */
static bool is_counted(struct qmp *q, const char *name, const json_t *arguments)
{
	const char *line = json_string_value(json_object_get(arguments, "command-line"));
	bool is_key = text_eq(name, "input-send-event");
	bool is_look = line && (text_starts_with(line, "xp ") || text_starts_with(line, "i "));

	q->keys += is_key;
	q->looks += is_look || (q->keys && text_eq(name, "query-pci"));
	return is_key || is_look || (q->keys && text_eq(name, "query-pci"));
}

static void log_command(struct qmp *q, const char *name, const json_t *arguments)
{
	json_t *shown;
	char *text;

	if (is_counted(q, name, arguments))
		return;
	log_many(q);
	if (!arguments) {
		log_write("qmp", "%s", name);
		return;
	}
	shown = json_copy((json_t *)arguments);
	if (json_object_get(shown, "password"))
		json_object_set_new(shown, "password", json_string("<sensitive>"));
	text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY);
	log_write("qmp", "%s %s", name, text);
	free(text);
	json_decref(shown);
}

static void log_answer(const struct qmp *q, const char *name, int64_t since, const struct error *e)
{
	enum { SHOWN = 500 };
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;
	const json_t *value = json_object_get(q->answer, "return");
	char *text;

	if (!e && (q->keys || q->looks))
		return;
	log_add_time(&time, since);
	if (e) {
		log_write("qmp", "%s failed%s: %s", name, time.buf, e->message);
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	log_write("qmp", "%s is done%s: %.*s%s", name, time.buf, SHOWN, text,
		  strlen(text) > SHOWN ? "..." : "");
	free(text);
}

static void log_event(const struct qmp_event *ev)
{
	char *text = ev->data ? json_dumps(ev->data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	log_write("qmp", "event %s%s%s", ev->name, text ? " " : "", text ? text : "");
	free(text);
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	log_many(q);
	json_decref(q->answer);
	strbuf_release(&q->in);
	fd_close(q->fd);
	free(q);
}

int qmp_fd(const struct qmp *q)
{
	return q->fd;
}

static int bad_peer(const char *what, struct error **err)
{
	return error_set(err, ERROR_REMOTE, "QEMU's monitor sent %s", what);
}

static int take_message(struct qmp *q, json_t *msg, struct error **err)
{
	const char *event = json_string_value(json_object_get(msg, "event"));

	if (event) {
		struct qmp_event ev = { event, json_object_get(msg, "data") };

		if (log_is_on)
			log_event(&ev);
		if (q->on_event)
			q->on_event(q->data, &ev);
		return 0;
	}
	if (json_object_get(msg, "QMP")) {
		q->greeted = true;
		return 0;
	}
	if (!json_object_get(msg, "return") && !json_object_get(msg, "error"))
		return bad_peer("an unknown message", err);

	json_t *id = json_object_get(msg, "id");

	/* an answer to a command whose wait was given up is of no use to anybody */
	if (id && json_integer_value(id) != q->next_id)
		return 0;
	json_decref(q->answer);
	q->answer = json_incref(msg);
	return 0;
}

static int take_line(struct qmp *q, const char *line, size_t len, struct error **err)
{
	json_error_t why;
	json_t *msg;
	int r;

	while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (!len)
		return 0;
	msg = json_loadb(line, len, 0, &why);
	if (!json_is_object(msg)) {
		json_decref(msg);
		return bad_peer("something that is no JSON object", err);
	}
	r = take_message(q, msg, err);
	json_decref(msg);
	return r;
}

static int take_lines(struct qmp *q, struct error **err)
{
	size_t at = 0;
	int r = 0;

	while (r == 0) {
		const char *start = q->in.buf + at;
		const char *end = memchr(start, '\n', q->in.len - at);

		if (!end)
			break;
		r = take_line(q, start, (size_t)(end - start), err);
		at = (size_t)(end - q->in.buf) + 1;
	}
	strbuf_remove(&q->in, 0, at);
	return r;
}

int qmp_pump(struct qmp *q, struct error **err)
{
	char buf[READ_BYTES];

	for (;;) {
		ssize_t n = recv(q->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0 && errno != ECONNRESET)
			return error_set_errno(err, errno, "cannot read QEMU's monitor");
		if (n <= 0)
			return error_set(err, ERROR_DISCONNECTED, "QEMU closed its monitor");
		strbuf_add(&q->in, buf, (size_t)n);
		if (q->in.overflow)
			return bad_peer("a line without end", err);
		if (take_lines(q, err) < 0)
			return -1;
	}
}

/* One wait and what it brings. The token may itself read this socket, to see how the machine is,
 * and with it what is waited for here: so the caller is let look every now and then. */
static int wait_more(struct qmp *q, int64_t deadline, struct cancel *c, struct error **err)
{
	int64_t look = MIN(deadline, clock_deadline(LOOK_MSEC * NSEC_PER_MSEC));

	if (io_wait(q->fd, POLLIN, look, c, err) == 0)
		return qmp_pump(q, err);
	if ((*err)->kind != ERROR_TIMEOUT || clock_monotonic() >= deadline)
		return -1;
	error_ignore(err, "another look");
	return 0;
}

/* The descriptor of a command goes with its first bytes. */
static ssize_t send_some(struct qmp *q, const char *text, size_t len)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)text, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (q->passing >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &q->passing, sizeof(int));
	}
	n = sendmsg(q->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		q->passing = -1;
	return n;
}

static int send_text(struct qmp *q, const char *text, int64_t deadline, struct cancel *c,
		     struct error **err)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send_some(q, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return error_set(err, ERROR_DISCONNECTED, "QEMU closed its monitor");
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set_errno(err, errno, "cannot write to QEMU's monitor");
		if (io_wait(q->fd, POLLOUT, deadline, c, err) < 0)
			return -1;
	}
	return 0;
}

static int check_answer(const char *name, const json_t *answer, struct error **err)
{
	const json_t *failure = json_object_get(answer, "error");
	const char *desc = json_string_value(json_object_get(failure, "desc"));

	if (!failure)
		return 0;
	return error_set(err, ERROR_REMOTE, "QEMU refused %s: %s", name, desc ? desc : "no reason");
}

/* Takes `arguments`, which may be NULL. */
static int run_command(struct qmp *q, const char *name, json_t *arguments, int64_t deadline,
		       struct cancel *c, struct error **err)
{
	json_t *msg = json_pack("{s:s, s:I, s:o*}", "execute", name, "id", (json_int_t)++q->next_id,
				"arguments", arguments);
	char *text = json_dumps(msg, JSON_COMPACT);
	int64_t since = clock_monotonic();
	int r;

	assert(text);
	if (log_is_on)
		log_command(q, name, json_object_get(msg, "arguments"));
	json_decref(q->answer);
	q->answer = NULL;
	r = send_text(q, text, deadline, c, err);
	if (r == 0)
		r = send_text(q, "\n", deadline, c, err);
	while (r == 0 && !q->answer)
		r = wait_more(q, deadline, c, err);
	/* QEMU may answer and hang up in one go (quit) */
	if (r < 0 && q->answer && (*err)->kind == ERROR_DISCONNECTED) {
		error_ignore(err, "the answer came first");
		r = 0;
	}
	if (r == 0)
		r = check_answer(name, q->answer, err);
	if (log_is_on)
		log_answer(q, name, since, r < 0 ? *err : NULL);
	secret_wipe(text, strlen(text)); /* may hold a password */
	free(text);
	json_decref(msg);
	return r;
}

int qmp_handshake(struct qmp *q, int64_t deadline, struct cancel *c, struct error **err)
{
	while (!q->greeted)
		if (wait_more(q, deadline, c, err) < 0)
			return -1;
	return qmp_command(q, "qmp_capabilities", deadline, c, err);
}

int qmp_command(struct qmp *q, const char *name, int64_t deadline, struct cancel *c,
		struct error **err)
{
	return run_command(q, name, NULL, deadline, c, err);
}

int qmp_command_arg(struct qmp *q, const char *name, const struct qmp_arg *arg, int64_t deadline,
		    struct cancel *c, struct error **err)
{
	return run_command(q, name, json_pack("{s:s}", arg->key, arg->text), deadline, c, err);
}

int qmp_ask(struct qmp *q, const struct qmp_call *call, int64_t deadline, struct cancel *c,
	    struct json_t **ret, struct error **err)
{
	if (run_command(q, call->name, call->arguments, deadline, c, err) < 0)
		return -1;
	*ret = json_incref(json_object_get(q->answer, "return"));
	return 0;
}

int qmp_pass_fd(struct qmp *q, int fd, const char *name, int64_t deadline, struct cancel *c,
		struct error **err)
{
	int r;

	q->passing = fd;
	r = qmp_command_arg(q, "getfd", &(const struct qmp_arg){ "fdname", name }, deadline, c,
			    err);
	q->passing = -1;
	return r;
}

int qmp_monitor_line(struct qmp *q, const char *line, int64_t deadline, struct cancel *c,
		     char **ret_text, struct error **err)
{
	if (run_command(q, "human-monitor-command", json_pack("{s:s}", "command-line", line),
			deadline, c, err) < 0)
		return -1;

	const char *text = json_string_value(json_object_get(q->answer, "return"));

	*ret_text = xstrdup(text ? text : "");
	return 0;
}

int qmp_screendump(struct qmp *q, const struct qmp_screen *screen, int64_t deadline,
		   struct cancel *c, struct error **err)
{
	json_t *args = json_pack("{s:s, s:s*}", "filename", screen->path, "format", screen->format);

	return run_command(q, "screendump", args, deadline, c, err);
}

int qmp_send_keys(struct qmp *q, const struct qmp_key *keys, size_t n, int64_t deadline,
		  struct cancel *c, struct error **err)
{
	json_t *events = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(events,
				      json_pack("{s:s, s:{s:b, s:{s:s, s:s}}}", "type", "key",
						"data", "down", (int)keys[i].down, "key", "type",
						"qcode", "data", keys[i].qcode));
	return run_command(q, "input-send-event", json_pack("{s:o}", "events", events), deadline, c,
			   err);
}
