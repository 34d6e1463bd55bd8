/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: what it is, and asking the person in front of it. */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>

enum { TTY_WIDTH_DEFAULT = 80 };

bool tty_is_terminal(int fd);
int tty_width(int fd); /* columns; TTY_WIDTH_DEFAULT when unknown */

/*
 * Prints the question and a space on the controlling terminal (whatever
 * standard input and output are) and reads a line, returned without its
 * newline (heap). "no available tty" (ERROR_NOT_FOUND) without a terminal,
 * ERROR_DISCONNECTED when it is closed instead of an answer.
 */
MUST_CHECK int tty_ask(const char *question, struct cancel *c, char **ret_line, struct error **err);
