/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation is a new channel on the one connection. If the channel
 * cannot be opened, the connection is made anew once, without retries: waiting
 * for a rebooting machine is the business of the caller.
 */
#include "comm/ssh/ssh.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/redact.h"
#include "base/str.h"
#include "comm/config.h"
#include "comm/key.h"
#include "comm/ssh/chan.h"
#include "comm/ssh/connect.h"
#include "comm/ssh/quick.h"
#include "comm/ssh/route.h"
#include "comm/ssh/scp.h"
#include "comm/ssh/sftp3.h"
#include "comm/ssh/shell.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/wait.h"

enum {
	RECONNECT_SEC = 60,
	REFUSALS_MAX = 4, /* of a session, before a new connection is tried */
};

enum method { METHOD_SCP, METHOD_SFTP };

struct ssh_comm {
	struct comm comm;
	const struct comm_config *cfg;
	struct dialer dialer;
	struct sshlink *link; /* NULL: lost, to be made again */
	enum method method;
	bool method_fixed; /* asked for by the user */
	struct quick quick;
};

static int reconnect(struct ssh_comm *m, struct cancel *c, struct error **err)
{
	struct probe_report report = { 0 };
	int64_t deadline = clock_deadline(RECONNECT_SEC * NSEC_PER_SEC);
	AUTO(error) struct error *e = NULL;

	quick_close(&m->quick);
	sshlink_free(m->link);
	m->link = NULL;
	if (dialer_dial(&m->dialer, true, deadline, c, &report, &m->link, &e) == 0) {
		log_debug("ssh", "connected again to %s port %d", m->dialer.host, m->dialer.port);
		return 0;
	}
	log_debug("ssh", "not connected again: %s", e->message);
	if (cancel_check(c, err) < 0)
		return -1;
	/* A caller that waits for the machine tries again after any of these. */
	if (e->kind == ERROR_TIMEOUT || e->kind == ERROR_IO)
		e->kind = ERROR_DISCONNECTED;
	error_move(err, TAKE(e));
	return error_prefix(err, "cannot connect again over SSH");
}

/* ---- operations, repeated once on a new connection ------------------------------------- */

struct operation {
	const char *verb; /* of a transfer: "upload" */
	const struct comm_cmd *cmd;
	int *ret_status;
	const struct comm_upload *up;
	struct comm_shell *shell;
	const char *src, *dst;
	bool started; /* the other side may have begun: do not repeat */
};
typedef int (*operation_fn)(struct ssh_comm *m, struct operation *o, struct cancel *c,
			    struct error **err);

/*
 * On the connection there is. A server that allows few sessions at a time refuses one while ours
 * that has just ended still counts: a round trip later it does not. 1: done, 0: a new connection
 * is needed, -1: error.
 */
static int on_this_link(struct ssh_comm *m, operation_fn fn, struct operation *o, struct cancel *c,
			struct error **err)
{
	for (int i = 0; i < REFUSALS_MAX && m->link && !m->link->lost; i++) {
		AUTO(error) struct error *e = NULL;

		if (m->quick.is_alone && quick_step_aside(&m->quick, c, err) < 0)
			return -1;
		m->link->refused = false;
		if (fn(m, o, c, &e) == 0)
			return 1;
		if (o->started || e->kind != ERROR_DISCONNECTED || cancel_check(c, err) < 0)
			return *err ? -1 : error_move(err, TAKE(e));
		if (!m->link->refused)
			return 0;
		/* Do not stand in the way. */
		if (quick_step_aside(&m->quick, c, err) < 0)
			return -1;
	}
	return 0;
}

static int on_link(struct ssh_comm *m, operation_fn fn, struct operation *o, struct cancel *c,
		   struct error **err)
{
	int r = on_this_link(m, fn, o, c, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	if (reconnect(m, c, err) < 0)
		return -1;
	return fn(m, o, c, err);
}

static int run_command(struct ssh_comm *m, struct operation *o, struct cancel *c,
		       struct error **err)
{
	AUTO(sshchan) struct sshchan *k = NULL;
	AUTO_FREE char *line = xasprintf("%s\n", o->cmd->command);
	AUTO(error) struct error *e = NULL;

	if (sshchan_open(m->link, &k, c, err) < 0)
		return -1;
	sshchan_set_output(k, o->cmd->output, o->cmd->output_data);
	if (m->cfg->ssh_pty && sshchan_request_pty(k, c, err) < 0)
		return -1;
	o->started = true;

	int r = sshchan_exec(k, line, c, &e);

	/* when it was us who failed, nobody knows */
	if (o->cmd->began && (r == 0 || e->os_errno))
		*o->cmd->began = true;
	if (r == 0 && o->cmd->started)
		o->cmd->started(o->cmd->started_data);
	if (r < 0 ||
	    (o->cmd->input_len && sshchan_write(k, o->cmd->input, o->cmd->input_len, c, &e) < 0) ||
	    sshchan_send_eof(k, c, &e) < 0) {
		if (e->kind == ERROR_DISCONNECTED && !cancel_is_triggered(c)) {
			*o->ret_status = COMM_DISCONNECTED;
			comm_set_loss(&m->comm, e->message);
			return 0;
		}
		/* A command may end without reading all of its input. */
		if (e->kind != ERROR_REMOTE || !k->closed)
			return error_move(err, TAKE(e));
	}

	r = sshchan_wait_exit(k, c, o->ret_status, err);
	if (r < 0)
		sshchan_end_command(k);
	if (k->loss)
		comm_set_loss(&m->comm, k->loss);
	return r;
}

static void drop_output(void *data, bool is_stderr, const void *bytes, size_t len)
{
}

static int ssh_exec(struct comm *comm, const struct comm_cmd *cmd, struct cancel *c,
		    int *ret_status, struct error **err)
{
	struct comm_cmd copy = *cmd;
	struct operation o = { .cmd = &copy, .ret_status = ret_status };

	if (!copy.output)
		copy.output = drop_output;
	return on_link((struct ssh_comm *)comm, run_command, &o, c, err);
}

static int run_shell(struct ssh_comm *m, struct operation *o, struct cancel *c, struct error **err)
{
	AUTO(sshchan) struct sshchan *k = NULL;
	int r;

	if (sshchan_open(m->link, &k, c, err) < 0)
		return -1;
	o->started = true;
	r = sshshell_run(k, o->shell, c, o->ret_status, err);
	if (r < 0)
		sshchan_end_command(k);
	if (k->loss)
		comm_set_loss(&m->comm, k->loss);
	return r;
}

static int ssh_open_shell(struct comm *comm, struct comm_shell *s, struct cancel *c,
			  int *ret_status, struct error **err)
{
	struct operation o = { .shell = s, .ret_status = ret_status };

	return on_link((struct ssh_comm *)comm, run_shell, &o, c, err);
}

static uint64_t bytes_moved(const struct ssh_comm *m)
{
	return m->link ? m->link->traffic.in_bytes + m->link->traffic.out_bytes : 0;
}

/* Bytes as they went over the connection. */
static void log_transfer(const struct ssh_comm *m, const struct operation *o, uint64_t bytes,
			 int64_t since, const struct error *e)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;
	const char *src = o->src ? o->src : o->up->path ? o->up->path : "(memory)";

	log_add_time(&time, since);
	log_write("ssh", "%s '%s' to '%s' with %s: %llu bytes%s%s%s", o->verb, src, o->dst,
		  m->method == METHOD_SCP ? "scp" : "sftp", (unsigned long long)bytes, time.buf,
		  e ? ", failed: " : "", e ? e->message : "");
}

/* Without a wish of the user the other method is tried when one is not installed. */
static int try_methods(struct ssh_comm *m, operation_fn fn, struct operation *o, struct cancel *c,
		       struct error **err)
{
	AUTO(error) struct error *e = NULL, *ignored = NULL;
	enum method first = m->method;

	if (on_link(m, fn, o, c, &e) == 0)
		return 0;
	if (m->method_fixed || e->kind != ERROR_NOT_FOUND || cancel_check(c, err) < 0)
		return *err ? -1 : error_move(err, TAKE(e));
	m->method = first == METHOD_SCP ? METHOD_SFTP : METHOD_SCP;
	if (on_link(m, fn, o, c, &ignored) == 0)
		return 0;
	if (ignored->kind == ERROR_NOT_FOUND) { /* neither: the first one's text */
		m->method = first;
		return error_move(err, TAKE(e));
	}
	return error_move(err, TAKE(ignored));
}

static int with_fallback(struct ssh_comm *m, operation_fn fn, struct operation *o, struct cancel *c,
			 struct error **err)
{
	const struct sshlink *before = m->link;
	uint64_t bytes = bytes_moved(m);
	int64_t since = clock_monotonic();
	int r = try_methods(m, fn, o, c, err);

	if (log_is_on)
		log_transfer(m, o, bytes_moved(m) - (m->link == before ? bytes : 0), since,
			     r < 0 ? *err : NULL);
	return r;
}

static int do_upload(struct ssh_comm *m, struct operation *o, struct cancel *c, struct error **err)
{
	if (m->method == METHOD_SCP)
		return scp_upload(m->link, o->up, o->dst, c, err);
	return sftp3_upload(m->link, o->up, o->dst, c, err);
}

static int do_upload_dir(struct ssh_comm *m, struct operation *o, struct cancel *c,
			 struct error **err)
{
	if (m->method == METHOD_SCP)
		return scp_upload_dir(m->link, o->src, o->dst, c, err);
	return sftp3_upload_dir(m->link, o->src, o->dst, c, err);
}

static int do_download(struct ssh_comm *m, struct operation *o, struct cancel *c,
		       struct error **err)
{
	if (m->method == METHOD_SCP)
		return scp_download(m->link, o->src, o->dst, c, err);
	return sftp3_download(m->link, o->src, o->dst, c, err);
}

static int do_download_dir(struct ssh_comm *m, struct operation *o, struct cancel *c,
			   struct error **err)
{
	/* Only a shell expands a pattern. */
	if (m->method == METHOD_SCP || strpbrk(o->src, "*?["))
		return scp_download_dir(m->link, o->src, o->dst, c, err);
	return sftp3_download_dir(m->link, o->src, o->dst, c, err);
}

static int ssh_upload(struct comm *comm, const struct comm_upload *up, const char *dst,
		      struct cancel *c, struct error **err)
{
	struct operation o = { .verb = "upload", .up = up, .dst = dst };

	return with_fallback((struct ssh_comm *)comm, do_upload, &o, c, err);
}

static int ssh_upload_dir(struct comm *comm, const char *src, const char *dst, struct cancel *c,
			  struct error **err)
{
	struct operation o = { .verb = "upload", .src = src, .dst = dst };

	return with_fallback((struct ssh_comm *)comm, do_upload_dir, &o, c, err);
}

static int ssh_download(struct comm *comm, const char *src, const char *dst, struct cancel *c,
			struct error **err)
{
	struct operation o = { .verb = "download", .src = src, .dst = dst };

	return with_fallback((struct ssh_comm *)comm, do_download, &o, c, err);
}

static int ssh_download_dir(struct comm *comm, const char *src, const char *dst, struct cancel *c,
			    struct error **err)
{
	struct operation o = { .verb = "download", .src = src, .dst = dst };

	if (fs_mkdir_all(dst, 0755, err) < 0)
		return -1;
	return with_fallback((struct ssh_comm *)comm, do_download_dir, &o, c, err);
}

static void log_put(const char *dst, size_t len, int64_t since)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, since);
	log_write("ssh", "wrote '%s' with sftp: %zu bytes%s", dst, len, time.buf);
}

/* Who asked for scp gets scp. */
static bool may_be_quick(const struct ssh_comm *m)
{
	return m->link && !m->link->lost && !(m->method_fixed && m->method == METHOD_SCP);
}

static int ssh_quick_put(struct comm *comm, const struct comm_upload *up, const char *dst,
			 struct cancel *c, struct error **err)
{
	struct ssh_comm *m = (struct ssh_comm *)comm;

	int64_t since = clock_monotonic();
	int r = may_be_quick(m) ? quick_put(&m->quick, m->link, up, dst, c, err) : 0;

	if (r > 0 && log_is_on)
		log_put(dst, up->len, since);
	return r;
}

static int ssh_quick_remove(struct comm *comm, const char *path, struct cancel *c,
			    struct error **err)
{
	struct ssh_comm *m = (struct ssh_comm *)comm;

	int r = may_be_quick(m) ? quick_remove(&m->quick, m->link, path, c, err) : 0;

	if (r > 0)
		log_debug("ssh", "removed '%s' with sftp", path);
	return r;
}

static int ssh_route(struct comm *comm, struct comm_route *ret, struct cancel *c,
		     struct error **err)
{
	struct ssh_comm *m = (struct ssh_comm *)comm;
	AUTO(error) struct error *e = NULL;

	/* Nobody has listened since the last operation. */
	if (m->link && !m->link->lost && sshlink_pump(m->link, &e) < 0)
		error_ignore(&e, "the connection is made again");
	if ((!m->link || m->link->lost) && reconnect(m, c, err) < 0)
		return -1;
	return sshroute_describe(&m->dialer, m->link, ret, err);
}

static void ssh_close(struct comm *comm)
{
	struct ssh_comm *m = (struct ssh_comm *)comm;

	quick_close(&m->quick);
	sshlink_free(m->link);
	dialer_release(&m->dialer);
	free(m);
}

static const struct comm_ops ssh_ops = {
	.exec = ssh_exec,
	.upload = ssh_upload,
	.upload_dir = ssh_upload_dir,
	.download = ssh_download,
	.download_dir = ssh_download_dir,
	.quick_put = ssh_quick_put,
	.quick_remove = ssh_quick_remove,
	.shell = ssh_open_shell,
	.route = ssh_route,
	.close = ssh_close,
};

static struct comm *ssh_comm_connect(const void *config, const struct comm_target *target,
				     struct build_ctx *ctx, struct cancel *c, struct error **err)
{
	struct ssh_comm *m = NEW(struct ssh_comm);
	AUTO(comm) struct comm *owner = &m->comm;

	m->comm.ops = &ssh_ops;
	m->cfg = config;
	m->method_fixed = !text_is_empty(m->cfg->ssh_file_transfer_method);
	m->method = text_eq(m->cfg->ssh_file_transfer_method, "sftp") ? METHOD_SFTP : METHOD_SCP;
	if (target->private_key && ctx->ui->redactor)
		redactor_add(ctx->ui->redactor, target->private_key, strlen(target->private_key));
	dialer_init(&m->dialer, m->cfg, target, ctx->environ);
	m->dialer.ui = ctx->ui;
	if (text_is_empty(m->dialer.host)) {
		error_set(err, ERROR_INVALID, "no address to connect to over SSH");
		error_hint(err, "Set ssh_host.");
		return NULL;
	}
	if (ssh_wait_connect(&m->dialer, ctx->ui, c, &m->link, err) < 0)
		return NULL;
	return TAKE(owner);
}

static void set_text(struct map *m, const char *name, const char *text)
{
	map_set(m, name, value_string(text ? text : ""));
}

/* provisioners.md 2.2 */
static void ssh_describe(const void *config, const struct comm_target *target, struct map *values)
{
	const struct comm_config *cfg = config;

	set_text(values, "User", cfg->ssh_username);
	set_text(values, "Password", cfg->ssh_password);
	set_text(values, "SSHPublicKey", target->public_key);
	set_text(values, "SSHPrivateKey", target->private_key);
	set_text(values, "SSHPrivateKeyFile",
		 cfg->ssh_private_key_file ? cfg->ssh_private_key_file : target->private_key_path);
	map_set(values, "SSHAgentAuth", value_bool(cfg->ssh_agent_auth));
	set_text(values, "WinRMPassword", cfg->winrm_password);
}

const struct comm_type comm_ssh = {
	.name = "ssh",
	.doc = "Runs commands and copies files over SSH.",
	.connect = ssh_comm_connect,
	.describe = ssh_describe,
};
