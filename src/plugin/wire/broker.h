/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives anonymous streams a purpose (plugin-protocol.md 4): one side tells the
 * other a number inside a call, the other opens a stream and names it. Both
 * count their own numbers.
 *
 * A stream that nobody takes within BROKER_SECONDS is closed; so is the wait
 * for one that does not come.
 */
#pragma once

#include "plugin/wire/mux.h"

enum { BROKER_SECONDS = 5 };

struct broker;

/* `m` is borrowed and outlives it. Takes what the peer opens from now on. */
struct broker *broker_new(struct mux *m, struct error **err);
void broker_free(struct broker *b);
DEFINE_AUTO(broker, struct broker *, broker_free);
/* Instead of BROKER_SECONDS; for tests, before the first stream. */
void broker_set_patience(struct broker *b, int64_t ns);

/* A number of ours, from 1; the peer may name it from now on: tell it afterwards. */
uint32_t broker_expect(struct broker *b);
/* The stream that names `id`: connected, echoed. Waits BROKER_SECONDS at most. */
MUST_CHECK struct stream *broker_accept(struct broker *b, uint32_t id, struct cancel *c,
					struct error **err);
/* The same without waiting: NULL and *err untouched: not yet. Time counts from the first question. */
struct stream *broker_accept_now(struct broker *b, uint32_t id, struct error **err);
/* Readable while broker_accept_now() has something to say about one of the numbers we expect. */
int broker_fd(struct broker *b);
/* Gives up on a number: its stream is refused, now or when it comes. */
void broker_forget(struct broker *b, uint32_t id);
/* Opens the peer's `id` and waits for its echo, BROKER_SECONDS at most. */
MUST_CHECK struct stream *broker_dial(struct broker *b, uint32_t id, struct cancel *c,
				      struct error **err);
