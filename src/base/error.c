/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

STRING_TABLE(error_kind, ERROR_KIND_COUNT, "failed", "not found", "exists", "timeout", "cancelled",
	     "authentication", "invalid", "input/output", "remote", "disconnected", "gone");

void (*error_ignored)(const struct error *e, const char *why);

static char *format(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		return xstrdup("out of memory");
	return s;
}

static void put(struct error **err, enum error_kind kind, int os_errno, char *message)
{
	assert(err && !*err);
	*err = NEW(struct error);
	**err = (struct error){ .kind = kind, .os_errno = os_errno, .message = message };
}

int error_set(struct error **err, enum error_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(err, kind, 0, format(fmt, ap));
	va_end(ap);
	return -1;
}

static enum error_kind kind_of_errno(int e)
{
	switch (e) {
	case ENOENT:
		return ERROR_NOT_FOUND;
	case EEXIST:
		return ERROR_EXISTS;
	case ETIMEDOUT:
		return ERROR_TIMEOUT;
	case ECONNRESET:
	case EPIPE:
		return ERROR_DISCONNECTED;
	default:
		return ERROR_IO;
	}
}

int error_set_errno(struct error **err, int os_errno, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO_FREE char *what = format(fmt, ap);
	va_end(ap);
	put(err, kind_of_errno(os_errno), os_errno,
	    xasprintf("%s: %s", what, strerrordesc_np(os_errno) ?: "unknown error"));
	return -1;
}

int error_prefix(struct error **err, const char *fmt, ...)
{
	va_list ap;

	assert(err && *err);
	va_start(ap, fmt);
	AUTO_FREE char *prefix = format(fmt, ap);
	va_end(ap);

	char *joined = xasprintf("%s: %s", prefix, (*err)->message);

	free((*err)->message);
	(*err)->message = joined;
	return -1;
}

int error_hint(struct error **err, const char *fmt, ...)
{
	va_list ap;

	assert(err && *err);
	if ((*err)->hint)
		return -1;
	va_start(ap, fmt);
	(*err)->hint = format(fmt, ap);
	va_end(ap);
	return -1;
}

int error_add_hint(struct error **err, const char *fmt, ...)
{
	va_list ap;

	assert(err && *err);
	va_start(ap, fmt);
	AUTO_FREE char *more = format(fmt, ap);
	va_end(ap);

	char *before = (*err)->hint;

	(*err)->hint = before ? xasprintf("%s\n%s", before, more) : xstrdup(more);
	free(before);
	return -1;
}

int error_move(struct error **err, struct error *from)
{
	assert(err && !*err && from);
	*err = from;
	return -1;
}

void error_ignore(struct error **err, const char *why)
{
	if (error_ignored && *err)
		error_ignored(*err, why);
	error_free(*err);
	*err = NULL;
}

void error_free(struct error *e)
{
	if (!e)
		return;
	free(e->message);
	free(e->hint);
	free(e);
}

const char *error_kind_name(enum error_kind kind)
{
	return error_kind_names[kind];
}
