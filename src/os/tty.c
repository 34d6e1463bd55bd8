/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024, ROWS_DEFAULT = 24 };

bool tty_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

int tty_width(int fd)
{
	struct winsize size = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return TTY_WIDTH_DEFAULT;
	return size.ws_col;
}

void tty_size(int fd, int *ret_columns, int *ret_rows)
{
	struct winsize size = { 0 };
	bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;

	*ret_columns = known && size.ws_col ? size.ws_col : TTY_WIDTH_DEFAULT;
	*ret_rows = known && size.ws_row ? size.ws_row : ROWS_DEFAULT;
}

int tty_open(int *ret_fd, struct error **err)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, ERROR_NOT_FOUND, "no available tty");
	*ret_fd = fd;
	return 0;
}

bool tty_show_typing(int fd, bool show)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0 || show == !!(t.c_lflag & ECHO))
		return false;
	if (show)
		t.c_lflag |= ECHO;
	else
		t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(fd, TCSANOW, &t) == 0;
}

int tty_read_line(int fd, struct strbuf *line, bool *ret_complete, struct error **err)
{
	char piece[512];
	ssize_t n = read(fd, piece, sizeof(piece));
	const char *end;

	*ret_complete = false;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n == 0 && line->len) {
		*ret_complete = true;
		return 0;
	}
	if (n <= 0)
		return error_set(err, ERROR_DISCONNECTED, "the terminal was closed");
	end = memchr(piece, '\n', (size_t)n);
	if (line->len + (size_t)n > ANSWER_MAX)
		return error_set(err, ERROR_INVALID, "the answer is too long");
	strbuf_add(line, piece, end ? (size_t)(end - piece) : (size_t)n);
	*ret_complete = end != NULL;
	return 0;
}

int tty_raw_enter(struct tty_raw *t, struct error **err)
{
	struct termios raw;

	if (tcgetattr(t->fd, &t->before) < 0)
		return error_set_errno(err, errno, "cannot read the state of the terminal");
	raw = t->before;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* what was typed ahead is for the shell, too */
	if (tcsetattr(t->fd, TCSADRAIN, &raw) < 0)
		return error_set_errno(err, errno, "cannot change the state of the terminal");
	t->on = true;
	return 0;
}

void tty_raw_leave(struct tty_raw *t)
{
	if (t->on)
		(void)tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->on = false;
}

void tty_raw_stop(struct tty_raw *t)
{
	bool was_on = t->on;
	struct error *e = NULL;

	tty_raw_leave(t);
	(void)raise(SIGSTOP);
	if (was_on && tty_raw_enter(t, &e) < 0)
		error_ignore(&e, "the terminal is gone: reading it says so");
}

/* From behind as well: that would stop us otherwise. */
static int set_front(int fd, pid_t group)
{
	sigset_t stop, before;
	int r, saved;

	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &stop, &before);
	r = tcsetpgrp(fd, group);
	saved = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return r;
}

int tty_lend(struct tty_loan *l, pid_t group, struct error **err)
{
	if (tcgetattr(l->fd, &l->before) < 0 || set_front(l->fd, group) < 0)
		return error_set_errno(err, errno, "cannot hand over the terminal");
	l->on = true;
	(void)kill(-group, SIGCONT); /* it may have read too early, and was stopped */
	return 0;
}

void tty_take_back(struct tty_loan *l)
{
	if (!l->on)
		return;
	l->on = false;
	if (set_front(l->fd, getpgrp()) == 0)
		(void)tcsetattr(l->fd, TCSADRAIN, &l->before);
}
