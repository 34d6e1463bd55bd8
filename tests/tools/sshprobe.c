/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the SSH communicator from tests:
 *
 *   sshprobe [NAME=VALUE]... VERB ARGUMENT... [+ VERB ARGUMENT...]...
 *
 * Verbs: exec CMD, input CMD FILE, upload SRC DST, text TEXT DST, updir SRC DST,
 * download SRC DST, downdir SRC DST, mark FILE (creates it), shell [CMD] (on our
 * standard input and output, as a person has it), proxy CMD (runs it here, with
 * an SSH server in front of the communicator: $PROXY_PORT, $PROXY_KEY). What commands
 * print goes to our stdout and stderr; every command adds "[status N]" to
 * stderr. The first failure ends it: "[error KIND] TEXT", "[hint] TEXT", 1.
 */
#include "base/duration.h"
#include "base/str.h"
#include "cli/foreground.h"
#include "comm/config.h"
#include "comm/proxy/proxy.h"
#include "comm/ssh/ssh.h"
#include "os/clock.h"
#include "os/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct cancel *root;

static void on_term(int sig)
{
	cancel_trigger(root);
}

static void say(struct event_sink *sink, const struct event *ev)
{
	if (ev->text)
		fprintf(stderr, "[ui] %s\n", ev->text);
}

struct probe_args {
	struct comm_config cfg;
	struct comm_target target;
	struct strbuf key;
	int64_t cancel_after;
	const char *cipher[2], *local[2], *remote[2];
};

static int64_t number(const char *s)
{
	int64_t n = 0;

	if (!parse_int64(s, 10, &n))
		fprintf(stderr, "bad number %s\n", s);
	return n;
}

static void set_text(struct probe_args *a, const char *name, const char *value)
{
	struct comm_config *c = &a->cfg;
	const struct {
		const char *name, **at;
	} texts[] = {
		{ "host", &a->target.host },
		{ "user", &c->ssh_username },
		{ "password", &c->ssh_password },
		{ "keyfile", &c->ssh_private_key_file },
		{ "cert", &c->ssh_certificate_file },
		{ "method", &c->ssh_file_transfer_method },
		{ "cipher", &a->cipher[0] },
		{ "bastion", &c->ssh_bastion_host },
		{ "bastion_user", &c->ssh_bastion_username },
		{ "bastion_key", &c->ssh_bastion_private_key_file },
		{ "proxy", &c->ssh_proxy_host },
		{ "proxy_user", &c->ssh_proxy_username },
		{ "proxy_password", &c->ssh_proxy_password },
		{ "local", &a->local[0] },
		{ "remote", &a->remote[0] },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (text_eq(name, texts[i].name))
			*texts[i].at = value;
}

static void set_number(struct probe_args *a, const char *name, const char *value)
{
	struct comm_config *c = &a->cfg;
	const struct {
		const char *name;
		int64_t *at, unit;
	} numbers[] = {
		{ "timeout_ms", &c->ssh_timeout, NSEC_PER_MSEC },
		{ "attempts", &c->ssh_handshake_attempts, 1 },
		{ "keepalive_ms", &c->ssh_keep_alive_interval, NSEC_PER_MSEC },
		{ "silence_ms", &c->ssh_read_write_timeout, NSEC_PER_MSEC },
		{ "pause_ms", &c->pause_before_connecting, NSEC_PER_MSEC },
		{ "cancel_ms", &a->cancel_after, NSEC_PER_MSEC },
		{ "bastion_port", &c->ssh_bastion_port, 1 },
		{ "proxy_port", &c->ssh_proxy_port, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (text_eq(name, numbers[i].name))
			*numbers[i].at = number(value) * numbers[i].unit;
	if (text_eq(name, "port"))
		a->target.port = (int)number(value);
	if (text_eq(name, "agent"))
		c->ssh_agent_auth = true;
	if (text_eq(name, "pty"))
		c->ssh_pty = true;
	if (text_eq(name, "noforward"))
		c->ssh_disable_agent_forwarding = true;
}

static int set_key(struct probe_args *a, const char *name, const char *value)
{
	struct error *e = NULL;

	if (!text_eq(name, "keymem"))
		return 0;
	if (fs_read(value, FS_READ_MAX, &a->key, &e) < 0) {
		fprintf(stderr, "%s\n", e->message);
		return -1;
	}
	a->target.private_key = a->key.buf;
	return 0;
}

static void output(void *data, bool is_stderr, const void *bytes, size_t len)
{
	FILE *f = is_stderr ? stderr : stdout;

	fwrite(bytes, 1, len, f);
	fflush(f);
}

struct verb {
	struct comm *m;
	struct build_ctx *ctx;
	char **arg;
	int n;
};

static int run_exec(struct verb *v, const char *input, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct comm_cmd cmd = { .command = v->arg[1], .output = output };
	int status;

	if (input && fs_read(input, FS_READ_MAX, &text, err) < 0)
		return -1;
	cmd.input = input ? text.buf : NULL;
	cmd.input_len = text.len;
	if (v->m->ops->exec(v->m, &cmd, root, &status, err) < 0)
		return -1;
	fprintf(stderr, "[status %d]\n", status);
	return 0;
}

static int run_transfer(struct verb *v, struct error **err)
{
	const struct comm_ops *ops = v->m->ops;
	struct comm_upload up = { .path = v->arg[1] };

	if (text_eq(v->arg[0], "upload"))
		return ops->upload(v->m, &up, v->arg[2], root, err);
	if (text_eq(v->arg[0], "text")) {
		up = (struct comm_upload){ .data = v->arg[1], .len = strlen(v->arg[1]) };
		return ops->upload(v->m, &up, v->arg[2], root, err);
	}
	if (text_eq(v->arg[0], "updir"))
		return ops->upload_dir(v->m, v->arg[1], v->arg[2], root, err);
	if (text_eq(v->arg[0], "download"))
		return ops->download(v->m, v->arg[1], v->arg[2], root, err);
	if (text_eq(v->arg[0], "downdir"))
		return ops->download_dir(v->m, v->arg[1], v->arg[2], root, err);
	return error_set(err, ERROR_INVALID, "unknown verb '%s'", v->arg[0]);
}

static int run_shell(struct verb *v, struct error **err)
{
	struct foreground f = FOREGROUND_INIT;
	bool hung_up = false;
	int status = 0, r = foreground_open(&f, err);

	if (r == 0)
		r = foreground_shell(&f, v->m, v->n > 1 ? v->arg[1] : NULL, f.told, &status,
				     &hung_up, err);
	if (r == 0)
		fprintf(stderr, "[status %d]%s\n", status, hung_up ? " [hung up]" : "");
	if (r == 0 && v->m->loss && !hung_up)
		fprintf(stderr, "[loss %s]\n", v->m->loss);
	foreground_release(&f);
	return r;
}

static void show_line(void *data, bool is_stderr, const char *line)
{
	FILE *f = is_stderr ? stderr : stdout;

	fprintf(f, "%s\n", line);
	fflush(f);
}

static const char *setting(const struct verb *v, const char *name)
{
	return env_get(v->ctx->environ, name);
}

static int run_proxy(struct verb *v, struct error **err)
{
	AUTO(proxy) struct proxy *p = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct proxy_options o = {
		.user = "ansible",
		.key_type = setting(v, "KEY_TYPE"),
		.sftp_command = setting(v, "SFTP_COMMAND"),
		.authorized_key_file = setting(v, "AUTHORIZED_KEY"),
		.host_key_file = setting(v, "HOST_KEY"),
		.port = setting(v, "WANT_PORT") ? (int)number(setting(v, "WANT_PORT")) : 0,
	};
	struct proc_run run = { .spec = { .argv = &argv, .env = &env }, .line = show_line };
	int status = 0;

	if (proxy_start(&o, v->m, v->ctx, &p, err) < 0)
		return -1;
	strv_pushl(&argv, "/bin/sh", "-c", v->arg[1], NULL);
	strv_pushv(&env, v->ctx->environ);
	strv_pushf(&env, "PROXY_PORT=%d", proxy_port(p));
	strv_pushf(&env, "PROXY_KEY=%s", proxy_key_file(p) ? proxy_key_file(p) : "");
	strv_pushf(&env, "PROXY_HOST_KEY=%s", proxy_host_key(p));
	if (proxy_run(p, &run, root, &status, err) < 0)
		return -1;
	fprintf(stderr, "[status %d]\n", status);
	if (proxy_trouble(p))
		fprintf(stderr, "[trouble] %s\n", proxy_trouble(p));
	return 0;
}

static int run_verb(struct verb *v, struct error **err)
{
	if (text_eq(v->arg[0], "exec") && v->n == 2)
		return run_exec(v, NULL, err);
	if (text_eq(v->arg[0], "input") && v->n == 3)
		return run_exec(v, v->arg[2], err);
	if (text_eq(v->arg[0], "mark") && v->n == 2)
		return fs_write(v->arg[1], "", 0, 0600, err);
	if (text_eq(v->arg[0], "shell"))
		return run_shell(v, err);
	if (text_eq(v->arg[0], "proxy") && v->n == 2)
		return run_proxy(v, err);
	if (v->n == 3)
		return run_transfer(v, err);
	return error_set(err, ERROR_INVALID, "wrong use of '%s'", v->arg[0]);
}

static int run_verbs(struct comm *m, struct build_ctx *ctx, char **argv, struct error **err)
{
	while (*argv) {
		struct verb v = { m, ctx, argv, 0 };

		while (argv[v.n] && !text_eq(argv[v.n], "+"))
			v.n++;
		if (v.n && run_verb(&v, err) < 0)
			return -1;
		argv += v.n + (argv[v.n] ? 1 : 0);
	}
	return 0;
}

static int run(struct probe_args *a, char **argv, char **environ_, struct error **err)
{
	struct event_sink sink = { .emit = say };
	struct ui ui = { .sink = &sink, .build = -1 };
	const char *temp_dir = env_get(environ_, "TMPDIR");
	struct build_ctx ctx = { .ui = &ui,
				 .environ = environ_,
				 .temp_dir = temp_dir ? temp_dir : "/tmp" };
	AUTO(comm) struct comm *m = comm_ssh.connect(&a->cfg, &a->target, &ctx, root, err);

	if (!m)
		return -1;
	return run_verbs(m, &ctx, argv, err);
}

int main(int argc, char **argv, char **envp)
{
	struct probe_args a = {
		.cfg = { .ssh_username = "root",
			 .ssh_timeout = 10 * NSEC_PER_SEC,
			 .ssh_handshake_attempts = 2,
			 .ssh_keep_alive_interval = 5 * NSEC_PER_SEC },
		.target = { .host = "127.0.0.1", .port = 22 },
		.key = STRBUF_INIT,
	};
	struct error *e = NULL;

	for (argv++; *argv && strchr(*argv, '='); argv++) {
		char *value = strchr(*argv, '=');

		*value++ = '\0';
		set_text(&a, *argv, value);
		set_number(&a, *argv, value);
		if (set_key(&a, *argv, value) < 0)
			return 2;
	}
	a.cfg.ssh_ciphers = (struct text_list){ a.cipher, a.cipher[0] ? 1 : 0 };
	a.cfg.ssh_local_tunnels = (struct text_list){ a.local, a.local[0] ? 1 : 0 };
	a.cfg.ssh_remote_tunnels = (struct text_list){ a.remote, a.remote[0] ? 1 : 0 };
	root = cancel_new(NULL, DEADLINE_NEVER);
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);

	int r = run(&a, argv, envp, &e);

	if (r < 0) {
		fprintf(stderr, "[error %s] %s\n", error_kind_name(e->kind), e->message);
		if (e->hint)
			fprintf(stderr, "[hint] %s\n", e->hint);
	}
	error_free(e);
	strbuf_release(&a.key);
	cancel_free(root);
	return r < 0;
}
