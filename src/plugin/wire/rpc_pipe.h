/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of a call do: whole values in, whole messages out. A message that
 * was begun is finished before the next one, even if the one who sent it gave up:
 * half of one would make garbage of all that follows.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "plugin/wire/msgpack.h"
#include "plugin/wire/mux.h"

struct rpc_pipe {
	struct stream *stream;
	struct strbuf in;
	size_t in_at; /* what is before is dealt with */
	struct packed_scan scan;
	struct strbuf out; /* begun and not finished */
	size_t out_at;
	char *broken; /* why nothing more can be read */
};

void pipe_init(struct rpc_pipe *p, struct stream *s /* taken */);
void pipe_release(struct rpc_pipe *p);
/* The next value in *ret, or skipped if `arena` is NULL. 1, 0: it is not whole yet, or -1. */
MUST_CHECK int pipe_value(struct rpc_pipe *p, struct arena *arena, const struct packed **ret,
			  struct error **err);
/* Reads what has come, once. 1: something, 0: nothing yet; -1: gone, or the end with *err untouched. */
MUST_CHECK int pipe_fill(struct rpc_pipe *p, struct error **err);
bool pipe_is_empty(const struct rpc_pipe *p); /* nothing of a message is there */
/* The stream is of no use any more: the error that says so, now and later; -1. */
PRINTF(3, 4) int pipe_break(struct rpc_pipe *p, struct error **err, const char *fmt, ...);
MUST_CHECK int pipe_check(const struct rpc_pipe *p, struct error **err);
MUST_CHECK int pipe_send(struct rpc_pipe *p, const struct strbuf *message, struct cancel *c,
			 struct error **err);
