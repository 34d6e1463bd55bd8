/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading lines from a person at a terminal, with editing and a history that
 * is kept between runs. Only one at a time; the terminal is the caller's
 * standard input and output.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

struct line_editor;

/* `history`: a file, read now and written (0600) on free; its folder must exist. NULL: none is
 * kept. NULL with ERROR_NOT_FOUND when the library is not installed. */
struct line_editor *line_editor_new(const char *prompt, const char *history, struct error **err);
void line_editor_free(struct line_editor *le);
DEFINE_AUTO(line_editor, struct line_editor *, line_editor_free);

/* A line without its newline (heap); NULL at the end: Control-D, or Control-C on an empty line.
 * Control-C on a line that is not empty drops it. */
char *line_editor_read(struct line_editor *le);
