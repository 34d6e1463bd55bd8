/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls over a stream (plugin-protocol.md 5): one side calls, the other serves.
 * Both ends here belong to one thread, that of the build; nothing is done
 * behind its back. A caller may have several calls open; a server is asked for
 * the next request and answers when it likes, in any order.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "plugin/wire/msgpack.h"
#include "plugin/wire/mux.h"

/* ---- calling ------------------------------------------------------------------------------- */

struct rpc_caller;
struct rpc_call;

struct rpc_caller *rpc_caller_new(struct stream *s /* taken */);
/* Half-closes the stream; open calls are forgotten. */
void rpc_caller_free(struct rpc_caller *c);
DEFINE_AUTO(rpc_caller, struct rpc_caller *, rpc_caller_free);
/* Readable when an answer may have come. */
int rpc_caller_fd(struct rpc_caller *c);

/* `arg`: one MessagePack value; NULL: nil. The call belongs to the caller's user until
 * rpc_call_free(), which may come before the answer does. */
MUST_CHECK struct rpc_call *rpc_start(struct rpc_caller *c, const char *method,
				      const struct strbuf *arg, struct cancel *cancel,
				      struct error **err);
void rpc_call_free(struct rpc_call *call);
DEFINE_AUTO(rpc_call, struct rpc_call *, rpc_call_free);
/* Reads what has come. 1: this call is answered, 0: not yet, -1: the stream is gone. What is read
 * for other calls is kept for them: after the descriptor was readable, poll all that are open. */
MUST_CHECK int rpc_poll(struct rpc_call *call, struct error **err);
/* Waits for the answer. The reply lives in the call. An error the peer answers with is
 * ERROR_REMOTE, its text unchanged. */
MUST_CHECK int rpc_finish(struct rpc_call *call, int64_t deadline, struct cancel *c,
			  const struct packed **ret_reply, struct error **err);
/* All in one; the reply is in the arena. */
MUST_CHECK const struct packed *rpc(struct rpc_caller *c, const char *method,
				    const struct strbuf *arg, struct arena *arena, int64_t deadline,
				    struct cancel *cancel, struct error **err);

/* ---- serving ------------------------------------------------------------------------------- */

struct rpc_server;

struct rpc_request {
	char *method; /* "Ui.Say" */
	uint64_t seq;
	struct arena *arena; /* of the argument */
	const struct packed *arg;
};

struct rpc_server *rpc_server_new(struct stream *s /* taken */);
void rpc_server_free(struct rpc_server *s); /* closes the stream */
DEFINE_AUTO(rpc_server, struct rpc_server *, rpc_server_free);
/* Readable when a request or the end may have come. Then ask until there is none: what was read
 * together with another one makes nothing readable any more. */
int rpc_server_fd(struct rpc_server *s);
/* 1 with the next request (owned: rpc_request_free), 0: none yet, -1: no more will come. At an
 * orderly end *err stays untouched. */
int rpc_next(struct rpc_server *s, struct rpc_request **ret, struct error **err);
void rpc_request_free(struct rpc_request *r);
DEFINE_AUTO(rpc_request, struct rpc_request *, rpc_request_free);
/* `reply`: one MessagePack value; NULL: nil. */
MUST_CHECK int rpc_reply(struct rpc_server *s, const struct rpc_request *r,
			 const struct strbuf *reply, struct cancel *c, struct error **err);
MUST_CHECK int rpc_reply_error(struct rpc_server *s, const struct rpc_request *r, const char *text,
			       struct cancel *c, struct error **err);
