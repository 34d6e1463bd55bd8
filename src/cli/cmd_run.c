/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: boots a finished image on a throw-away overlay. One thread: it waits
 * for whatever comes first of a signal, the guest's end and the SSH client's.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/credential.h"
#include "builder/qemu/trial.h"
#include "cli/command.h"
#include "comm/key.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/signals.h"
#include "os/tty.h"
#include "os/wait.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SSH_PORT = 22,
	MAX_PORT = 65535,
	STOP_SECONDS = 2,
	EXIT_NO_SSH = 255, /* what ssh(1) itself says */
};

struct run_args {
	int64_t memory, cpus, ssh_port, timeout;
	struct strv forward;
	const char *console, *user, *key, *firmware, *accelerator, *binary;
	bool ssh, wait_ssh;
};

static const char *const firmwares[] = { "bios", "uefi", NULL };
static const char *const accelerators[] = { "kvm", "tcg", NULL };

static const struct option_spec run_options[] = {
	OPT_CHOICE(struct run_args, accelerator, "accelerator", accelerators,
		   "Default: kvm where a guest can run with it."),
	OPT_STRING(struct run_args, console, "console", "FILE",
		   "Keep the serial console in this file."),
	OPT_INT(struct run_args, cpus, "cpus", "N", "Virtual CPUs (default 2)."),
	OPT_CHOICE(struct run_args, firmware, "firmware", firmwares, "Default: bios."),
	OPT_STRINGS(struct run_args, forward, "forward", "HOST:GUEST",
		    "Forward a port; HOST 0 is any. May be repeated."),
	OPT_STRING(struct run_args, key, "key", "FILE", "For -ssh. Default: a temporary one."),
	OPT_INT(struct run_args, memory, "memory", "MIB", "Memory in MiB (default 1024)."),
	OPT_STRING(struct run_args, binary, "qemu-binary", "PROGRAM",
		   "The emulator (default qemu-system-x86_64)."),
	OPT_BOOL(struct run_args, ssh, "ssh", "Log in, or run COMMAND; end with its exit code."),
	OPT_INT(struct run_args, ssh_port, "ssh-port", "PORT",
		"Port for the guest's SSH; 0 (default) is any."),
	OPT_DURATION(struct run_args, timeout, "timeout", "DURATION",
		     "How long to wait for SSH (default 5m)."),
	OPT_STRING(struct run_args, user, "user", "NAME", "User to log in as (default root)."),
	OPT_BOOL(struct run_args, wait_ssh, "wait-ssh", "Print a line when SSH answers."),
	OPT_END,
};

/* All of one run. */
struct run {
	struct command_ctx *ctx;
	struct run_args args;
	const char *image;
	char *const *command; /* after --, may be empty */
	int command_len;

	int signal_fd;
	struct journal *journal;
	uint64_t temp_id;
	char *temp_dir;
	struct keypair *key;
	char *key_file;
	char *credential;
	struct trial_forwards forwards; /* the first one is SSH */
	struct trial trial;
	struct cancel *told;  /* ends with a signal */
	struct cancel *alive; /* … or with the guest */
};

/* ---- arguments -------------------------------------------------------------------------- */

static bool parse_port(struct str text, int min, int *ret)
{
	AUTO_FREE char *s = str_dup(text);
	int64_t n;

	if (!parse_int64(s, 10, &n) || n < min || n > MAX_PORT)
		return false;
	*ret = (int)n;
	return true;
}

static int parse_forward(struct run *r, const char *text, struct error **err)
{
	struct str guest;
	struct str host = str_split(str_of(text), ':', &guest);
	struct trial_forward f;

	if (!parse_port(host, 0, &f.host) || !parse_port(guest, 1, &f.guest))
		return error_set(err, ERROR_INVALID,
				 "invalid value \"%s\" for flag -forward: expected HOST:GUEST, "
				 "two port numbers",
				 text);
	*vec_push(&r->forwards) = f;
	return 0;
}

static int check_args(struct run *r, struct error **err)
{
	const struct run_args *a = &r->args;

	if (a->ssh_port < 0 || a->ssh_port > MAX_PORT)
		return error_set(err, ERROR_INVALID, "invalid value for flag -ssh-port: no port");
	if (a->memory < 16 || a->cpus < 1)
		return error_set(err, ERROR_INVALID, "a guest needs at least 16 MiB and one CPU");
	*vec_push(&r->forwards) =
		(struct trial_forward){ .host = (int)a->ssh_port, .guest = SSH_PORT };
	for (size_t i = 0; i < a->forward.len; i++)
		if (parse_forward(r, a->forward.v[i], err) < 0)
			return -1;
	if (a->key && !fs_exists(a->key))
		return error_set(err, ERROR_NOT_FOUND, "key '%s' does not exist", a->key);
	return 0;
}

/* Flags may stand before and after the image; what follows -- is the command. */
static int parse_args(struct run *r, struct error **err)
{
	int argc = r->ctx->argc;
	char *const *argv = r->ctx->argv;
	int first, more;

	if (options_parse(run_options, argc, argv, &r->args, &first, err) < 0)
		return -1;
	if (first >= argc || (first > 0 && !strcmp(argv[first - 1], "--")))
		return error_set(err, ERROR_INVALID, "which image?");
	r->image = argv[first++];
	if (options_parse(run_options, argc - first, argv + first, &r->args, &more, err) < 0)
		return -1;
	more += first;
	if (more < argc && strcmp(argv[more - 1], "--") != 0)
		return error_set(err, ERROR_INVALID, "one image at a time: '%s' is too many",
				 argv[more]);
	r->command = argv + more;
	r->command_len = argc - more;
	if (r->command_len && !r->args.ssh)
		return error_set(err, ERROR_INVALID, "a command needs -ssh");
	return check_args(r, err);
}

/* ---- set up -------------------------------------------------------------------------------- */

static int on_signal(void *data, struct error **err)
{
	struct run *r = data;

	enum signal_kind kind = signals_read(r->signal_fd);

	if (kind != SIGNAL_INTERRUPT && kind != SIGNAL_TERMINATE)
		return 0;
	cancel_trigger(r->told); /* it stays told */
	return error_set(err, ERROR_CANCELLED, "interrupted");
}

static int on_guest(void *data, struct error **err)
{
	struct run *r = data;

	return guest_check(r->trial.guest, false, err);
}

static int open_run(struct run *r, struct error **err)
{
	const struct host_dirs *dirs = &r->ctx->dirs;
	char id[UUID_TEXT];

	random_uuid(id);
	if (signals_open(&r->signal_fd, err) < 0)
		return -1;
	r->told = cancel_new(NULL, DEADLINE_NEVER);
	cancel_watch(r->told, r->signal_fd, on_signal, r);
	r->alive = cancel_new(r->told, DEADLINE_NEVER);
	if (journal_open(dirs->state, id, &r->journal, err) < 0)
		return -1;

	AUTO_FREE char *name = xasprintf("ingot-run-%s", id);

	r->temp_dir = path_join(dirs->temp, name);
	if (journal_path(r->journal, r->temp_dir, &r->temp_id, err) < 0)
		return -1;
	return fs_mkdir_all(r->temp_dir, 0700, err);
}

/* Without a key of the user's the guest gets one of ours, if it takes such gifts. */
static int make_key(struct run *r, struct error **err)
{
	const char *pem;

	if (r->args.key || !r->args.ssh)
		return 0;
	if (keypair_generate("ed25519", 0, &r->key, err) < 0)
		return -1;
	pem = r->key->private_pem;
	r->key_file = path_join(r->temp_dir, "key");
	if (credential_is_possible(r->args.binary))
		r->credential = credential_smbios(r->args.user, r->key->public_line);
	return fs_write(r->key_file, pem, strlen(pem), 0600, err);
}

static int boot(struct run *r, struct error **err)
{
	const struct trial_spec spec = {
		.image = r->image,
		.binary = r->args.binary,
		.memory = r->args.memory,
		.cpus = r->args.cpus,
		.uefi = text_eq(r->args.firmware, "uefi"),
		.accelerator = r->args.accelerator,
		.console = r->args.console,
		.credential = r->credential,
		.forwards = &r->forwards,
		.temp_dir = r->temp_dir,
		.dirs = &r->ctx->dirs,
		.journal = r->journal,
		.environ = r->ctx->environ,
		.cwd = r->ctx->cwd,
	};

	if (trial_start(&r->trial, &spec, r->told, err) < 0)
		return -1;
	cancel_watch(r->alive, guest_watch_fd(r->trial.guest), on_guest, r);
	return 0;
}

static void announce(struct run *r)
{
	const struct trial_forward *f = r->forwards.items;

	if (r->trial.why_slow)
		fprintf(stderr, "No hardware acceleration, the guest is emulated in software: %s\n",
			r->trial.why_slow);
	fprintf(stderr, "Running %s (%s) on a throw-away overlay.\n", r->image,
		r->trial.info.format);
	fprintf(stderr, "SSH: ssh -p %d %s@127.0.0.1\n", f[0].host, r->args.user);
	for (size_t i = 1; i < r->forwards.len; i++)
		fprintf(stderr, "Port %d of the guest: 127.0.0.1:%d\n", f[i].guest, f[i].host);
	fprintf(stderr, "Serial console: %s\n", r->trial.console);
}

/* ---- the SSH client ---------------------------------------------------------------------- */

static void ssh_argv(const struct run *r, struct strv *argv)
{
	const char *key = r->args.key ? r->args.key : r->key_file;

	strv_pushl(argv, "ssh", "-p", NULL);
	strv_pushf(argv, "%d", r->forwards.items[0].host);
	/* the host key was made moments ago, and the next guest on this port has another */
	strv_pushl(argv, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		   "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-i", key, NULL);
	if (r->command_len)
		strv_pushl(argv, "-o", "BatchMode=yes", NULL);
	strv_pushf(argv, "%s@127.0.0.1", r->args.user);
	for (int i = 0; i < r->command_len; i++)
		strv_push(argv, r->command[i]);
}

/* A client that reads the terminal must be its foreground job. */
static void give_terminal(pid_t group)
{
	if (!tty_is_terminal(STDIN_FILENO))
		return;
	(void)signal(SIGTTOU, SIG_IGN);
	(void)tcsetpgrp(STDIN_FILENO, group);
	(void)kill(-group, SIGCONT); /* it may have tried to read before */
}

static int start_ssh(struct run *r, struct proc *p, uint64_t *ret_id, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct proc_spec spec = { .argv = &argv,
				  .env = &env,
				  .in = PROC_INHERIT,
				  .out = PROC_INHERIT,
				  .err = PROC_INHERIT };

	ssh_argv(r, &argv);
	strv_pushv(&env, r->ctx->environ);
	if (journal_process(r->journal, "ssh", &env, ret_id, err) < 0)
		return -1;
	if (proc_start(p, &spec, err) < 0) {
		if ((*err)->kind == ERROR_NOT_FOUND)
			error_hint(err, "the Debian package openssh-client brings it");
		return -1;
	}
	return journal_started(r->journal, *ret_id, p->pid, err);
}

static int log_in(struct run *r, int *ret_status, struct error **err)
{
	struct proc p = PROC_INIT;
	uint64_t id = 0;
	int result = start_ssh(r, &p, &id, err);

	if (result == 0) {
		give_terminal(p.pid);
		/* not r->alive: when the guest ends, the client says so itself */
		result = proc_wait(&p, DEADLINE_NEVER, r->told, ret_status, err);
		give_terminal(getpgrp());
	}
	proc_stop(&p, STOP_SECONDS * NSEC_PER_SEC);
	journal_done(r->journal, id);
	return result;
}

/* ---- the run -------------------------------------------------------------------------------- */

static int wait_for_ssh(struct run *r, struct error **err)
{
	int64_t began = clock_monotonic();
	AUTO(strbuf) struct strbuf took = STRBUF_INIT;

	if (trial_wait_ssh(&r->trial, r->forwards.items[0].host, clock_deadline(r->args.timeout),
			   r->alive, err) < 0)
		return -1;
	duration_format_words(&took, clock_monotonic() - began);
	if (r->args.wait_ssh) {
		printf("SSH answers on 127.0.0.1:%d after %s\n", r->forwards.items[0].host,
		       took.buf);
		(void)fflush(stdout);
	}
	return 0;
}

static int wait_for_end(struct run *r, struct error **err)
{
	guest_expect_end(r->trial.guest);
	return guest_wait_end(r->trial.guest, DEADLINE_NEVER, r->told, err);
}

static int run_guest(struct run *r, int *ret_status, struct error **err)
{
	if (open_run(r, err) < 0 || make_key(r, err) < 0 || boot(r, err) < 0)
		return -1;
	announce(r);
	if ((r->args.ssh || r->args.wait_ssh) && wait_for_ssh(r, err) < 0)
		return -1;
	return r->args.ssh ? log_in(r, ret_status, err) : wait_for_end(r, err);
}

static void close_run(struct run *r)
{
	AUTO(error) struct error *e = NULL;

	trial_release(&r->trial);
	if (r->temp_id && fs_remove_tree(r->temp_dir, &e) < 0)
		command_error(r->ctx, "warning: %s", e->message);
	else if (r->temp_id)
		journal_done(r->journal, r->temp_id);
	journal_close(r->journal);
	cancel_free(r->alive);
	cancel_free(r->told);
	fd_close(r->signal_fd);
	keypair_free(r->key);
	free(r->key_file);
	free(r->credential);
	free(r->temp_dir);
	vec_release(&r->forwards);
	strv_release(&r->args.forward);
}

/* To be told to end is a way to end; so is a guest that powers itself off. */
static int exit_code(struct run *r, const struct error *e, int status)
{
	if (!e)
		return status;
	if (e->kind == ERROR_CANCELLED && !r->args.ssh)
		return EXIT_OK;
	command_print_error(r->ctx, e);
	return r->args.ssh && e->kind == ERROR_TIMEOUT ? EXIT_NO_SSH : EXIT_ERROR;
}

static int run(struct command_ctx *ctx)
{
	struct run r = { .ctx = ctx,
			 .signal_fd = -1,
			 .args = { .memory = 1024,
				   .cpus = 2,
				   .timeout = 5 * 60 * NSEC_PER_SEC,
				   .firmware = "bios",
				   .user = "root",
				   .binary = "qemu-system-x86_64",
				   .forward = STRV_INIT } };
	struct error *e = NULL;
	int status = EXIT_OK;

	if (parse_args(&r, &e) < 0) {
		vec_release(&r.forwards);
		strv_release(&r.args.forward);
		return command_usage_error(ctx, e);
	}
	if (run_guest(&r, &status, &e) == 0)
		assert(!e);
	status = exit_code(&r, e, status);
	error_free(e);
	close_run(&r);
	return status;
}

const struct command command_run = {
	.name = "run",
	.synopsis = "boot a finished image and throw the guest away",
	.usage = "[options] IMAGE [-- COMMAND…]",
	.doc = "Boots a disk image with QEMU on a throw-away overlay: the image itself is not\n"
	       "changed. Ends when the guest powers off, when it is interrupted, or with the\n"
	       "login or command of -ssh, and leaves nothing behind.\n\n"
	       "The temporary key reaches guests whose sshd looks for keys in\n"
	       "/run/ingot/authorized_keys.d (images of the bootstrap builder do).",
	.options = run_options,
	.run = run,
};
