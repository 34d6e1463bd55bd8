/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads along what Ansible prints: shows it line by line, and remembers which
 * task failed where and why, so that the error says it.
 */
#pragma once

#include "core/event.h"

struct watch;

struct watch *watch_new(struct ui *ui);
void watch_free(struct watch *w);
DEFINE_AUTO(watch, struct watch *, watch_free);
/* A proc_line_fn: `data` is the watch. */
void watch_line(void *data, bool is_stderr, const char *line);
/* "task 'T' failed on 'H': M", of all that failed last, or what Ansible itself said; heap or NULL. */
char *watch_failure(const struct watch *w);
/* A host could not be reached. */
bool watch_unreachable(const struct watch *w);
/* There were plays, but none had a host. */
bool watch_did_nothing(const struct watch *w);
