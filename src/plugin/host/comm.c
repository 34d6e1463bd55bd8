/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/comm.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/codec/exit_status.h"
#include "plugin/host/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, STATUS_MAX = 64 * 1024 };

struct plugin_comm {
	struct comm comm;
	struct instance *in;
	struct rpc_caller *caller; /* NULL once it has hung up */
	struct strbuf generated;
};

static struct plugin_comm *of(struct comm *m)
{
	return (struct plugin_comm *)m;
}

/* ---- calls that bring streams --------------------------------------------------------------- */

/* A call with numbers of ours in it, and the streams that the plugin opens for them. */
struct call {
	struct plugin_comm *pc;
	struct rpc_call *rpc;
	uint32_t ids[4];
	struct stream *streams[4];
	size_t n;
};

static void call_init(struct call *k, struct plugin_comm *pc, size_t n)
{
	*k = (struct call){ .pc = pc, .n = n };
	for (size_t i = 0; i < n; i++)
		k->ids[i] = broker_expect(plugin_process_broker(pc->in->process));
}

static void call_release(struct call *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->streams[i])
			stream_close(k->streams[i]);
		else
			broker_forget(plugin_process_broker(k->pc->in->process), k->ids[i]);
	}
	rpc_call_free(k->rpc);
}

static int lost(const struct plugin_comm *pc, struct error **err)
{
	return error_prefix(err, "the communicator of the plugin %s",
			    plugin_process_name(pc->in->process));
}

/* 1: all streams are there, 0: not yet. */
static int take_streams(struct call *k, struct error **err)
{
	int all = 1;

	for (size_t i = 0; i < k->n; i++) {
		if (!k->streams[i])
			k->streams[i] = broker_accept_now(plugin_process_broker(k->pc->in->process),
							  k->ids[i], err);
		if (*err)
			return -1;
		all &= k->streams[i] != NULL;
	}
	return all;
}

/* The peer dials before it answers; if it answers without, it could not begin. */
static int call_begin(struct call *k, const char *method, const struct strbuf *arg,
		      struct cancel *c, struct error **err)
{
	struct pollfd fds[] = {
		{ .fd = broker_fd(plugin_process_broker(k->pc->in->process)), .events = POLLIN },
		{ .fd = rpc_caller_fd(k->pc->caller), .events = POLLIN },
	};

	k->rpc = rpc_start(k->pc->caller, method, arg, c, err);
	if (!k->rpc)
		return -1;
	for (;;) {
		int all = take_streams(k, err);
		int r = all ? all : rpc_poll(k->rpc, err);

		if (all != 0 || r < 0)
			return all > 0 ? 0 : -1;
		if (r > 0)
			return rpc_finish(k->rpc, DEADLINE_NEVER, c, &(const struct packed *){ 0 },
					  err) < 0
				       ? -1
				       : error_set(err, ERROR_REMOTE,
						   "it answered without opening its streams");
		if (io_wait_many(fds, ARRAY_LEN(fds), DEADLINE_NEVER, c, err) < 0)
			return -1;
	}
}

/* Success has no content. */
static int call_end(struct call *k, struct cancel *c, struct error **err)
{
	const struct packed *reply;

	return rpc_finish(k->rpc, DEADLINE_NEVER, c, &reply, err);
}

/* ---- commands ----------------------------------------------------------------------------------- */

enum { STDOUT, STDERR, RESPONSE, STDIN };

struct command {
	struct call call;
	const struct comm_cmd *cmd;
	struct strbuf input; /* what has come of it, and is not sent from `sent` on */
	size_t sent;
	bool input_ended, told_end;
	bool open[3];
	struct strbuf status;
};

static void pack_start(struct strbuf *arg, const struct command *k)
{
	pack_map(arg, 5);
	pack_text(arg, "Command");
	pack_text(arg, k->cmd->command);
	pack_text(arg, "StdinStreamId");
	pack_uint(arg, k->call.n > STDIN ? k->call.ids[STDIN] : 0);
	pack_text(arg, "StdoutStreamId");
	pack_uint(arg, k->call.ids[STDOUT]);
	pack_text(arg, "StderrStreamId");
	pack_uint(arg, k->call.ids[STDERR]);
	pack_text(arg, "ResponseStreamId");
	pack_uint(arg, k->call.ids[RESPONSE]);
}

static void take(struct command *k, int which, const void *bytes, size_t len)
{
	if (which == RESPONSE)
		strbuf_add(&k->status, bytes, len);
	else if (k->cmd->output)
		k->cmd->output(k->cmd->output_data, which == STDERR, bytes, len);
}

/* All that is there. */
static int read_stream(struct command *k, int which, char *buf, struct error **err)
{
	while (k->open[which]) {
		ssize_t n = stream_read_some(k->call.streams[which], buf, PIECE, err);

		if (n < 0)
			return *err ? -1 : 0;
		if (n == 0)
			k->open[which] = false;
		take(k, which, buf, (size_t)n);
	}
	return 0;
}

/* What there is of a stdin that comes while the command runs. */
static int refill_input(struct command *k, struct error **err)
{
	const struct comm_source *from = k->cmd->source;
	char buf[8192];
	ssize_t n;

	if (k->input_ended || k->sent < k->input.len)
		return 0;
	strbuf_truncate(&k->input, 0);
	k->sent = 0;
	if (!from) {
		k->input_ended = true;
		return 0;
	}
	n = from->read(from->data, buf, sizeof(buf), err);
	if (n < 0)
		return *err ? -1 : 0;
	k->input_ended = n == 0;
	strbuf_add(&k->input, buf, (size_t)n);
	return 0;
}

/* What the peer takes now; it may end without taking all. */
static int send_input(struct command *k, struct cancel *c, struct error **err)
{
	struct stream *s = k->call.n > STDIN ? k->call.streams[STDIN] : NULL;
	size_t n = 1;

	while (s && !k->told_end && n) {
		if (refill_input(k, err) < 0)
			return -1;
		n = stream_credit(s); /* asked once: it grows */
		n = MIN(n, k->input.len - k->sent);
		if (!n && k->input_ended && k->sent == k->input.len) {
			stream_finish(s);
			k->told_end = true;
		} else if (n &&
			   stream_write(s, k->input.buf + k->sent, n, DEADLINE_NEVER, c, err) < 0) {
			if (cancel_is_triggered(c))
				return -1;
			error_ignore(err, "it reads no more");
			k->told_end = true;
		}
		k->sent += n;
	}
	return 0;
}

/* What brings the next piece of input on its way; -1: nothing. */
static int input_fd(struct command *k)
{
	if (k->call.n <= STDIN || k->told_end)
		return -1;
	return k->sent < k->input.len ? stream_credit_fd(k->call.streams[STDIN])
				      : k->cmd->source->fd;
}

static int follow(struct command *k, struct cancel *c, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(PIECE);

	for (;;) {
		struct pollfd fds[4];
		bool any = false;

		for (int i = 0; i < 3; i++) {
			if (read_stream(k, i, buf, err) < 0)
				return -1;
			any |= k->open[i];
			fds[i] = (struct pollfd){ k->open[i] ? stream_fd(k->call.streams[i]) : -1,
						  POLLIN, 0 };
		}
		if (!any)
			return 0;
		if (send_input(k, c, err) < 0)
			return -1;
		fds[3] = (struct pollfd){ input_fd(k), POLLIN, 0 };
		if (io_wait_many(fds, ARRAY_LEN(fds), DEADLINE_NEVER, c, err) < 0)
			return -1;
	}
}

static int run_command(struct command *k, struct cancel *c, int *ret_status, struct error **err)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;

	pack_start(&arg, k);
	if (k->cmd->began)
		*k->cmd->began = true;
	if (call_begin(&k->call, "Communicator.Start", &arg, c, err) < 0 ||
	    call_end(&k->call, c, err) < 0)
		return -1;
	if (k->cmd->started)
		k->cmd->started(k->cmd->started_data);
	for (int i = 0; i < 3; i++)
		k->open[i] = true;
	if (follow(k, c, err) < 0)
		return -1;
	if (exit_status_read(k->status.buf, k->status.len, ret_status, err) == 0)
		return 0;
	return error_prefix(err, "the exit status of a command");
}

static int comm_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		     struct error **err)
{
	struct command k = { .cmd = cmd,
			     .input = STRBUF_INIT,
			     .status = STRBUF_INIT_MAX(STATUS_MAX) };
	int r;

	call_init(&k.call, of(m), cmd->input_len || cmd->source ? 4 : 3);
	strbuf_add(&k.input, cmd->input, cmd->input_len);
	r = run_command(&k, c, ret_status, err);
	call_release(&k.call);
	strbuf_release(&k.status);
	strbuf_release(&k.input);
	return r < 0 && (*err)->kind != ERROR_CANCELLED ? lost(of(m), err) : r;
}

/* ---- one file ----------------------------------------------------------------------------------- */

/* 0: all is sent; 1: the answer has come before, nobody reads any more. */
static int send_piece(struct call *k, const char *bytes, size_t len, struct cancel *c,
		      struct error **err)
{
	struct stream *s = k->streams[0];

	while (len) {
		size_t credit = stream_credit(s), n = MIN(credit, len); /* asked once: it grows */
		struct pollfd fds[] = {
			{ .fd = stream_credit_fd(s), .events = POLLIN },
			{ .fd = rpc_caller_fd(k->pc->caller), .events = POLLIN },
		};
		int r = n ? 0 : rpc_poll(k->rpc, err);

		if (r != 0)
			return r;
		if (!n && io_wait_many(fds, ARRAY_LEN(fds), DEADLINE_NEVER, c, err) < 0)
			return -1;
		if (n && stream_write(s, bytes, n, DEADLINE_NEVER, c, err) < 0)
			return -1;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int send_all(struct call *k, const struct comm_source *from, struct cancel *c,
		    struct error **err)
{
	AUTO_FREE char *buf = xmalloc(PIECE);

	for (;;) {
		ssize_t n = from->read(from->data, buf, PIECE, err);
		int r;

		if (n == 0) {
			stream_finish(k->streams[0]);
			return 0;
		}
		if (n < 0 && (*err || io_wait(from->fd, POLLIN, DEADLINE_NEVER, c, err) < 0))
			return -1;
		r = n > 0 ? send_piece(k, buf, (size_t)n, c, err) : 0;
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
}

static int upload_from(struct comm *m, const struct comm_source *from, const char *dst,
		       struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	struct call k;
	int r;

	call_init(&k, of(m), 1);
	transfer_pack_upload(&arg, from, dst, k.ids[0]);
	r = call_begin(&k, "Communicator.Upload", &arg, c, err);
	if (r == 0)
		r = send_all(&k, from, c, err);
	if (r == 0)
		r = call_end(&k, c, err);
	call_release(&k);
	return r < 0 && (*err)->kind != ERROR_CANCELLED ? lost(of(m), err) : r;
}

static int comm_upload(struct comm *m, const struct comm_upload *up, const char *dst,
		       struct cancel *c, struct error **err)
{
	struct transfer_file f;
	int r;

	if (transfer_file_open(&f, up, err) < 0)
		return -1;
	r = upload_from(m, &f.source, dst, c, err);
	transfer_file_close(&f);
	return r;
}

static int receive_all(struct call *k, comm_write_fn write, void *data, struct cancel *c,
		       struct error **err)
{
	AUTO_FREE char *buf = xmalloc(PIECE);
	ssize_t n;

	while ((n = stream_read(k->streams[0], buf, PIECE, DEADLINE_NEVER, c, err)) > 0)
		if (write(data, buf, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int download_to(struct comm *m, const char *src, comm_write_fn write, void *data,
		       struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	struct call k;
	int r;

	call_init(&k, of(m), 1);
	pack_map(&arg, 2);
	pack_text(&arg, "Path");
	pack_text(&arg, src);
	pack_text(&arg, "WriterStreamId");
	pack_uint(&arg, k.ids[0]);
	r = call_begin(&k, "Communicator.Download", &arg, c, err);
	if (r == 0)
		r = receive_all(&k, write, data, c, err);
	if (r == 0)
		r = call_end(&k, c, err);
	call_release(&k);
	return r < 0 && (*err)->kind != ERROR_CANCELLED ? lost(of(m), err) : r;
}

/* A failed download leaves what came, as with other communicators. */
static int comm_download(struct comm *m, const char *src, const char *dst, struct cancel *c,
			 struct error **err)
{
	int fd = open(dst, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", dst);
	r = download_to(m, src, transfer_write_fd, &fd, c, err);
	if (close(fd) < 0 && r == 0)
		r = error_set_errno(err, errno, "cannot write '%s'", dst);
	return r;
}

/* ---- folders: the plugin reads and writes them itself ------------------------------------------------ */

static int whole_folder(struct comm *m, const char *method, const char *src, const char *dst,
			struct cancel *c, struct error **err)
{
	struct plugin_comm *pc = of(m);
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	AUTO(arena) struct arena *arena = arena_new();

	pack_map(&arg, 3);
	pack_text(&arg, "Dst");
	pack_text(&arg, dst);
	pack_text(&arg, "Src");
	pack_text(&arg, src);
	pack_text(&arg, "Exclude");
	pack_nil(&arg);
	if (rpc(pc->caller, method, &arg, arena, DEADLINE_NEVER, c, err))
		return 0;
	return (*err)->kind != ERROR_CANCELLED ? lost(pc, err) : -1;
}

static int comm_upload_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
			   struct error **err)
{
	return whole_folder(m, "Communicator.UploadDir", src, dst, c, err);
}

static int comm_download_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
			     struct error **err)
{
	return whole_folder(m, "Communicator.DownloadDir", src, dst, c, err);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

void plugin_comm_hang_up(struct comm *m)
{
	rpc_caller_free(TAKE(of(m)->caller));
}

void plugin_comm_keep_generated(struct comm *m, const struct packed *data)
{
	strbuf_truncate(&of(m)->generated, 0);
	strbuf_add(&of(m)->generated, data->raw, data->raw_len);
}

const struct strbuf *plugin_comm_generated(const struct comm *m)
{
	return &((const struct plugin_comm *)m)->generated;
}

static void comm_close_plugin(struct comm *m)
{
	struct plugin_comm *pc = of(m);

	plugin_comm_hang_up(m);
	strbuf_release(&pc->generated);
	instance_unref(pc->in);
	free(pc->comm.loss);
	free(pc);
}

static const struct comm_ops plugin_comm_ops = {
	.exec = comm_exec,
	.heeds_source = true,
	.upload = comm_upload,
	.upload_dir = comm_upload_dir,
	.download = comm_download,
	.download_dir = comm_download_dir,
	.upload_from = upload_from,
	.download_to = download_to,
	.close = comm_close_plugin,
};

bool plugin_comm_is(const struct comm *m)
{
	return m->ops == &plugin_comm_ops;
}

struct comm *plugin_comm_new(struct instance *in, uint32_t id, struct cancel *c, struct error **err)
{
	struct stream *s = broker_dial(plugin_process_broker(in->process), id, c, err);
	struct plugin_comm *pc;

	if (!s) {
		error_prefix(err, "cannot reach the communicator of the plugin %s",
			     plugin_process_name(in->process));
		return NULL;
	}
	pc = NEW(struct plugin_comm);
	*pc = (struct plugin_comm){
		.comm = { .ops = &plugin_comm_ops },
		.in = instance_ref(in),
		.caller = rpc_caller_new(s),
		.generated = STRBUF_INIT,
	};
	return &pc->comm;
}
