/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cancel token: what every blocking wait watches besides its own fd. Tokens
 * form a chain; a wait on a child also ends when an ancestor is cancelled.
 *
 *   - cancel_trigger(): somebody asked to stop          -> ERROR_CANCELLED
 *   - a deadline given at construction passes           -> ERROR_TIMEOUT
 *   - a watched fd becomes readable (cancel_watch())    -> the error its
 *     `reason` callback makes, for example "the guest ended" (ERROR_GONE)
 *
 * So a step needs no side channel to learn that the machine below it died or
 * that its time is over. Triggering is async-signal-safe and thread-safe; all
 * else happens on the one thread that owns the token. A parent outlives its
 * children.
 */
#pragma once

#include "base/error.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct cancel;

/* Sets the error that explains why `fd` ended the wait and returns -1; or, after making `fd`
 * quiet again, returns 0: it was nothing, the wait goes on. */
typedef int (*cancel_reason_fn)(void *data, struct error **err);

struct cancel *cancel_new(struct cancel *parent, int64_t deadline); /* parent may be NULL */
void cancel_free(struct cancel *c);
DEFINE_AUTO(cancel, struct cancel *, cancel_free);

void cancel_trigger(struct cancel *c);
/* One watched fd per token (child tokens add more); borrowed, -1 removes it. */
void cancel_watch(struct cancel *c, int fd, cancel_reason_fn reason, void *data);

/* 0, or -1 with the reason when this token or an ancestor has ended. Never blocks. */
MUST_CHECK int cancel_check(struct cancel *c, struct error **err);
bool cancel_is_triggered(const struct cancel *c); /* by a person; itself or an ancestor */

/*
 * For libraries with a poll loop of their own (curl_multi_poll, libssh): adds
 * the fds of the chain to fds[*n…max) and lowers *deadline to the nearest one.
 */
void cancel_pollfds(const struct cancel *c, struct pollfd *fds, size_t max, size_t *n,
		    int64_t *deadline);
