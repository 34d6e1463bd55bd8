/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are values, passed as the last parameter `struct error **err`:
 * never NULL, empty on entry, set if and only if the call failed. Functions
 * return 0 / -1, or a pointer / NULL.
 *
 *   if (fs_read(path, &text, err) < 0)
 *           return error_prefix(err, "cannot load '%s'", name);
 *
 * The message is for people: lower case, no full stop, subjects in 'quotes';
 * each level adds only what it alone knows. Advice goes in the hint. `kind`
 * is for what callers branch on. Mistakes in templates are not errors but
 * diagnostics (lang/diag.h).
 */
#pragma once

#include "base/macro.h"

#include <stdarg.h>

enum error_kind {
	ERROR_FAILED, /* nothing a caller would branch on */
	ERROR_NOT_FOUND,
	ERROR_EXISTS,
	ERROR_TIMEOUT,      /* a deadline passed */
	ERROR_CANCELLED,    /* the user interrupted */
	ERROR_AUTH,         /* credentials refused */
	ERROR_INVALID,      /* input or usage is wrong */
	ERROR_IO,           /* os_errno says more */
	ERROR_REMOTE,       /* the peer reported a failure */
	ERROR_DISCONNECTED, /* the connection to the peer was lost */
	ERROR_GONE,         /* the machine itself ended */
	ERROR_KIND_COUNT,
};

struct error {
	enum error_kind kind;
	int os_errno;  /* 0 when not from the system */
	char *message; /* never NULL */
	char *hint;    /* what to do about it, or NULL; may have several lines */
};

/* All of these return -1 so that a failing function can `return error_…();`. */
PRINTF(3, 4) int error_set(struct error **err, enum error_kind kind, const char *fmt, ...);
/* Appends ": strerror(os_errno)"; kind follows the errno (ENOENT -> NOT_FOUND …). */
PRINTF(3, 4) int error_set_errno(struct error **err, int os_errno, const char *fmt, ...);
PRINTF(2, 3) int error_prefix(struct error **err, const char *fmt, ...);
/* Adds advice; a hint that is already there stays, being closer to the cause. */
PRINTF(2, 3) int error_hint(struct error **err, const char *fmt, ...);
/* The same, on a line of its own below a hint that is there. */
PRINTF(2, 3) int error_add_hint(struct error **err, const char *fmt, ...);
/* Moves `from` (owned) into `*err`. */
int error_move(struct error **err, struct error *from);

/* Sees every error that error_ignore() drops; set once at the start, by the debug log. */
extern void (*error_ignored)(const struct error *e, const char *why);
/* Drops an error on purpose; `why` documents it in the source. */
void error_ignore(struct error **err, const char *why);
void error_free(struct error *e);
DEFINE_AUTO(error, struct error *, error_free);

const char *error_kind_name(enum error_kind kind);
