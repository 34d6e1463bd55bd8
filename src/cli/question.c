/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/question.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/fd.h"
#include "os/tty.h"
#include "os/wait.h"

#include <stdlib.h>
#include <string.h>

enum { WRITE_SEC = 10 };

void prompter_init(struct prompter *p, struct event_queue *queue, struct renderer *out)
{
	*p = (struct prompter){
		.queue = queue,
		.out = out,
		.fd = -1,
		.line = STRBUF_INIT,
	};
}

static void close_terminal(struct prompter *p)
{
	if (p->hidden) {
		(void)tty_show_typing(p->fd, true);
		explicit_bzero(p->line.buf, p->line.len);
	}
	p->hidden = false;
	fd_close(p->fd);
	p->fd = -1;
	strbuf_truncate(&p->line, 0);
}

void prompter_release(struct prompter *p)
{
	close_terminal(p);
	strbuf_release(&p->line);
}

bool prompter_is_open(const struct prompter *p)
{
	return p->fd >= 0;
}

/* Answers with why there is no answer. */
static void give_up(struct prompter *p, int question, struct error *error)
{
	event_queue_answer(p->queue, question, NULL, error);
}

void prompter_ask(struct prompter *p, const struct event *ev)
{
	struct error *e = NULL;

	if (!event_queue_asks(p->queue, ev->index))
		return;
	if (!p->out->ops->prompt) {
		error_set(&e, ERROR_NOT_FOUND, "machine-readable UI can't ask");
		give_up(p, ev->index, e);
		return;
	}
	if (tty_open(&p->fd, &e) < 0) {
		give_up(p, ev->index, e);
		return;
	}
	p->question = ev->index;
	p->out->ops->suspend(p->out);

	AUTO_FREE char *text = p->out->ops->prompt(p->out, ev);
	AUTO_FREE char *prompt = xasprintf("%s ", text);

	int64_t deadline = clock_deadline(WRITE_SEC * NSEC_PER_SEC);

	p->hidden = ev->hidden && tty_show_typing(p->fd, false);
	if (io_write_all(p->fd, prompt, strlen(prompt), deadline, NULL, &e) < 0) {
		close_terminal(p);
		give_up(p, ev->index, e);
	}
}

void prompter_read(struct prompter *p)
{
	struct error *e = NULL;
	bool complete;

	if (tty_read_line(p->fd, &p->line, &complete, &e) < 0) {
		prompter_close(p);
		give_up(p, p->question, e);
	} else if (complete) {
		char *line = xstrdup(p->line.buf);

		if (p->hidden) /* the enter key was not shown either */
			(void)!fd_write(p->fd, "\n", 1);
		close_terminal(p);
		event_queue_answer(p->queue, p->question, line, NULL);
	}
}

void prompter_look(struct prompter *p)
{
	if (p->fd >= 0 && !event_queue_asks(p->queue, p->question))
		prompter_close(p);
}

void prompter_close(struct prompter *p)
{
	if (p->fd >= 0)
		(void)!fd_write(p->fd, "\n", 1); /* what comes next has a line of its own */
	close_terminal(p);
}
