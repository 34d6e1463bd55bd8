/* SPDX-License-Identifier: Apache-2.0 */
/* Reads along with what mmdebstrap, apt and dpkg print: progress, and why it failed. */
#pragma once

#include "base/strbuf.h"
#include "core/event.h"

enum { PROGRESS_TAIL = 12 };

struct progress {
	struct ui *ui;
	int64_t packages; /* to be installed, as far as known */
	int64_t unpacked, configured;
	char *tail[PROGRESS_TAIL]; /* the last lines, oldest first from `next` */
	size_t next;
	const char *said; /* the last step told */
	char *cause;      /* the first line that says an error */
};

void progress_line(struct progress *p, const char *line);
void progress_release(struct progress *p);
/* The last lines, for a hint. */
void progress_tail(const struct progress *p, struct strbuf *ret);
