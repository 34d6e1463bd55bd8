/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Communicator: a plugin works on a machine that we reach (plugin-protocol.md
 * 6.8). One request after the other: the machine's communicator belongs to the
 * thread of the build.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/bridge.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "plugin/codec/exit_status.h"
#include "plugin/host/comm.h"
#include "plugin/host/serve.h"
#include "plugin/host/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, FAILED_STATUS = 123 };

/* A request, and what its answer needs. */
struct job {
	struct instance *in;
	struct comm *comm;
	struct rpc_server *server;
	const struct rpc_request *r;
	struct cancel *c;
	bool is_answered;
};

static int answer(struct job *j, const char *failure, struct error **err)
{
	if (j->is_answered)
		return 0;
	j->is_answered = true;
	return failure ? rpc_reply_error(j->server, j->r, failure, NULL, err)
		       : rpc_reply(j->server, j->r, NULL, NULL, err);
}

/* The stream that the plugin has a number for; NULL without error: it wants none. */
static struct stream *dial(struct job *j, const char *member, struct error **err)
{
	uint32_t id = 0;

	if (packed_uint32(packed_member(j->r->arg, member), &id, err) < 0 || !id)
		return NULL;
	return broker_dial(plugin_process_broker(j->in->process), id, j->c, err);
}

static int text_of(const struct job *j, const char *member, const char **ret, struct error **err)
{
	*ret = NULL;
	if (packed_text(packed_member(j->r->arg, member), ret, err) < 0)
		return -1;
	if (!*ret)
		*ret = "";
	return 0;
}

/* ---- commands ------------------------------------------------------------------------------------ */

struct command {
	struct job *j;
	struct stream *in, *out, *err, *response;
	bool is_deaf; /* it reads no more */
};

static void command_release(struct command *k)
{
	struct stream *all[] = { k->in, k->out, k->err, k->response };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			stream_close(all[i]);
}

static int dial_all(struct command *k, struct error **err)
{
	k->in = dial(k->j, "StdinStreamId", err);
	if (!*err)
		k->out = dial(k->j, "StdoutStreamId", err);
	if (!*err)
		k->err = dial(k->j, "StderrStreamId", err);
	if (!*err)
		k->response = dial(k->j, "ResponseStreamId", err);
	return *err ? -1 : 0;
}

static void pass_on(void *data, bool is_stderr, const void *bytes, size_t len)
{
	struct command *k = data;
	struct stream *s = is_stderr ? k->err : k->out;
	AUTO(error) struct error *e = NULL;

	if (!s || k->is_deaf)
		return;
	if (stream_write(s, bytes, len, DEADLINE_NEVER, k->j->c, &e) < 0) {
		error_ignore(&e, "whoever asked reads no more");
		k->is_deaf = true;
	}
}

static void has_started(void *data)
{
	struct command *k = data;
	AUTO(error) struct error *e = NULL;

	if (answer(k->j, NULL, &e) < 0)
		error_ignore(&e, "it has ended");
}

static ssize_t read_stdin(void *data, void *buf, size_t len, struct error **err)
{
	struct command *k = data;

	return stream_read_some(k->in, buf, len, err);
}

/* Input that comes while it runs goes the way that the communicator has for it. */
static int execute(struct command *k, const char *line, int *ret_status, struct error **err)
{
	struct comm *comm = k->j->comm;
	struct comm_source source = { .read = read_stdin, .data = k, .size = -1 };
	struct comm_cmd cmd = {
		.command = line,
		.output = pass_on,
		.output_data = k,
		.started = has_started,
		.started_data = k,
	};

	if (k->in) {
		source.fd = stream_fd(k->in);
		cmd.source = &source;
	}
	return bridge_exec(comm, &cmd, k->j->c, ret_status, err);
}

/* What went wrong once it had started is told where its output goes. */
static void tell_failure(struct command *k, const struct error *e)
{
	if (!k->err)
		return;
	pass_on(k, true, e->message, strlen(e->message));
	pass_on(k, true, "\n", 1);
}

static void tell_status(struct command *k, int status)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (!k->response)
		return;
	exit_status_write(&sb, status);
	if (stream_write(k->response, sb.buf, sb.len, DEADLINE_NEVER, k->j->c, &e) < 0)
		error_ignore(&e, "whoever asked reads no more");
}

static int start(struct job *j, struct error **err)
{
	struct command k = { .j = j };
	const char *line;
	int status = 0, r;

	r = text_of(j, "Command", &line, err) < 0 ? -1 : dial_all(&k, err);
	if (r == 0)
		r = execute(&k, line, &status, err);
	if (r < 0 && j->is_answered && (*err)->kind != ERROR_CANCELLED) {
		tell_failure(&k, *err);
		status = (*err)->kind == ERROR_DISCONNECTED ? COMM_DISCONNECTED : FAILED_STATUS;
		error_ignore(err, "whoever asked has been told");
		r = 0;
	}
	if (r == 0) {
		has_started(&k);
		tell_status(&k, status);
	}
	command_release(&k);
	return r;
}

/* ---- transfers ------------------------------------------------------------------------------------- */

static ssize_t read_stream(void *data, void *buf, size_t len, struct error **err)
{
	return stream_read_some(data, buf, len, err);
}

static int receive(struct stream *s, int fd, struct cancel *c, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(PIECE);
	ssize_t n;

	while ((n = stream_read(s, buf, PIECE, DEADLINE_NEVER, c, err)) > 0)
		if (transfer_write_fd(&fd, buf, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int upload_through_file(struct job *j, const struct comm_source *from, const char *dst,
			       struct error **err)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *path = NULL;
	int r;

	if (fs_temp_file(j->in->build->temp_dir, "transfer-", "", &path, &fd, err) < 0)
		return -1;

	struct comm_upload up = { .path = path, .mode = from->mode };

	r = receive(from->data, fd, j->c, err);
	if (r == 0)
		r = j->comm->ops->upload(j->comm, &up, dst, j->c, err);
	(void)unlink(path);
	return r;
}

/* The low bits of Go's file modes are the permissions. */
static int read_info(const struct job *j, struct comm_source *from, struct error **err)
{
	const struct packed *info = packed_member(j->r->arg, "FileInfo");
	int64_t mode = 0;

	from->mode = 0644;
	from->size = -1;
	if (!info || info->kind != PACKED_MAP)
		return 0;
	if (packed_text(packed_member(info, "N"), &from->name, err) < 0 ||
	    packed_int(packed_member(info, "S"), &from->size, err) < 0 ||
	    packed_int(packed_member(info, "M"), &mode, err) < 0)
		return -1;
	if (mode & 0777)
		from->mode = (mode_t)(mode & 0777);
	return 0;
}

static int upload(struct job *j, struct error **err)
{
	struct comm_source from = { .read = read_stream };
	const char *dst;
	AUTO(stream) struct stream *s = NULL;

	if (text_of(j, "Path", &dst, err) < 0 || read_info(j, &from, err) < 0)
		return -1;
	s = dial(j, "ReaderStreamId", err);
	if (!s)
		return *err ? -1 : error_set(err, ERROR_INVALID, "an upload without a stream");
	from.fd = stream_fd(s);
	from.data = s;
	if (j->comm->ops->upload_from)
		return j->comm->ops->upload_from(j->comm, &from, dst, j->c, err);
	return upload_through_file(j, &from, dst, err);
}

struct sending {
	struct stream *s;
	struct cancel *c;
};

static int send_bytes(void *data, const void *bytes, size_t len, struct error **err)
{
	struct sending *to = data;

	return stream_write(to->s, bytes, len, DEADLINE_NEVER, to->c, err);
}

static int send_file(int fd, struct sending *to, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(PIECE);
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot read what was downloaded");
	while ((n = fd_read(fd, buf, PIECE)) > 0)
		if (send_bytes(to, buf, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? error_set_errno(err, errno, "cannot read what was downloaded") : 0;
}

static int download_through_file(struct job *j, const char *src, struct sending *to,
				 struct error **err)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *path = NULL;
	int r;

	if (fs_temp_file(j->in->build->temp_dir, "transfer-", "", &path, &fd, err) < 0)
		return -1;
	r = j->comm->ops->download(j->comm, src, path, j->c, err);
	if (r == 0) {
		/* It may be another file by now. */
		fd_close(fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? error_set_errno(err, errno, "cannot read '%s'", path)
			   : send_file(fd, to, err);
	}
	(void)unlink(path);
	return r;
}

static int download(struct job *j, struct error **err)
{
	const char *src;
	AUTO(stream) struct stream *s = NULL;

	if (text_of(j, "Path", &src, err) < 0)
		return -1;
	s = dial(j, "WriterStreamId", err);
	if (!s)
		return *err ? -1 : error_set(err, ERROR_INVALID, "a download without a stream");

	struct sending to = { s, j->c };

	if (j->comm->ops->download_to)
		return j->comm->ops->download_to(j->comm, src, send_bytes, &to, j->c, err);
	return download_through_file(j, src, &to, err);
}

static int move_folder(struct job *j, bool is_up, struct error **err)
{
	const struct comm_ops *ops = j->comm->ops;
	const char *src, *dst;

	if (text_of(j, "Src", &src, err) < 0 || text_of(j, "Dst", &dst, err) < 0)
		return -1;
	return is_up ? ops->upload_dir(j->comm, src, dst, j->c, err)
		     : ops->download_dir(j->comm, src, dst, j->c, err);
}

/* ---- all -------------------------------------------------------------------------------------------- */

static int do_job(struct job *j, struct error **err)
{
	const char *what = strrchr(j->r->method, '.') + 1;

	if (text_eq(what, "Start"))
		return start(j, err);
	if (text_eq(what, "Upload"))
		return upload(j, err);
	if (text_eq(what, "Download"))
		return download(j, err);
	if (text_eq(what, "UploadDir"))
		return move_folder(j, true, err);
	if (text_eq(what, "DownloadDir"))
		return move_folder(j, false, err);
	return error_set(err, ERROR_INVALID, "rpc: can't find method %s", j->r->method);
}

int serve_comm(struct instance *in, struct comm *comm, struct rpc_server *s,
	       const struct rpc_request *r, struct cancel *c, struct error **err)
{
	struct job j = { .in = in, .comm = comm, .server = s, .r = r, .c = c };
	AUTO(error) struct error *e = NULL;
	int done = do_job(&j, &e);

	if (done < 0 && cancel_check(c, err) < 0) {
		AUTO(error) struct error *ignored = NULL;

		if (answer(&j, e->message, &ignored) < 0)
			error_ignore(&ignored, "it has ended, too");
		return -1;
	}
	return answer(&j, done < 0 ? e->message : NULL, err);
}
