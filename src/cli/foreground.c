/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/foreground.h"

#include "base/alloc.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/signals.h"
#include "os/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void note_size(struct foreground *f)
{
	uint64_t one = 1;

	(void)!write(f->resized, &one, sizeof(one));
}

static int on_signal(void *data, struct error **err)
{
	struct foreground *f = data;

	switch (signals_read(f->signal_fd)) {
	case SIGNAL_NONE:
		return 0;
	case SIGNAL_STOP:
		tty_raw_stop(&f->raw);
		note_size(f); /* it may have changed meanwhile */
		return 0;
	case SIGNAL_RESIZE:
		note_size(f);
		return 0;
	case SIGNAL_INTERRUPT:
	case SIGNAL_TERMINATE:
		break;
	}
	cancel_trigger(f->told); /* it stays told */
	return error_set(err, ERROR_CANCELLED, "interrupted");
}

int foreground_open(struct foreground *f, struct error **err)
{
	if (signals_open(&f->signal_fd, err) < 0)
		return -1;
	f->resized = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->resized < 0)
		return error_set_errno(err, errno, "cannot watch the terminal");
	f->told = cancel_new(NULL, DEADLINE_NEVER);
	cancel_watch(f->told, f->signal_fd, on_signal, f);
	return 0;
}

void foreground_release(struct foreground *f)
{
	tty_raw_leave(&f->raw);
	cancel_free(f->told);
	fd_close(f->resized);
	fd_close(f->signal_fd);
	*f = (struct foreground)FOREGROUND_INIT;
}

/* As a terminal does for its foreground job; ours is read by on_signal(). */
static void suspend(void *data)
{
	(void)kill(0, SIGTSTP);
}

int foreground_shell(struct foreground *f, struct comm *comm, const char *command, struct cancel *c,
		     int *ret_status, bool *ret_hung_up, struct error **err)
{
	struct comm_shell s = {
		.command = command,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.term = getenv("TERM"),
		.resized = f->resized,
		.suspend = suspend,
	};
	AUTO(error) struct error *e = NULL;
	int r;

	if (!comm->ops->shell)
		return error_set(err, ERROR_INVALID, "this communicator knows no shell");
	if (!command && tty_is_terminal(STDIN_FILENO)) {
		f->raw.fd = STDIN_FILENO;
		s.terminal = &f->raw;
		if (signals_watch_stop(f->signal_fd, true, err) < 0)
			return -1;
	}
	r = comm->ops->shell(comm, &s, c, ret_status, err);
	if (s.terminal && signals_watch_stop(f->signal_fd, false, &e) < 0)
		error_ignore(&e, "the process ends soon");
	*ret_hung_up = s.hung_up;
	return r;
}

static int read_answer(int fd, struct strbuf *line, struct cancel *c, struct error **err)
{
	bool complete = false;

	while (!complete)
		if (io_wait(fd, POLLIN, DEADLINE_NEVER, c, err) < 0 ||
		    tty_read_line(fd, line, &complete, err) < 0)
			return -1;
	return 0;
}

int foreground_ask(const char *question, bool hidden, struct cancel *c, char **ret_line,
		   struct error **err)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	AUTO_CLOSE int fd = -1;
	bool changed;
	int r;

	if (tty_open(&fd, err) < 0)
		return -1;
	changed = hidden && tty_show_typing(fd, false);
	r = io_write_all(fd, question, strlen(question), DEADLINE_NEVER, c, err);
	if (r == 0)
		r = read_answer(fd, &line, c, err);
	if (changed) {
		(void)tty_show_typing(fd, true);
		(void)!fd_write(fd, "\n", 1); /* the enter key was not shown either */
	}
	if (r == 0)
		*ret_line = xstrdup(line.buf);
	if (hidden)
		secret_wipe(line.buf, line.len);
	return r;
}
