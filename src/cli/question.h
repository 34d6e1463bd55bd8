/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions of builds. The main thread owns the terminal: it puts one question
 * at a time on it, in the order in which the builds asked, and hands the line
 * that is typed to the build's thread. While one is open nothing else is
 * printed; what the builds say meanwhile waits in the queue. An interrupt
 * makes the builds withdraw what they asked.
 */
#pragma once

#include "base/strbuf.h"
#include "cli/output.h"

struct prompter {
	struct event_queue *queue;
	struct renderer *out;
	int fd;             /* the terminal while a question is open, else -1 */
	bool hidden;        /* what is typed is not shown at the moment */
	int question;       /* its number */
	struct strbuf line; /* typed so far */
};

void prompter_init(struct prompter *p, struct event_queue *queue, struct renderer *out);
void prompter_release(struct prompter *p);
/* An EVENT_QUESTION came; none is open. */
void prompter_ask(struct prompter *p, const struct event *ev);
/* The terminal is readable. */
void prompter_read(struct prompter *p);
/* Drops the question if the build withdrew it. Now and then, and after every wake-up. */
void prompter_look(struct prompter *p);
bool prompter_is_open(const struct prompter *p);
/* Takes no answer any more: the builds are about to be interrupted. */
void prompter_close(struct prompter *p);
