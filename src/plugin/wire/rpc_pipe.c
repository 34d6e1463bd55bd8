/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/wire/rpc_pipe.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
	FILL = 64 * 1024,
	KEEP_MAX = 1024 * 1024, /* a buffer that was larger is given back */
	PIECE = 256 * 1024,
	TAKE_SECONDS = 60, /* that the peer may take to read one piece */
};

void pipe_init(struct rpc_pipe *p, struct stream *s)
{
	*p = (struct rpc_pipe){ .stream = s };
	strbuf_init(&p->in);
	strbuf_init(&p->out);
}

void pipe_release(struct rpc_pipe *p)
{
	if (p->broken || p->out.len)
		stream_abort(p->stream);
	else
		stream_close(p->stream);
	strbuf_release(&p->in);
	strbuf_release(&p->out);
	free(p->broken);
}

bool pipe_is_empty(const struct rpc_pipe *p)
{
	return p->in.len == p->in_at;
}

int pipe_check(const struct rpc_pipe *p, struct error **err)
{
	return p->broken ? error_set(err, ERROR_INVALID, "%s", p->broken) : 0;
}

int pipe_break(struct rpc_pipe *p, struct error **err, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&why, "'%s' ", stream_peer(p->stream));
	va_start(ap, fmt);
	strbuf_vaddf(&why, fmt, ap);
	va_end(ap);
	free(p->broken);
	p->broken = strbuf_detach(&why);
	return pipe_check(p, err);
}

static void drop_consumed(struct rpc_pipe *p, size_t n)
{
	p->in_at += n;
	if (pipe_is_empty(p) && p->in.cap > KEEP_MAX)
		strbuf_release(&p->in);
	else if (pipe_is_empty(p))
		strbuf_truncate(&p->in, 0);
	else if (p->in_at < FILL)
		return; /* not worth a move yet */
	else
		strbuf_remove(&p->in, 0, p->in_at);
	p->in_at = 0;
}

int pipe_value(struct rpc_pipe *p, struct arena *arena, const struct packed **ret,
	       struct error **err)
{
	AUTO(error) struct error *e = NULL;
	const char *at = p->in.buf + p->in_at;

	if (pipe_check(p, err) < 0)
		return -1;

	ssize_t n = packed_scan(&p->scan, at, p->in.len - p->in_at, &e);

	if (n < 0)
		return pipe_break(p, err, "sent what is no message: %s", e->message);
	if (n == 0)
		return 0;
	if (arena)
		*ret = packed_build(at, (size_t)n, arena);
	p->scan = (struct packed_scan){ 0 };
	drop_consumed(p, (size_t)n);
	return 1;
}

int pipe_fill(struct rpc_pipe *p, struct error **err)
{
	char *at = strbuf_reserve(&p->in, FILL);
	ssize_t n = stream_read_some(p->stream, at, FILL, err);

	if (n > 0)
		strbuf_advance(&p->in, (size_t)n);
	if (n < 0)
		return *err ? -1 : 0;
	return n ? 1 : -1;
}

/* Up to the end of `out`, however long that takes as long as the peer reads. */
static int send_all(struct rpc_pipe *p, struct cancel *c, struct error **err)
{
	while (p->out_at < p->out.len) {
		const void *at = p->out.buf + p->out_at;
		size_t piece = MIN(p->out.len - p->out_at, (size_t)PIECE), left = piece;
		int64_t deadline = clock_deadline(TAKE_SECONDS * NSEC_PER_SEC);
		int r = stream_write_part(p->stream, &at, &left, deadline, c, err);

		p->out_at += piece - left;
		if (r == 0)
			continue;
		if ((*err)->kind == ERROR_TIMEOUT && clock_monotonic() >= deadline)
			error_prefix(err, "'%s' does not read what is sent to it",
				     stream_peer(p->stream));
		return -1;
	}
	return 0;
}

int pipe_send(struct rpc_pipe *p, const struct strbuf *message, struct cancel *c,
	      struct error **err)
{
	size_t start = p->out.len;

	if (pipe_check(p, err) < 0)
		return -1;
	strbuf_add(&p->out, message->buf, message->len);
	if (send_all(p, c, err) < 0) {
		if (p->out_at <= start)
			strbuf_truncate(&p->out, start); /* as if it had never been */
		return -1;
	}
	p->out_at = 0;
	if (p->out.cap > KEEP_MAX)
		strbuf_release(&p->out);
	else
		strbuf_truncate(&p->out, 0);
	return 0;
}
