/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: a shell in the machine of a build that failed, as it was before the step that did. One
 * thread, as in cmd_run.c. What it says goes to standard error: standard output is the shell's.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/docker/attach.h"
#include "builder/qemu/attach.h"
#include "builder/qemu/resume.h"
#include "cli/attach_pick.h"
#include "cli/cache_args.h"
#include "cli/foreground.h"
#include "comm/ssh/ssh.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/random.h"
#include "os/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_LOST = 255, /* as ssh(1) */
	PASSWORDS_MAX = 3,
	END_GRACE_SECONDS = 3,
};

struct attach_args {
	const char *build, *key;
	int64_t step;
	bool list;
};

static const struct option_spec attach_options[] = {
	OPT_STRING(struct attach_args, build, "build", "NAME", "Of several builds that failed."),
	OPT_STRING(struct attach_args, key, "key", "FILE",
		   "SSH key, where the guest knows none of ours."),
	OPT_BOOL(struct attach_args, list, "list", "List what can be attached to."),
	OPT_INT(struct attach_args, step, "step", "N",
		"Before this provisioner, not the one that failed."),
	OPT_END,
};

/* All of one session. */
struct session {
	struct command_ctx *ctx;
	struct attach_args args;
	const char *run;
	char *command; /* NULL: a shell */

	struct foreground front;
	struct store *store;
	struct attach_target target;
	struct journal *journal;
	uint64_t temp_id;
	char *temp_dir;
	struct event_sink sink;
	struct ui ui;
	struct build_ctx build;
	struct attach machine;
	bool is_container;
	struct attach_container container;
	char *password;       /* wiped */
	struct cancel *alive; /* ends with a signal or the guest */
	struct comm *comm;
};

/* ---- arguments ---------------------------------------------------------------------------- */

static bool ends_flags(char *const *argv, int at)
{
	return at > 0 && !strcmp(argv[at - 1], "--");
}

/* Flags may stand before and after the run; what follows -- is the command, one line as with ssh(1). */
static int parse_args(struct session *s, struct error **err)
{
	int argc = s->ctx->argc, first, more;
	char *const *argv = s->ctx->argv;
	AUTO(strv) struct strv words = STRV_INIT;

	if (options_parse(attach_options, argc, argv, &s->args, &first, err) < 0)
		return -1;
	if (first < argc && !ends_flags(argv, first)) {
		s->run = argv[first++];
		if (options_parse(attach_options, argc - first, argv + first, &s->args, &more,
				  err) < 0)
			return -1;
		first += more;
		if (first < argc && !ends_flags(argv, first))
			return error_set(err, ERROR_INVALID,
					 "one run at a time: '%s' is too many (a command "
					 "follows --)",
					 argv[first]);
	}
	for (int i = first; i < argc; i++)
		strv_push(&words, argv[i]);
	if (words.len)
		s->command = strv_join(&words, " ");
	if (s->args.step < 0)
		return error_set(err, ERROR_INVALID,
				 "invalid value for flag -step: steps are "
				 "counted from 1");
	if (s->args.list && (s->run || s->command))
		return error_set(err, ERROR_INVALID, "-list takes no run and no command");
	return 0;
}

/* ---- set up ------------------------------------------------------------------------------------ */

static void show(struct event_sink *sink, const struct event *ev)
{
	if (ev->kind == EVENT_ERROR)
		fprintf(stderr, "%s\n", ev->text);
}

static int ask(struct event_sink *sink, const struct event *ev, struct cancel *c, char **ret_line,
	       struct error **err)
{
	AUTO_FREE char *question = xasprintf("%s ", ev->text);

	return foreground_ask(question, ev->hidden, c, ret_line, err);
}

static int make_temp_dir(struct session *s, struct error **err)
{
	char id[UUID_TEXT];
	AUTO_FREE char *name = NULL;

	random_uuid(id);
	if (journal_open(s->ctx->dirs.state, id, &s->journal, err) < 0)
		return -1;
	name = xasprintf("ingot-attach-%s", id);
	s->temp_dir = path_join(s->ctx->dirs.temp, name);
	if (journal_path(s->journal, s->temp_dir, &s->temp_id, err) < 0)
		return -1;
	return fs_mkdir_all(s->temp_dir, 0700, err);
}

static int open_session(struct session *s, struct error **err)
{
	const struct attach_wish wish = { s->run, s->args.build, s->args.step };

	if (foreground_open(&s->front, err) < 0 ||
	    cache_open_existing(s->ctx, &s->store, err) < 0 ||
	    attach_pick(s->ctx, &wish, s->store, s->front.told, &s->target, err) < 0)
		return -1;
	if (make_temp_dir(s, err) < 0)
		return -1;
	s->sink = (struct event_sink){ .emit = show, .ask = ask };
	s->ui = (struct ui){ .sink = &s->sink, .redactor = s->ctx->redactor, .build = -1 };
	s->build = (struct build_ctx){
		.ui = &s->ui,
		.cancel = s->front.told,
		.journal = s->journal,
		.dirs = &s->ctx->dirs,
		.cwd = s->ctx->cwd,
		.temp_dir = s->temp_dir,
		.source_date_epoch = -1,
		.environ = s->ctx->environ,
		.store = s->store,
	};
	return 0;
}

/* ---- to the guest ---------------------------------------------------------------------------------- */

static int on_guest(void *data, struct error **err)
{
	struct session *s = data;

	return guest_check(s->machine.guest, s->comm != NULL, err);
}

static void watch_guest(struct session *s)
{
	cancel_watch(s->alive, guest_watch_fd(s->machine.guest), on_guest, s);
}

static int boot_instead(struct session *s, const char *why, struct error **err)
{
	fprintf(stderr, "Booting its disk, which takes a while: %s\n", why);
	cancel_watch(s->alive, -1, NULL, NULL);
	if (attach_boot(&s->machine, why, &s->build, err) < 0)
		return -1;
	watch_guest(s);
	return 0;
}

/* Without one that the guest knows, or a file or agent that may have it. */
static bool has_key(const struct session *s)
{
	return s->machine.saved.private_pem || s->machine.comm.ssh_private_key_file ||
	       s->machine.comm.ssh_agent_auth;
}

static int ask_password(struct session *s, struct error **err)
{
	AUTO_FREE char *question = xasprintf("Password of '%s' in the guest:",
					     s->machine.saved.user ? s->machine.saved.user : "");
	const char *given = command_env("ATTACH_PASSWORD");

	if (given && !s->password) {
		s->password = xstrdup(given);
		redactor_add(s->ctx->redactor, given, strlen(given));
		return 0;
	}
	secret_free(TAKE(s->password));
	if (ui_ask_hidden(&s->ui, question, s->alive, &s->password, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_NOT_FOUND)
		return -1;
	error_ignore(err, "said better below");
	error_set(err, ERROR_AUTH,
		  "the guest wants a password, and there is no terminal to ask for "
		  "it");
	return error_hint(err, "set INGOT_ATTACH_PASSWORD, or name a key with -key");
}

static void choose_login(struct session *s)
{
	struct comm_config *c = &s->machine.comm;

	if (s->args.key)
		c->ssh_private_key_file = s->args.key;
	c->ssh_agent_auth = !s->machine.saved.private_pem && !c->ssh_private_key_file &&
			    getenv("SSH_AUTH_SOCK");
	c->ssh_password = s->password;
}

static int log_in(struct session *s, struct error **err)
{
	choose_login(s);
	s->comm = comm_ssh.connect(&s->machine.comm, &s->machine.target, &s->build, s->alive, err);
	return s->comm ? 0 : -1;
}

/* A machine with its memory answers at once, or never will. */
static int reach(struct session *s, struct error **err)
{
	if (log_in(s, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_TIMEOUT || !s->machine.has_memory)
		return -1;
	error_ignore(err, "its disk may do better");
	if (boot_instead(s, "it does not answer over SSH", err) < 0)
		return -1;
	return log_in(s, err);
}

static int connect_guest(struct session *s, struct error **err)
{
	choose_login(s);
	if (!has_key(s) && ask_password(s, err) < 0)
		return -1;
	for (int i = 0;; i++) {
		if (reach(s, err) == 0)
			return 0;
		if ((*err)->kind != ERROR_AUTH || i == PASSWORDS_MAX ||
		    s->machine.saved.private_pem)
			return -1;
		error_ignore(err, "perhaps with another password");
		if (ask_password(s, err) < 0)
			return -1;
	}
}

/* It stood still since. A user who may not set it can look around all the same. */
static int set_clock(struct session *s, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (!s->machine.has_memory || resume_put_right(s->comm, s->password, s->alive, &e) == 0)
		return 0;
	if (cancel_check(s->alive, err) < 0)
		return -1;
	fprintf(stderr, "warning: %s: it is as late there as when the machine was kept\n",
		e->message);
	return 0;
}

/* ---- to a container ------------------------------------------------------------------------------------ */

static int start_container(struct session *s, struct error **err)
{
	fprintf(stderr, "Starting the container of build '%s'...\n", s->target.build);
	s->alive = cancel_new(s->front.told, DEADLINE_NEVER);
	if (attach_container_start(&s->container, s->target.entry->dir, &s->build, err) < 0)
		return error_prefix(err, "cannot attach to build '%s' of run %s", s->target.build,
				    s->target.run_id);
	s->comm = comm_docker.connect(&s->container.comm, &s->machine.target, &s->build, s->alive,
				      err);
	return s->comm ? 0 : -1;
}

static void end_container(struct session *s)
{
	AUTO(error) struct error *e = NULL;

	s->build.cancel = NULL; /* a signal has ended what was, not this */
	if (attach_container_end(&s->container, &s->build, &e) < 0)
		command_error(s->ctx, "warning: the container is left: %s", e->message);
}

/* ---- what it is ----------------------------------------------------------------------------------------- */

static char *ago(int64_t wall)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	int64_t ns = MAX(clock_wall() - wall, INT64_C(0));
	int64_t grain = ns < 3600 * NSEC_PER_SEC ? NSEC_PER_SEC : 60 * NSEC_PER_SEC;

	if (ns < NSEC_PER_SEC)
		return xstrdup("a moment ago");
	duration_format_words(&sb, ns - ns % grain);
	strbuf_addstr(&sb, " ago");
	return strbuf_detach(&sb);
}

static void say_state(const struct attach_target *t)
{
	AUTO_FREE char *when = ago(t->made);

	if (t->state)
		fprintf(stderr, "This is its machine after %lld step%s, kept %s.\n",
			(long long)t->state, t->state == 1 ? "" : "s", when);
	else
		fprintf(stderr, "This is its machine before the first step, kept %s.\n", when);
}

static void introduce(const struct session *s)
{
	const struct attach_target *t = &s->target;
	AUTO_FREE char *when = ago(t->ended);
	struct str rest, line = str_split(str_of(t->error), '\n', &rest);

	fprintf(stderr, "Build '%s' of run %s %s %s in %s%s\n", t->build, t->run_id,
		t->interrupted ? "was interrupted" : "failed", when, t->failure,
		line.len ? ":" : ".");
	if (line.len)
		fprintf(stderr, "  %.*s\n", STR_FMT(line));
	say_state(t);
	if (s->is_container)
		fprintf(stderr, "Its files are there; what ran in it is not.\n");
	else if (!s->machine.has_memory)
		fprintf(stderr, "It was booted from its disk%s%s.%s\n",
			s->machine.why_booted ? ": " : "",
			s->machine.why_booted ? s->machine.why_booted : "",
			s->machine.saved.is_synced
				? ""
				: " What it wrote in its last seconds may be missing there.");
	fprintf(stderr, "What is changed here is thrown away.\n");
	if (!s->command && tty_is_terminal(STDIN_FILENO))
		fprintf(stderr, s->is_container ? "Leave with 'exit'.\n"
						: "Leave with 'exit', or with ~. after an "
						  "enter.\n");
}

/* ---- the session ------------------------------------------------------------------------------------------ */

static int start_guest(struct session *s, struct error **err)
{
	fprintf(stderr, "Starting the machine of build '%s'...\n", s->target.build);
	if (attach_start(&s->machine, s->target.entry->dir, &s->build, err) < 0)
		return error_prefix(err, "cannot attach to build '%s' of run %s", s->target.build,
				    s->target.run_id);
	s->alive = cancel_new(s->front.told, DEADLINE_NEVER);
	watch_guest(s);
	return 0;
}

/* The connection is gone: with the guest, as a rule. */
static int say_lost(struct session *s, struct error **err)
{
	int64_t deadline = clock_deadline(END_GRACE_SECONDS * NSEC_PER_SEC);

	comm_close(TAKE(s->comm)); /* from here on an end is said at once */
	if (io_pause(deadline, s->alive, err) < 0)
		return -1;
	return error_set(err, ERROR_DISCONNECTED, "the connection to the guest is lost");
}

static int converse(struct session *s, int *ret_status, struct error **err)
{
	bool hung_up = false;

	if (foreground_shell(&s->front, s->comm, s->command, s->alive, ret_status, &hung_up, err) <
	    0)
		return -1;
	if (*ret_status != COMM_DISCONNECTED)
		return 0;
	*ret_status = EXIT_LOST;
	return hung_up ? 0 : say_lost(s, err);
}

static int reach_guest(struct session *s, struct error **err)
{
	if (start_guest(s, err) < 0 || connect_guest(s, err) < 0)
		return -1;
	return set_clock(s, err);
}

static int attach(struct session *s, int *ret_status, struct error **err)
{
	if (open_session(s, err) < 0)
		return -1;
	s->is_container = kept_is_in(s->target.entry->dir);
	if ((s->is_container ? start_container : reach_guest)(s, err) < 0)
		return -1;
	introduce(s);
	return converse(s, ret_status, err);
}

static void close_session(struct session *s)
{
	AUTO(error) struct error *e = NULL;

	comm_close(s->comm);
	if (s->is_container)
		end_container(s);
	cancel_free(s->alive);
	attach_release(&s->machine);
	if (s->temp_id && fs_remove_tree(s->temp_dir, &e) < 0)
		command_error(s->ctx, "warning: %s", e->message);
	else if (s->temp_id)
		journal_done(s->journal, s->temp_id);
	journal_close(s->journal);
	attach_target_release(&s->target);
	store_close(s->store);
	foreground_release(&s->front);
	ui_release(&s->ui);
	secret_free(s->password);
	free(s->temp_dir);
	free(s->command);
}

static int list(struct session *s, struct error **err)
{
	if (cache_open_existing(s->ctx, &s->store, err) < 0)
		return -1;
	return attach_list(s->ctx, s->store, err);
}

static int run(struct command_ctx *ctx)
{
	struct session s = { .ctx = ctx,
			     .front = FOREGROUND_INIT,
			     .machine = ATTACH_INIT,
			     .container = ATTACH_CONTAINER_INIT };
	AUTO(error) struct error *e = NULL;
	int status = EXIT_OK, r;

	if (parse_args(&s, &e) < 0) {
		free(s.command);
		return command_usage_error(ctx, TAKE(e));
	}
	r = s.args.list ? list(&s, &e) : attach(&s, &status, &e);
	if (r < 0) {
		command_print_error(ctx, e);
		status = e->kind == ERROR_GONE || e->kind == ERROR_DISCONNECTED ? EXIT_LOST
										: EXIT_ERROR;
	}
	close_session(&s);
	return status;
}

const struct command command_attach = {
	.name = "attach",
	.synopsis = "open a shell where a build failed",
	.usage = "[options] [RUN] [-- COMMAND…]",
	.doc = "Opens a shell in the machine of a build that failed, as it was before the step\n"
	       "that did, or runs COMMAND there. Works until the store of finished steps needs\n"
	       "the room, also when the template has changed meanwhile. The machine is a copy:\n"
	       "what happens in it is thrown away at the end, what was kept does not change.\n"
	       "\n"
	       "RUN is an id, or its beginning, as 'ingot runs' lists them; without one it is\n"
	       "the newest run that left a machine. The exit code is the shell's or COMMAND's,\n"
	       "255 if the connection is lost or hung up. Without a terminal the shell reads\n"
	       "commands from standard input.\n"
	       "\n"
	       "The key that ingot made for the build lets in. Where the template logs in with\n"
	       "a password, it is asked for, or taken from INGOT_ATTACH_PASSWORD.",
	.options = attach_options,
	.run = run,
};
