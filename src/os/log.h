/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The debug log: what the program does below what it tells people, for those who
 * have to find out later why a build in CI went wrong. Off unless cli/ opens it;
 * then log_debug() costs one branch and its arguments are not evaluated.
 *
 * A line is written whole, whichever thread it comes from:
 *
 *   2006/01/02 15:04:05 [1.204] BUILD: AREA: TEXT
 *
 * local time, seconds since the log was opened, the build whose thread it is.
 * Every line passes the redactor, loses the credentials and queries of URLs, and
 * has its control characters escaped. The redactor knows the secrets of the
 * template only once that is loaded: so nothing that is logged before then, and
 * nothing ever that a builder makes up itself, may be a value: names of variables,
 * not what they hold; the length of a key, not the key.
 *
 * The log is no reason for anything to fail: lines that cannot be written are
 * counted and lost.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* Set by log_open() before there are threads, cleared when they are gone. */
extern bool log_is_on;

/* `path` is appended to; NULL: standard error, where messages for people (log_ui()) are left
 * out, as they are shown anyway. `redactor` is borrowed until log_close(). */
MUST_CHECK int log_open(const char *path, struct redactor *redactor, struct error **err);
struct log_loss {
	uint64_t lines; /* that could not be written */
	int os_errno;   /* why not the first of them */
};
struct log_loss log_close(void); /* of one that is not open: nothing is lost */
/* Lines appear on a terminal: nothing that is drawn there stays where it was. */
bool log_is_on_terminal(void);

/* Of this thread, from now on; borrowed. NULL: none. */
void log_set_build(const char *name);
const char *log_build(void);

/* `area` is the module in a word: "proc", "ssh". */
PRINTF(2, 3) void log_write(const char *area, const char *fmt, ...);
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (__builtin_expect(log_is_on, false))                                            \
			log_write(__VA_ARGS__);                                                    \
	} while (0)
/* What people are told, when the log goes to a file: so that it shows what happened when. */
void log_ui(bool is_error, const char *text);

/* ---- parts of lines ------------------------------------------------------------------------ */

/* Without secrets, and quoted where that shows its ends. */
void log_add_word(struct strbuf *sb, const char *text);
void log_add_words(struct strbuf *sb, const struct strv *words);
/* " in 1.204s", since a point of the monotonic clock. */
void log_add_time(struct strbuf *sb, int64_t since);
