/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/wire/rpc.h"
#include "plugin/wire/rpc_pipe.h"

#include <stdlib.h>

struct rpc_server {
	struct rpc_pipe pipe;
	struct rpc_request *next; /* whose argument comes next */
};

struct rpc_server *rpc_server_new(struct stream *s)
{
	struct rpc_server *server = NEW(struct rpc_server);

	pipe_init(&server->pipe, s);
	return server;
}

void rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	rpc_request_free(s->next);
	pipe_release(&s->pipe);
	free(s);
}

int rpc_server_fd(struct rpc_server *s)
{
	return stream_fd(s->pipe.stream);
}

void rpc_request_free(struct rpc_request *r)
{
	if (!r)
		return;
	arena_free(r->arena);
	free(r->method);
	free(r);
}

static int read_header(struct rpc_server *s, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *e = NULL;
	const struct packed *header = NULL;
	const char *method = NULL;
	int64_t seq = 0;
	int r = pipe_value(&s->pipe, arena, &header, err);

	if (r <= 0)
		return r;
	if (header->kind != PACKED_MAP)
		return pipe_break(&s->pipe, err, "sent what is no call");
	if (packed_int(packed_member(header, "Seq"), &seq, &e) < 0 ||
	    packed_text(packed_member(header, "ServiceMethod"), &method, &e) < 0)
		return pipe_break(&s->pipe, err, "sent a call with %s", e->message);
	if (text_is_empty(method))
		return pipe_break(&s->pipe, err, "sent a call without a name");
	s->next = NEW(struct rpc_request);
	s->next->method = xstrdup(method);
	s->next->seq = (uint64_t)seq;
	s->next->arena = TAKE(arena);
	return 1;
}

/* The next whole request, if it is there. */
static int read_request(struct rpc_server *s, struct rpc_request **ret, struct error **err)
{
	int r = s->next ? 1 : read_header(s, err);

	if (r > 0)
		r = pipe_value(&s->pipe, s->next->arena, &s->next->arg, err);
	if (r > 0)
		*ret = TAKE(s->next);
	return r;
}

int rpc_next(struct rpc_server *s, struct rpc_request **ret, struct error **err)
{
	for (;;) {
		int r = read_request(s, ret, err);

		if (r)
			return r;
		r = pipe_fill(&s->pipe, err);
		if (r == 0 || (r < 0 && *err))
			return r;
		if (r > 0)
			continue;
		if (s->next || !pipe_is_empty(&s->pipe))
			return pipe_break(&s->pipe, err,
					  "closed the stream in the middle of a call");
		return -1;
	}
}

static void pack_header(struct strbuf *sb, const struct rpc_request *r, const char *error)
{
	pack_map(sb, 3);
	pack_text(sb, "ServiceMethod");
	pack_text(sb, r->method);
	pack_text(sb, "Seq");
	pack_uint(sb, r->seq);
	pack_text(sb, "Error");
	pack_text(sb, error);
}

int rpc_reply(struct rpc_server *s, const struct rpc_request *r, const struct strbuf *reply,
	      struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf message = STRBUF_INIT;

	pack_header(&message, r, "");
	if (reply)
		strbuf_add(&message, reply->buf, reply->len);
	else
		pack_nil(&message);
	return pipe_send(&s->pipe, &message, c, err);
}

int rpc_reply_error(struct rpc_server *s, const struct rpc_request *r, const char *text,
		    struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf message = STRBUF_INIT;

	pack_header(&message, r, text_is_empty(text) ? "unknown error" : text);
	pack_map(&message, 0);
	return pipe_send(&s->pipe, &message, c, err);
}
