/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renderers of the event stream. Build threads push events into the queue; the
 * main thread takes them out and gives them to one renderer: human text in
 * Packer's format, -machine-readable, or JSON lines. All output goes to
 * standard output (cli.md 3.1).
 */
#pragma once

#include "core/event.h"
#include "core/plan.h"

#include <stdbool.h>
#include <stdio.h>

/* ---- queue: the one thing build threads and the main thread share ------------ */

struct event_queue;
MUST_CHECK struct event_queue *event_queue_new(struct error **err);
void event_queue_free(struct event_queue *q);
DEFINE_AUTO(event_queue, struct event_queue *, event_queue_free);
struct event_sink *event_queue_sink(struct event_queue *q);
int event_queue_fd(const struct event_queue *q); /* readable while events wait */
/* Takes waiting events out, in order, and calls back for each, until it returns false: the
 * rest is for the next time. */
void event_queue_drain(struct event_queue *q, bool (*fn)(void *data, const struct event *ev),
		       void *data);
void event_queue_hush(struct event_queue *q); /* its fd is quiet until something happens */
/*
 * A build's thread waits after EVENT_QUESTION, whose `index` is the question's number, until
 * it is answered (the text or the error is taken), or withdraws it: then nobody asks any more
 * and answers are dropped. The fd becomes readable for a withdrawal, too.
 */
bool event_queue_asks(struct event_queue *q, int question);
void event_queue_answer(struct event_queue *q, int question, char *line, struct error *error);

/* ---- renderers ---------------------------------------------------------------- */

struct renderer;
struct renderer_ops {
	void (*event)(struct renderer *r, const struct event *ev);
	/* Text outside builds: general messages, diagnostics. */
	void (*say)(struct renderer *r, const char *text);
	void (*error)(struct renderer *r, const char *text);
	void (*tick)(struct renderer *r);    /* about once a second: live status */
	void (*suspend)(struct renderer *r); /* take live lines off the screen */
	/* How a question looks (heap); NULL: whoever reads this cannot be asked. */
	char *(*prompt)(struct renderer *r, const struct event *ev);
	void (*free)(struct renderer *r);
};
struct renderer {
	const struct renderer_ops *ops;
	FILE *out;
};
void renderer_free(struct renderer *r);
DEFINE_AUTO(renderer, struct renderer *, renderer_free);

struct human_options {
	bool color;
	bool timestamps;
	bool live; /* a terminal: progress bars and status lines */
};
struct renderer *renderer_human_new(FILE *out, const struct human_options *opts);
struct renderer *renderer_machine_new(FILE *out);
struct renderer *renderer_json_new(FILE *out);

/* "1.5 GiB" */
void format_bytes(struct strbuf *sb, double n);

/* One `T,TARGET,TYPE,DATA…` line (cli.md 3.4). `fields` is NULL-terminated. */
void machine_line(FILE *out, int64_t wall, const char *target, const char *type,
		  const char *const *fields);
