/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in RE2's syntax with Go's additions (language.md 21.6).
 * The only place that sees PCRE2: an expression is read here, refused with
 * Go's error codes or rewritten so that PCRE2 means the same by it; so there
 * are no back-references and no look-around, and matching has limits.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct regexp;

/* Why an expression was refused: "missing closing )" in "(a". */
struct regexp_error {
	const char *code;
	struct strbuf expr;
};
#define REGEXP_ERROR_INIT                                                                          \
	{                                                                                          \
		.expr = STRBUF_INIT                                                                \
	}
void regexp_error_release(struct regexp_error *e);
static inline void auto_regexp_error(struct regexp_error *e)
{
	regexp_error_release(e);
}

/* NULL with *ret_why filled in. */
struct regexp *regexp_new(const char *pattern, size_t len, struct regexp_error *ret_why);
void regexp_free(struct regexp *re);
DEFINE_AUTO(regexp, struct regexp *, regexp_free);

size_t regexp_group_count(const struct regexp *re);               /* capturing groups */
const char *regexp_group_name(const struct regexp *re, size_t i); /* from 1; NULL: unnamed */

enum { REGEXP_UNSET = -1 };

/* Where the whole match [0] and the groups [1 …] are; start REGEXP_UNSET: no part. */
struct regexp_span {
	ptrdiff_t start, end;
};

/* One walk over all matches of a text, as Go's FindAll goes. */
struct regexp_walk {
	const char *text;
	size_t len;
	size_t at;                 /* where to look next */
	ptrdiff_t last_end;        /* of the match before, or -1 */
	struct regexp_span *spans; /* group_count + 1; of the match found last */
};

void regexp_walk_init(struct regexp_walk *w, const struct regexp *re, const char *text, size_t len);
void regexp_walk_release(struct regexp_walk *w);
static inline void auto_regexp_walk(struct regexp_walk *w)
{
	regexp_walk_release(w);
}
/* 1: found, w->spans tells where; 0: no more; -1: too hard to match (limits). */
int regexp_walk_next(struct regexp_walk *w, const struct regexp *re, struct error **err);
