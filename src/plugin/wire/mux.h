/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many byte streams over one socket (yamux; plugin-protocol.md 3). A session has
 * one thread of its own, the reader: it parses frames, acknowledges, answers
 * pings and fills the streams' buffers, and never waits for anybody else, so a
 * build that is slow does not cost the session. Everything else happens on the
 * thread that uses the streams; several may use different streams.
 *
 * A session ends when the peer closes the socket, breaks the protocol or is
 * told to: then every wait on it fails with ERROR_GONE and the reason. Limits
 * (frames, streams, buffers) are part of the protocol and kept here.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mux;
struct stream;

enum mux_side { MUX_CLIENT, MUX_SERVER }; /* who opens odd streams: the client, that is us */

/* Takes the connected socket (on failure, too). `peer` names the other side in messages. Nothing is
 * read before mux_on_incoming() or mux_open(): so no stream of the peer comes too early. */
struct mux *mux_new(int fd, enum mux_side side, const char *peer, struct error **err);
/* Closes the socket and joins the reader. Streams that are still held stay valid and are gone. */
void mux_free(struct mux *m);
DEFINE_AUTO(mux, struct mux *, mux_free);
const char *mux_peer(const struct mux *m);

/* Readable, for good, once the session has ended. */
int mux_ended_fd(const struct mux *m);
/* Sets ERROR_GONE with the reason and returns -1; 0 while the session lives. A cancel_reason_fn. */
int mux_why_ended(void *mux, struct error **err);
/* It has ended because the peer closed it, which may have reasons that only the peer's process tells. */
bool mux_was_closed(struct mux *m);

/* Opens without waiting for the acknowledgement; what is written meanwhile is sent. */
struct stream *mux_open(struct mux *m, struct error **err);
/* Called on the reader's thread for each stream that the peer opens; must not wait, may take the
 * stream (true) or refuse it (false: reset, and *s is no more). Without one, all are refused. When
 * this returns, the function before is not running and will not. */
typedef bool (*mux_incoming_fn)(void *data, struct stream *s);
void mux_on_incoming(struct mux *m, mux_incoming_fn fn, void *data);

/* The reader also waits for this descriptor (borrowed) and calls fn when it is readable, until fn
 * returns false: for what has to be read until mux_free(), also after the session has ended. */
typedef bool (*mux_side_fn)(void *data);
void mux_also_read(struct mux *m, int fd, mux_side_fn fn, void *data);
/* No more: when this returns, fn is not running and will not. Not from within such a function; nor
 * may those call mux_also_read() or mux_on_incoming(). */
void mux_read_no_more(struct mux *m, int fd);

/* How long the session waits for a silent peer; what mux_new() sets is right but for tests. */
struct mux_patience {
	int64_t silence; /* until it is asked for a sign of life while there are streams */
	int64_t answer;  /* until that must have come */
	int64_t stall;   /* for it to take what is sent to it */
};
void mux_set_patience(struct mux *m, struct mux_patience p);

/* ---- one stream: a pipe in each direction -------------------------------------------------- */

const char *stream_peer(const struct stream *s); /* as given to mux_new() */
/* Readable whenever stream_read_some() would not return "nothing yet". Made on first use. */
int stream_fd(struct stream *s);
/* Readable whenever stream_write() would not wait: there is credit, or the stream is gone. */
int stream_credit_fd(struct stream *s);
/* What is there: >0 bytes, 0 at the end of the stream, -1 nothing yet (*err untouched) or, with
 * *err set, gone. Never waits. */
ssize_t stream_read_some(struct stream *s, void *buf, size_t len, struct error **err);
/* At least one byte, 0 at the end. */
MUST_CHECK ssize_t stream_read(struct stream *s, void *buf, size_t len, int64_t deadline,
			       struct cancel *c, struct error **err);
/* All of it, in frames of what credit allows. ERROR_GONE also when the peer reads no more. */
MUST_CHECK int stream_write(struct stream *s, const void *data, size_t len, int64_t deadline,
			    struct cancel *c, struct error **err);
/* The same; moves *data and *len over what is sent, also on failure. */
MUST_CHECK int stream_write_part(struct stream *s, const void **data, size_t *len, int64_t deadline,
				 struct cancel *c, struct error **err);
/* A few bytes that credit allows, queued if the socket is full: never waits. */
MUST_CHECK int stream_write_now(struct stream *s, const void *data, size_t len, struct error **err);
/* How much stream_write() could send at once. */
size_t stream_credit(struct stream *s);
/* No more data from us (FIN), once; further calls do nothing. */
void stream_finish(struct stream *s);
/* Is done with it: FIN if that was not sent; what still comes is dropped until the peer is done, too. */
void stream_close(struct stream *s);
/* RST and away. */
void stream_abort(struct stream *s);
DEFINE_AUTO(stream, struct stream *, stream_close);
