/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in templates: many per run, each with a place. Parser, evaluator
 * and decoder add to one `struct diags` and go on. Not thread-safe.
 */
#pragma once

#include "base/error.h"
#include "lang/source.h"

#include <stdbool.h>
#include <stddef.h>

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_severity severity;
	char *summary;
	char *detail;         /* may be "" */
	char *values;         /* `with a as 1,\n     b as "c".` (language.md 9.1), or NULL */
	struct range subject; /* source NULL: none */
	struct range context; /* source NULL: none */
	bool no_snippet;      /* print `(source code not available)` */
	bool is_plain;        /* the detail is printed as it is: no title, no wrapping */
};

struct diags {
	struct diag *items;
	size_t len, cap;
	size_t errors; /* how many items are errors */
};

#define DIAGS_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}
void diags_release(struct diags *d); /* leaves it empty and usable */
static inline void auto_diags(struct diags *d)
{
	diags_release(d);
}

/* `subject` may be NULL. Returns the new item to add context or values; borrowed until the next add. */
PRINTF(4, 5)
struct diag *diags_error(struct diags *d, const struct range *subject, const char *summary,
			 const char *detail_fmt, ...);
PRINTF(4, 5)
struct diag *diags_warning(struct diags *d, const struct range *subject, const char *summary,
			   const char *detail_fmt, ...);
/* A runtime error as a diagnostic: message is the summary, hint the detail. */
void diags_from_error(struct diags *d, const struct range *subject, const struct error *e);
void diags_move(struct diags *to, struct diags *from);
static inline bool diags_has_errors(const struct diags *d)
{
	return d->errors > 0;
}

/*
 * Packer's text form, wrapped at `width` columns (language.md 9.1, 9.2), with
 * a caret line under the subject when `caret` (ours, for people; off where
 * output must equal Packer's).
 */
struct diag_style {
	int width;
	bool caret;
	bool color;
};
void diag_format(struct strbuf *sb, const struct diag *d, const struct diag_style *style);
/* One after the other; many of them cost less than one by one. */
void diags_format(struct strbuf *sb, const struct diags *d, const struct diag_style *style);
/* `RANGE: SUMMARY; DETAIL`, several: `FIRST, and N other diagnostic(s)` (language.md 9.5) */
void diags_format_error(struct strbuf *sb, const struct diags *d);
