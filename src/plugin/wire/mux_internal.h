/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session from inside. One lock guards all of it, streams included; it is held
 * for copying headers and for writes that do not block, never for a wait.
 *
 * What goes out: a frame is offered to the socket at once, and what that does not
 * take is appended to `out`. So frames never mix, whoever sends them, and a thread
 * that gives up in the middle of one leaves nothing half said: the rest is sent by
 * the next thread that waits for the socket, or else by the reader.
 *
 * What comes in: the reader puts payload straight into the ring of its stream.
 * Between taking a place in the ring and filling it it holds no lock; `receiving`
 * keeps the stream's memory alive meanwhile.
 */
#pragma once

#include "base/strbuf.h"
#include "plugin/wire/mux.h"

#include <pthread.h>
#include <sys/uio.h>

enum {
	FRAME_HEADER = 12,
	FRAME_DATA_MAX = 128 * 1024, /* of ours, so that answers to others need not wait for long */
	WINDOW = 256 * 1024,         /* what a stream may be ahead of its reader, both ways */
	IN_BUFFER = 16 * 1024,       /* headers and small payloads */
	OUT_CONTROL_MAX = 256 * 1024, /* frames without data that wait for the socket */
	UNACKED_MAX = 256,
	STREAMS_MAX = 1024, /* that one side has open at a time */
	LINGER_MAX = 256,   /* streams we are done with and the peer is not */
	SIDES_MAX = 16,
	BUCKETS = 256,
};

enum frame_type { FRAME_DATA, FRAME_WINDOW, FRAME_PING, FRAME_GO_AWAY, FRAME_TYPES };
enum { FLAG_SYN = 1, FLAG_ACK = 2, FLAG_FIN = 4, FLAG_RST = 8, FLAGS_ALL = 15 };
enum go_away { GO_AWAY_NORMAL, GO_AWAY_PROTOCOL, GO_AWAY_INTERNAL };

struct frame {
	enum frame_type type;
	uint16_t flags;
	uint32_t id;
	uint32_t length;
};

/* An eventfd that is kept in step with a condition. */
struct signal_fd {
	int fd; /* -1: nobody asked for it */
	bool on;
};

struct stream {
	struct stream *next; /* in its bucket */
	struct mux *mux;
	uint32_t id;
	bool is_held;   /* by its user */
	bool is_listed; /* by the session */
	bool ack_due;   /* opened by the peer, and that is not confirmed yet */
	bool unacked;   /* opened by us, and that is not confirmed yet */
	bool fin_sent, fin_got, is_reset;

	unsigned char *ring; /* WINDOW bytes, made when data comes */
	size_t head, buffered;
	uint32_t window; /* what the peer may still send */
	uint32_t credit; /* what we may */
	struct signal_fd readable, writable;
};

struct side {
	int fd;
	mux_side_fn fn;
	void *data;
};

struct mux {
	int fd;
	enum mux_side role;
	char *peer;
	struct mux_patience patience;
	pthread_t reader;

	/* Held while functions of others are called, and for changing which: comes before `lock`. */
	pthread_mutex_t call_lock;
	mux_incoming_fn incoming;
	void *incoming_data;
	struct side sides[SIDES_MAX];
	size_t side_count;

	pthread_mutex_t lock; /* guards all below */
	int refs;             /* the owner's, and one of each stream */
	bool stop;            /* the reader shall end */
	bool is_used;         /* it may read the socket: streams of the peer find somebody */
	bool ended;
	bool was_closed; /* by the peer, without a word */
	char *reason;    /* why it has ended */
	struct signal_fd ended_signal, wake;
	struct stream *buckets[BUCKETS];
	size_t ours, theirs, lingering; /* streams that are listed */
	size_t unacked;                 /* of ours */
	uint32_t next_id, last_theirs;
	bool no_new;  /* the peer goes away */
	bool is_deaf; /* the peer takes nothing any more */

	struct strbuf out;
	size_t out_at;      /* sent of it */
	size_t out_control; /* bytes of frames without data in it, at most */
	size_t out_acks;    /* acknowledgements in it, at most */
	int64_t out_since;  /* when the socket last took something of it */
	int senders;        /* threads that wait for the socket to take more */
	bool ping_sent;
	uint32_t ping_value;
	int64_t ping_at, heard_at;

	/* the reader's own */
	unsigned char in[IN_BUFFER];
	size_t in_at, in_len;
	struct frame frame; /* whose payload is coming */
	size_t payload_left;
	struct stream *receiving; /* NULL: the payload is dropped */
};

/* ---- mux.c -------------------------------------------------------------------------------- */

void signal_set(struct signal_fd *s, bool on);
void mux_lock(struct mux *m);
void mux_unlock(struct mux *m); /* frees it with the last reference */
/* Ends the session; the first reason stays. */
PRINTF(2, 3) void mux_end_locked(struct mux *m, const char *fmt, ...);
/* The same for a peer that breaks the rules; it is told so. */
PRINTF(2, 3) void mux_break_locked(struct mux *m, const char *fmt, ...);
int mux_gone_locked(struct mux *m, struct error **err); /* -1 */
struct stream *mux_find_locked(struct mux *m, uint32_t id);
struct stream *stream_new_locked(struct mux *m, uint32_t id);
/* After anything that may be the end of a stream: frees it if nobody needs it any more. */
void stream_settle_locked(struct stream *s);
/* Brings its descriptors in step. */
void stream_signal_locked(struct stream *s);

/* ---- mux_send.c --------------------------------------------------------------------------- */

void mux_send_locked(struct mux *m, struct frame f);
/* Header and payload; false: the socket takes nothing now, nothing was done. */
bool mux_send_data_locked(struct stream *s, const void *data, size_t len);
/* The same; what the socket does not take waits, too. For little only. */
void mux_queue_data_locked(struct stream *s, const void *data, size_t len);
/* Offers the socket what waits. */
void mux_flush_locked(struct mux *m);
bool mux_is_blocked_locked(const struct mux *m);
/* Somebody must send what waits: wakes the reader if no other thread does. */
void mux_leave_output_locked(struct mux *m);
/* Confirms a stream of the peer, once. */
void stream_ack_locked(struct stream *s);
/* Lets the peer send more when half of what it may is used. */
void stream_grant_locked(struct stream *s);

/* ---- mux_reader.c ------------------------------------------------------------------------- */

void *mux_reader(void *mux);
/* Deals with all that is in m->in; false: the session has ended. */
bool mux_parse(struct mux *m);
/* Reads what has come, up to a bound. */
void mux_receive(struct mux *m);
