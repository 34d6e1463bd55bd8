/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "os/clock.h"
#include "os/wait.h"
#include "plugin/wire/rpc.h"
#include "plugin/wire/rpc_pipe.h"

#include <stdlib.h>

/* Reads in a row before others have their turn; the descriptor stays readable. */
enum { READS_IN_A_ROW = 32 };

struct rpc_call {
	struct rpc_caller *caller; /* NULL: that is no more */
	struct rpc_call *next;
	uint64_t seq;
	char *method;
	struct arena *arena, *own_arena;
	bool is_answered;
	const struct packed *reply;
	char *error; /* what the peer says went wrong, or NULL */
};

struct rpc_caller {
	struct rpc_pipe pipe;
	struct rpc_call *calls; /* open ones, also when they are answered */
	uint64_t next_seq;
	bool has_header; /* of the answer whose body comes next */
	uint64_t seq;
	char *error;
};

struct rpc_caller *rpc_caller_new(struct stream *s)
{
	struct rpc_caller *c = NEW(struct rpc_caller);

	pipe_init(&c->pipe, s);
	return c;
}

void rpc_caller_free(struct rpc_caller *c)
{
	if (!c)
		return;
	for (struct rpc_call *call = c->calls; call; call = call->next)
		call->caller = NULL;
	pipe_release(&c->pipe);
	free(c->error);
	free(c);
}

int rpc_caller_fd(struct rpc_caller *c)
{
	return stream_fd(c->pipe.stream);
}

static struct rpc_call *call_new(struct rpc_caller *c, const char *method, struct arena *arena)
{
	struct rpc_call *call = NEW(struct rpc_call);

	call->caller = c;
	call->seq = c->next_seq;
	call->method = xstrdup(method);
	call->own_arena = arena ? NULL : arena_new();
	call->arena = arena ? arena : call->own_arena;
	return call;
}

static void destroy(struct rpc_call *call)
{
	arena_free(call->own_arena);
	free(call->method);
	free(call->error);
	free(call);
}

void rpc_call_free(struct rpc_call *call)
{
	if (!call)
		return;

	struct rpc_call **at = call->caller ? &call->caller->calls : NULL;

	while (at && *at != call)
		at = &(*at)->next;
	if (at)
		*at = call->next;
	destroy(call);
}

static struct rpc_call *start(struct rpc_caller *c, const char *method, const struct strbuf *arg,
			      struct arena *arena, struct cancel *cancel, struct error **err)
{
	AUTO(strbuf) struct strbuf message = STRBUF_INIT;
	struct rpc_call *call = call_new(c, method, arena);

	pack_map(&message, 2);
	pack_text(&message, "ServiceMethod");
	pack_text(&message, method);
	pack_text(&message, "Seq");
	pack_uint(&message, call->seq);
	if (arg)
		strbuf_add(&message, arg->buf, arg->len);
	else
		pack_nil(&message);

	size_t before = c->pipe.out.len;
	int r = pipe_send(&c->pipe, &message, cancel, err);

	/* one that is half sent has its number, too: its answer will come some day */
	if (r == 0 || c->pipe.out.len > before)
		c->next_seq++;
	if (r < 0) {
		destroy(call);
		return NULL;
	}
	call->next = c->calls;
	c->calls = call;
	return call;
}

struct rpc_call *rpc_start(struct rpc_caller *c, const char *method, const struct strbuf *arg,
			   struct cancel *cancel, struct error **err)
{
	return start(c, method, arg, NULL, cancel, err);
}

/* ---- answers -------------------------------------------------------------------------------- */

static struct rpc_call *find_call(struct rpc_caller *c, uint64_t seq)
{
	struct rpc_call *call = c->calls;

	while (call && (call->seq != seq || call->is_answered))
		call = call->next;
	return call;
}

static int read_header(struct rpc_caller *c, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *e = NULL;
	const struct packed *header = NULL;
	const char *error = NULL;
	int64_t seq = 0;
	int r = pipe_value(&c->pipe, arena, &header, err);

	if (r <= 0)
		return r;
	if (header->kind != PACKED_MAP || !packed_member(header, "Seq"))
		return pipe_break(&c->pipe, err, "sent what is no answer");
	if (packed_int(packed_member(header, "Seq"), &seq, &e) < 0 ||
	    packed_text(packed_member(header, "Error"), &error, &e) < 0)
		return pipe_break(&c->pipe, err, "sent an answer with %s", e->message);
	if (seq < 0 || (uint64_t)seq >= c->next_seq)
		return pipe_break(&c->pipe, err, "answered a call that was not made");
	c->has_header = true;
	c->seq = (uint64_t)seq;
	c->error = error && *error ? xstrdup(error) : NULL;
	return 1;
}

/* Answers to calls that were given up, and values beside an error, are passed over. */
static int read_body(struct rpc_caller *c, struct error **err)
{
	struct rpc_call *call = find_call(c, c->seq);
	struct arena *arena = call && !c->error ? call->arena : NULL;
	const struct packed *reply = NULL;
	int r = pipe_value(&c->pipe, arena, &reply, err);

	if (r <= 0)
		return r;
	c->has_header = false;
	if (call) {
		call->is_answered = true;
		call->reply = reply;
		call->error = TAKE(c->error);
	}
	free(TAKE(c->error));
	return 1;
}

/* Deals with whole values that are there; 0, or -1. */
static int dispatch(struct rpc_caller *c, struct error **err)
{
	int r;

	do
		r = c->has_header ? read_body(c, err) : read_header(c, err);
	while (r > 0);
	return r;
}

/* Reads once, for all calls. 1: something came, 0: not yet, -1. */
static int read_more(struct rpc_caller *c, struct rpc_call *call, struct error **err)
{
	if (pipe_check(&c->pipe, err) < 0)
		return -1;

	int r = pipe_fill(&c->pipe, err);

	if (r < 0 && !*err)
		error_set(err, ERROR_GONE, "'%s' closed the stream before it answered '%s'",
			  stream_peer(c->pipe.stream), call->method);
	if (r <= 0)
		return r;
	return dispatch(c, err) < 0 ? -1 : 1;
}

int rpc_poll(struct rpc_call *call, struct error **err)
{
	struct rpc_caller *c = call->caller;
	int r = 1;

	if (!c && !call->is_answered)
		return error_set(err, ERROR_GONE, "'%s' is not waited for any more", call->method);
	for (int i = 0; i < READS_IN_A_ROW && r > 0 && !call->is_answered; i++)
		r = read_more(c, call, err);
	if (!call->is_answered)
		return MIN(r, 0);
	if (r < 0)
		error_ignore(err, "it is about what came after the answer, and comes again");
	return 1;
}

int rpc_finish(struct rpc_call *call, int64_t deadline, struct cancel *c,
	       const struct packed **ret_reply, struct error **err)
{
	int r;

	while ((r = rpc_poll(call, err)) == 0)
		if (io_wait(rpc_caller_fd(call->caller), POLLIN, deadline, c, err) < 0)
			return -1;
	if (r < 0)
		return -1;
	if (call->error)
		return error_set(err, ERROR_REMOTE, "%s", call->error);
	*ret_reply = call->reply;
	return 0;
}

const struct packed *rpc(struct rpc_caller *c, const char *method, const struct strbuf *arg,
			 struct arena *arena, int64_t deadline, struct cancel *cancel,
			 struct error **err)
{
	AUTO(rpc_call) struct rpc_call *call = start(c, method, arg, arena, cancel, err);
	const struct packed *reply = NULL;

	if (!call || rpc_finish(call, deadline, cancel, &reply, err) < 0)
		return NULL;
	return reply;
}
