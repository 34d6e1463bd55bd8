/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: what it is, and asking the person in front of it. */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

enum { TTY_WIDTH_DEFAULT = 80 };

bool tty_is_terminal(int fd);
int tty_width(int fd); /* columns; TTY_WIDTH_DEFAULT when unknown */
void tty_size(int fd, int *ret_columns, int *ret_rows); /* 80 by 24 when unknown */

/* The controlling terminal, whatever standard input and output are. "no available tty"
 * (ERROR_NOT_FOUND) without one. */
MUST_CHECK int tty_open(int *ret_fd, struct error **err);
/* Shows what is typed, or not. True when that changed something, which has to be undone. */
bool tty_show_typing(int fd, bool show);
/*
 * What was typed so far, once the terminal is readable: adds to `line` and says whether that
 * ended it. The newline is taken off. ERROR_DISCONNECTED when the terminal is closed instead.
 */
MUST_CHECK int tty_read_line(int fd, struct strbuf *line, bool *ret_complete, struct error **err);

/*
 * A terminal whose keys all go through as they are, control-C and control-Z too: for a shell
 * somewhere else. Whoever enters leaves again, on every way out.
 */
struct tty_raw {
	int fd; /* borrowed */
	bool on;
	struct termios before;
};
MUST_CHECK int tty_raw_enter(struct tty_raw *t, struct error **err);
void tty_raw_leave(struct tty_raw *t); /* nothing if it is not on */
/* Stops this process, as control-Z would, and goes on when it is continued; the terminal is as it
 * was meanwhile. */
void tty_raw_stop(struct tty_raw *t);

/*
 * A terminal that another program works with as its own, such as a client that has a shell somewhere: the
 * process group of that program is in front meanwhile, and gets the keys, signals and sizes. Who lends takes
 * back, on every way out.
 */
struct tty_loan {
	int fd; /* borrowed */
	bool on;
	struct termios before;
};
MUST_CHECK int tty_lend(struct tty_loan *l, pid_t group, struct error **err);
void tty_take_back(struct tty_loan *l); /* nothing if it was not lent */
