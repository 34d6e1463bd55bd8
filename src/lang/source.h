/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source texts and places in them. A source lives as long as the load that
 * read it (struct sources owns them all); ranges borrow it.
 *
 * Positions (language.md 1.1): byte from 0, line from 1, column from 1 counted
 * in grapheme clusters.
 */
#pragma once

#include "base/macro.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct source {
	const char *name; /* as shown in messages; may be "<value for var.x from env>" */
	const char *text; /* after a skipped byte-order mark; NUL-terminated */
	size_t len;
};

struct pos {
	int line, column;
	size_t byte;
};

struct range {
	const struct source *source; /* NULL: no place known */
	struct pos start, end;       /* end is exclusive */
};

struct sources;
struct sources *sources_new(void);
void sources_free(struct sources *s);
DEFINE_AUTO(sources, struct sources *, sources_free);
/* Copies name and text, without a leading byte-order mark. */
const struct source *sources_add(struct sources *s, const char *name, const char *text, size_t len);

struct range range_between(struct range a, struct range b); /* start of a .. end of b */
struct str range_text(struct range r);
/* `file:LINE,COL-COL` or `file:LINE,COL-LINE,COL` (language.md 1.1) */
void range_format(struct strbuf *sb, struct range r);
/* The text of one line (from 1) without its newline. */
struct str source_line(const struct source *s, int line);
