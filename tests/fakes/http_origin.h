/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server that says exactly what a test tells it to: whole answers,
 * answers cut off in the middle, answers that never end. It runs on a thread
 * of its own, answers connections in order, one request each, with the next
 * reply of its script, and remembers what it was asked.
 */
#pragma once

#include "base/strv.h"

struct origin;

struct origin *origin_new(void);
void origin_free(struct origin *o);             /* ends the thread */
const char *origin_url(const struct origin *o); /* http://127.0.0.1:PORT */

/* The next reply; `len` bytes of it are sent, then the connection is closed. */
void origin_reply_raw(struct origin *o, const void *bytes, size_t len);
/* Status line, headers (each ended by CRLF, may be ""), length and body. */
void origin_reply(struct origin *o, const char *status, const char *headers, const char *body);
/* Promises the whole body but closes after `sent` bytes of it. */
void origin_reply_cut(struct origin *o, const char *status, const char *headers, const char *body,
		      size_t sent);
/* Promises the whole body, sends `sent` bytes and then nothing, until the client goes. */
void origin_reply_stall(struct origin *o, const char *headers, const char *body, size_t sent);

/* The requests so far, whole heads with bodies (copies are added to `ret`). */
void origin_requests(struct origin *o, struct strv *ret);
/* Script entries that nobody has asked for. */
size_t origin_left(struct origin *o);
