/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client for QEMU's machine protocol: JSON lines over a connected stream
 * socket, commands answered in order, events in between. Used by one thread.
 *
 * Events are handed to the callback as they are met, that is inside any of the
 * calls below. The peer is trusted as far as a program we started is: a line
 * is bounded, and nonsense ends the session with an error.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; /* of jansson */
struct qmp;
struct qmp_event;

const char *qmp_event_name(const struct qmp_event *ev);                  /* "SHUTDOWN" */
const char *qmp_event_text(const struct qmp_event *ev, const char *key); /* of its data, or NULL */
bool qmp_event_flag(const struct qmp_event *ev, const char *key);        /* absent: false */

typedef void (*qmp_event_fn)(void *data, const struct qmp_event *ev);

/* Takes the fd and makes it non-blocking. `on_event` may be NULL. */
struct qmp *qmp_new(int fd, qmp_event_fn on_event, void *data);
void qmp_free(struct qmp *q);
DEFINE_AUTO(qmp, struct qmp *, qmp_free);
int qmp_fd(const struct qmp *q); /* readable: call qmp_pump() */

/* Greeting and capabilities. When this returns the machine is set up. ERROR_DISCONNECTED: the
 * peer hung up, which QEMU does by dying. */
MUST_CHECK int qmp_handshake(struct qmp *q, int64_t deadline, struct cancel *c, struct error **err);

/* A command without arguments, or with one text argument. A refusal is ERROR_REMOTE with QEMU's
 * own description. */
MUST_CHECK int qmp_command(struct qmp *q, const char *name, int64_t deadline, struct cancel *c,
			   struct error **err);
struct qmp_arg {
	const char *key, *text;
};
MUST_CHECK int qmp_command_arg(struct qmp *q, const char *name, const struct qmp_arg *arg,
			       int64_t deadline, struct cancel *c, struct error **err);
/* A command whose answer is looked into. `arguments` may be NULL and are taken; *ret is owned. */
struct qmp_call {
	const char *name;
	struct json_t *arguments;
};
MUST_CHECK int qmp_ask(struct qmp *q, const struct qmp_call *call, int64_t deadline,
		       struct cancel *c, struct json_t **ret, struct error **err);

/* Gives QEMU a copy of a descriptor, which it calls `name`. */
MUST_CHECK int qmp_pass_fd(struct qmp *q, int fd, const char *name, int64_t deadline,
			   struct cancel *c, struct error **err);

/* Has QEMU write a picture of the guest's screen; `format` is "png", or NULL: PPM. */
struct qmp_screen {
	const char *path, *format;
};
MUST_CHECK int qmp_screendump(struct qmp *q, const struct qmp_screen *screen, int64_t deadline,
			      struct cancel *c, struct error **err);

/* Keys going down or up, in order; `qcode` is QEMU's name of it ("ret", "shift", "a"). */
struct qmp_key {
	const char *qcode;
	bool down;
};
MUST_CHECK int qmp_send_keys(struct qmp *q, const struct qmp_key *keys, size_t n, int64_t deadline,
			     struct cancel *c, struct error **err);

/* A line of QEMU's own monitor language; what it prints (heap). */
MUST_CHECK int qmp_monitor_line(struct qmp *q, const char *line, int64_t deadline, struct cancel *c,
				char **ret_text, struct error **err);

/* Reads what is there without waiting; ERROR_DISCONNECTED at the end of the stream. */
MUST_CHECK int qmp_pump(struct qmp *q, struct error **err);
