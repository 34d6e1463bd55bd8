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
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct source {
	const char *name; /* as shown in messages; may be "<value for var.x from env>" */
	const char *text; /* after a skipped byte-order mark; NUL-terminated */
	size_t len;
	const struct source_origin *origin; /* NULL: a text of its own */
};

struct pos {
	int line, column;
	size_t byte;
};

/*
 * A text taken out of another one, e.g. a JSON string without its escapes.
 * From byte `at` on it is what stands at `place` there, up to the next turn;
 * an atom (an escape) has no places inside. Turns are sorted; the first is at
 * byte 0, the last at the end.
 */
struct source_turn {
	size_t at;
	struct pos place;
	bool is_atom;
};
VEC_DECLARE(source_turns, struct source_turn);

struct source_origin {
	const struct source *source;
	const struct source_turn *turns;
	size_t len;
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

/* Two places of a text as a range of the text it was taken out of, if it was. */
struct range source_range(const struct source *src, struct pos start, struct pos end);
struct range range_between(struct range a, struct range b); /* start of a .. end of b */
struct str range_text(struct range r);
/* `file:LINE,COL-COL` or `file:LINE,COL-LINE,COL` (language.md 1.1) */
void range_format(struct strbuf *sb, struct range r);
/* The text of one line (from 1) without its newline. */
struct str source_line(const struct source *s, int line);
