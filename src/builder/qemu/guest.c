/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/guest.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/arch.h"
#include "builder/qemu/logtail.h"
#include "builder/qemu/panic.h"
#include "builder/qemu/tpm.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	SETUP_SECONDS = 60, /* a cold disk and a busy host; an early death is noticed at once */
	QUIT_MSEC = 400,
	EXIT_MSEC = 800,
	TERM_MSEC = 200,
	REAP_SECONDS = 10,
	POWER_OFF_GRACE_SECONDS = 2,
	TPM_GRACE_MSEC = 500,
	LOOK_MSEC = 100,
	LOG_LINES = 6,
	CONSOLE_LINES = 20,
};

struct guest {
	struct proc proc;
	struct qmp *qmp;
	bool qmp_open;
	struct journal *journal;
	uint64_t journal_id;
	char *binary, *log, *console;
	int epoll_fd;
	int news_fd; /* eventfd: trouble was noticed while reading the monitor for another reason */
	int timer_fd; /* ends the moment that a power-off may take to be noticed inside */
	struct tpm *tpm;
	bool own_pvpanic;
	struct panic *panic;
	bool powered_off, reset;
	char *trouble;                                               /* why the guest is stuck */
	enum { MOVE_NONE, MOVE_BEGUN, MOVE_DONE, MOVE_FAILED } move; /* of the machine's state */
};

static int say_missing(const char *binary, struct error **err)
{
	error_set(err, ERROR_NOT_FOUND,
		  "Failed creating Qemu driver: exec: \"%s\": executable file not found in $PATH",
		  binary);
	return error_hint(err, "the Debian package %s brings it", guest_arch_package(binary));
}

int guest_find_binary(const char *binary, struct error **err)
{
	AUTO_FREE char *path = NULL;

	if (proc_find(binary, &path, err) == 0)
		return 0;
	error_ignore(err, "said better below");
	return say_missing(binary, err);
}

/* ---- what it tells ------------------------------------------------------------- */

static void note_trouble(struct guest *g, const struct qmp_event *ev)
{
	const char *device = qmp_event_text(ev, "device");
	uint64_t one = 1;

	if (g->trouble)
		return;
	if (qmp_event_flag(ev, "nospace"))
		g->trouble = xstrdup("no space left on the disk that holds the guest's image");
	else
		g->trouble = xasprintf("the guest's disk%s%s fails: %s", device ? " " : "",
				       device ? device : "", qmp_event_text(ev, "reason"));
	(void)!write(g->news_fd, &one, sizeof(one));
}

static void note_move(struct guest *g, const char *status)
{
	if (text_eq(status, "completed"))
		g->move = MOVE_DONE;
	else if (text_eq(status, "failed") || text_eq(status, "cancelled"))
		g->move = MOVE_FAILED;
}

static void on_event(void *data, const struct qmp_event *ev)
{
	struct guest *g = data;
	const char *name = qmp_event_name(ev);

	/* only an error that made QEMU stop the guest: others are the guest's to handle */
	if (!strcmp(name, "BLOCK_IO_ERROR") && text_eq(qmp_event_text(ev, "action"), "stop")) {
		note_trouble(g, ev);
	} else if (!strcmp(name, "SHUTDOWN")) {
		g->powered_off = qmp_event_flag(ev, "guest");
		g->reset = text_eq(qmp_event_text(ev, "reason"), "guest-reset");
	} else if (!strcmp(name, "RESET")) {
		panic_reset(g->panic);
	} else if (!strcmp(name, "MIGRATION")) {
		note_move(g, qmp_event_text(ev, "status"));
	} else if (!strcmp(name, "GUEST_PANICKED")) {
		panic_tell(g->panic, !text_eq(qmp_event_text(ev, "action"), "run"));
	} else if (!strcmp(name, "GUEST_CRASHLOADED")) {
		panic_restart(g->panic);
	}
}

static void unwatch(struct guest *g, int fd)
{
	(void)epoll_ctl(g->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static int watch(struct guest *g, int fd, struct error **err)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return error_set_errno(err, errno, "cannot watch the guest");
	return 0;
}

static void pump(struct guest *g)
{
	AUTO(error) struct error *e = NULL;

	if (!g->qmp_open || qmp_pump(g->qmp, &e) == 0)
		return;
	error_ignore(&e, "it is ending: the process tells more");
	g->qmp_open = false;
	unwatch(g, qmp_fd(g->qmp));
}

static int say_stuck(struct guest *g, struct error **err)
{
	error_set(err, ERROR_GONE, "%s", g->trouble);
	return error_hint(err, "the guest was stopped before it could do harm; make room and "
			       "build again");
}

void guest_console_tail(struct guest *g, struct strbuf *ret)
{
	if (g->console)
		log_tail(g->console, CONSOLE_LINES, ret);
}

const char *guest_log(const struct guest *g)
{
	return g->log;
}

const char *guest_console(const struct guest *g)
{
	return g->console;
}

static void add_console_hint(struct guest *g, struct error **err)
{
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	guest_console_tail(g, &tail);
	if (tail.len)
		error_hint(err, "the last lines of the serial console:\n%s", tail.buf);
}

static int say_panicked(struct guest *g, struct error **err)
{
	panic_say(g->panic, err);
	add_console_hint(g, err);
	return -1;
}

static int say_ended(struct guest *g, struct error **err)
{
	AUTO(strbuf) struct strbuf log = STRBUF_INIT;
	int status = g->proc.status;

	log_tail(g->log, LOG_LINES, &log);
	if (status == 0 && panic_is_told(g->panic))
		panic_say(g->panic, err);
	else if (status == 0 && g->reset)
		error_set(
			err, ERROR_GONE,
			"the guest restarted, and QEMU was told to end when it does (-no-reboot)");
	else if (status == 0 && g->powered_off)
		error_set(err, ERROR_GONE, "the guest powered itself off");
	else if (status > 128)
		error_set(err, ERROR_GONE, "QEMU was killed by signal %d%s%s", status - 128,
			  log.len ? ": " : "", log.buf);
	else
		error_set(err, ERROR_GONE, "QEMU ended with status %d%s%s", status,
			  log.len ? ": " : "", log.buf);
	add_console_hint(g, err);
	return -1;
}

static void unwatch_tpm(struct guest *g)
{
	if (g->tpm)
		unwatch(g, tpm_watch_fd(g->tpm));
}

static void start_grace(struct guest *g)
{
	struct itimerspec when = { .it_value.tv_sec = POWER_OFF_GRACE_SECONDS };

	unwatch(g, g->proc.pidfd);
	unwatch_tpm(g);
	(void)timerfd_settime(g->timer_fd, 0, &when, NULL);
}

static bool grace_is_over(struct guest *g)
{
	uint64_t n = 0;

	return read(g->timer_fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

/* The TPM ends together with the emulator, and a moment before that can be seen to have ended. */
static bool lost_tpm(struct guest *g)
{
	AUTO(error) struct error *e = NULL;

	if (!g->tpm || !tpm_has_ended(g->tpm) || guest_has_ended(g))
		return false;
	if (io_wait(g->proc.pidfd, POLLIN, clock_deadline(TPM_GRACE_MSEC * NSEC_PER_MSEC), NULL,
		    &e) == 0)
		return false;
	error_ignore(&e, "it lives on without its TPM");
	return true;
}

int guest_check(struct guest *g, bool connected, struct error **err)
{
	bool had_ended = g->proc.reaped;

	pump(g);
	if (g->trouble)
		return say_stuck(g, err);
	if (panic_look(g->panic))
		return say_panicked(g, err);
	if (lost_tpm(g))
		return tpm_say_ended(g->tpm, err);
	if (!guest_has_ended(g))
		return 0;
	if (!connected || g->proc.status != 0 || grace_is_over(g))
		return say_ended(g, err);
	if (!had_ended)
		start_grace(g);
	return 0;
}

int guest_explain(struct guest *g, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	int status;

	if ((*err)->kind != ERROR_DISCONNECTED)
		return -1;
	if (proc_wait(&g->proc, clock_deadline(REAP_SECONDS * NSEC_PER_SEC), NULL, &status, &e) <
	    0) {
		error_ignore(&e, "it lives on without a monitor");
		return -1;
	}
	error_ignore(err, "its end is the reason");
	return say_ended(g, err);
}

/* ---- start --------------------------------------------------------------------- */

static bool is_port_taken(const char *log)
{
	return strstr(log, "Could not set up host forwarding rule") ||
	       strstr(log, "Failed to find an available port") ||
	       strstr(log, strerrordesc_np(EADDRINUSE));
}

/* What it says when it cannot start, and what to do about it; the first that fits. */
static const struct {
	const char *says, *hint;
} start_hints[] = {
	{ "Display '", "there is no screen here: set headless = true" },
	{ "gtk initialization failed", "there is no screen here: set headless = true" },
	{ "Could not initialize SDL", "there is no screen here: set headless = true" },
	{ "Could not allocate", "the host has too little memory for the guest: lower memory" },
	{ "Cannot allocate memory", "the host has too little memory for the guest: lower memory" },
	{ "invalid option",
	  "this QEMU does not know an option of qemuargs: '-help' lists what it knows" },
	{ "acl file",
	  "QEMU's bridge helper joins only bridges that the administrator allows: a line "
	  "\"allow NAME\" in /etc/qemu/bridge.conf, which this user may read" },
	{ "failed to create tun device",
	  "QEMU's bridge helper needs the device /dev/net/tun and the right to use it: root, or "
	  "chmod u+s on the helper" },
	{ "failed to open /dev/net/tun",
	  "QEMU's bridge helper needs the device /dev/net/tun (modprobe tun)" },
	{ "failed to add interface", "net_bridge must name a bridge: 'ip link show type bridge' "
				     "lists those of this host" },
	{ "failed to execute bridge helper", "the package of QEMU brings the helper that "
					     "net_bridge needs, qemu-bridge-helper (Debian: "
					     "qemu-system-common)" },
};

static void add_start_hint(const char *log, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(start_hints); i++)
		if (strstr(log, start_hints[i].says))
			error_hint(err, "%s", start_hints[i].hint);
}

/* The process ended, or is about to, before its monitor answered. */
static int say_failed_start(struct guest *g, struct error **err)
{
	AUTO(strbuf) struct strbuf log = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	int status;

	if (proc_wait(&g->proc, clock_deadline(REAP_SECONDS * NSEC_PER_SEC), NULL, &status, &e) < 0)
		error_ignore(&e, "then without the end of its words");
	log_tail(g->log, LOG_LINES, &log);
	error_ignore(err, "what it said itself is the reason");
	error_set(err, is_port_taken(log.buf) ? ERROR_EXISTS : ERROR_GONE,
		  "Error launching VM: Qemu failed to start: %s",
		  log.len ? log.buf : "it said nothing");
	if (g->tpm)
		tpm_hint_words(g->tpm, err);
	add_start_hint(log.buf, err);
	add_console_hint(g, err);
	return -1;
}

static int open_watch(struct guest *g, struct error **err)
{
	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	g->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (g->epoll_fd < 0 || g->news_fd < 0 || g->timer_fd < 0)
		return error_set_errno(err, errno, "cannot watch the guest");
	if (watch(g, g->news_fd, err) < 0 || watch(g, g->timer_fd, err) < 0)
		return -1;
	g->panic = panic_new(g->console, err);
	return g->panic ? watch(g, panic_fd(g->panic), err) : -1;
}

static int spawn(struct guest *g, const struct guest_spec *spec, int monitor, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	const int pass[] = { monitor, spec->tpm ? tpm_fd(spec->tpm) : -1, -1 };
	AUTO_CLOSE int log = open(g->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct proc_spec ps = { .argv = &argv,
				.env = &env,
				.dir = spec->cwd,
				.out = PROC_FD,
				.err = PROC_FD,
				.out_fd = log,
				.err_fd = log,
				.pass_fds = pass };

	if (log < 0)
		return error_set_errno(err, errno, "cannot write '%s'", g->log);
	strv_pushv(&argv, spec->argv->v);
	strv_pushf(&argv, "-chardev");
	strv_pushf(&argv, "socket,id=ingot-monitor,fd=%d", monitor);
	strv_pushl(&argv, "-mon", "chardev=ingot-monitor,mode=control", "-S", NULL);
	strv_pushv(&env, spec->environ);
	if (journal_process(g->journal, g->binary, &env, &g->journal_id, err) < 0)
		return -1;
	if (proc_start(&g->proc, &ps, err) == 0)
		return journal_started(g->journal, g->journal_id, g->proc.pid, err);
	if ((*err)->kind == ERROR_NOT_FOUND) {
		error_ignore(err, "said better below");
		return say_missing(g->binary, err);
	}
	return -1;
}

/* A guest that restarts after a panic is let do so: QEMU would turn it off. */
static int stay_out_of_panics(struct guest *g, int64_t deadline, struct cancel *c,
			      struct error **err)
{
	const struct qmp_arg none = { "panic", "none" };

	if (qmp_command_arg(g->qmp, "set-action", &none, deadline, c, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_REMOTE)
		return -1;
	error_ignore(err, "QEMU before 6.0: it stops the guest, which is told then");
	return 0;
}

/*
 * The machine waits until it is watched: one that ends within milliseconds would be gone before
 * its monitor answered. It stays waiting where its arguments ask for that.
 */
static int let_run(struct guest *g, const struct strv *argv, struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(SETUP_SECONDS * NSEC_PER_SEC);

	if (g->own_pvpanic && stay_out_of_panics(g, deadline, c, err) < 0)
		return -1;
	if (strv_contains(argv, "-S") || strv_contains(argv, "-incoming"))
		return 0;
	if (qmp_command(g->qmp, "cont", deadline, c, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_DISCONNECTED)
		return -1;
	error_ignore(err, "it ran and ended before it could answer: its end tells more");
	return 0;
}

static int set_up(struct guest *g, const struct guest_spec *spec, struct cancel *c,
		  struct error **err)
{
	int pair[2];

	if (open_watch(g, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, errno, "cannot make a monitor socket");
	g->qmp = qmp_new(pair[0], on_event, g);
	g->qmp_open = true;

	int r = spawn(g, spec, pair[1], err);

	fd_close(pair[1]);
	if (g->tpm)
		tpm_close_fd(g->tpm);
	if (r < 0)
		return -1;
	if (qmp_handshake(g->qmp, clock_deadline(SETUP_SECONDS * NSEC_PER_SEC), c, err) < 0) {
		if ((*err)->kind == ERROR_DISCONNECTED)
			return say_failed_start(g, err);
		return error_prefix(err, "QEMU does not answer on its monitor");
	}
	if (watch(g, qmp_fd(g->qmp), err) < 0)
		return -1;
	if (g->tpm && watch(g, tpm_watch_fd(g->tpm), err) < 0)
		return -1;
	if (watch(g, g->proc.pidfd, err) < 0)
		return -1;
	return let_run(g, spec->argv, c, err);
}

struct guest *guest_start(const struct guest_spec *spec, struct cancel *c, struct error **err)
{
	struct guest *g = NEW(struct guest);

	*g = (struct guest){
		.proc = PROC_INIT,
		.journal = spec->journal,
		.binary = xstrdup(spec->argv->v[0]),
		.log = path_join(spec->temp_dir, "qemu.log"),
		.console = xstrdup(spec->console),
		.tpm = spec->tpm,
		.own_pvpanic = spec->own_pvpanic,
		.epoll_fd = -1,
		.news_fd = -1,
		.timer_fd = -1,
	};
	if (set_up(g, spec, c, err) == 0)
		return g;
	guest_stop(g);
	return NULL;
}

int guest_watch_fd(const struct guest *g)
{
	return g->epoll_fd;
}

struct qmp *guest_monitor(struct guest *g)
{
	return g->qmp;
}

int guest_talk(struct guest *g, bool on, struct error **err)
{
	if (!g->qmp_open)
		return 0;
	unwatch(g, qmp_fd(g->qmp));
	return on ? 0 : watch(g, qmp_fd(g->qmp), err);
}

void guest_expect_move(struct guest *g)
{
	g->move = MOVE_BEGUN;
}

int guest_wait_move(struct guest *g, int64_t deadline, struct cancel *c, struct error **err)
{
	while (g->move == MOVE_BEGUN) {
		int64_t soon = MIN(deadline, clock_deadline(LOOK_MSEC * NSEC_PER_MSEC));

		pump(g);
		if (!g->qmp_open)
			return error_set(err, ERROR_DISCONNECTED, "QEMU closed its monitor");
		if (g->move != MOVE_BEGUN)
			break;
		if (io_wait(qmp_fd(g->qmp), POLLIN, soon, c, err) == 0)
			continue;
		/* the token looks at the same descriptor and may have read the news */
		if ((*err)->kind != ERROR_TIMEOUT || clock_monotonic() >= deadline)
			return -1;
		error_ignore(err, "another look");
	}
	return g->move == MOVE_DONE ? 0 : error_set(err, ERROR_REMOTE, "QEMU gave up");
}

/* ---- end ------------------------------------------------------------------------ */

bool guest_has_ended(struct guest *g)
{
	return proc_try_reap(&g->proc);
}

void guest_expect_end(struct guest *g)
{
	unwatch(g, g->proc.pidfd);
	unwatch(g, g->news_fd);
	unwatch(g, g->timer_fd);
	unwatch(g, panic_fd(g->panic));
	unwatch_tpm(g);
	if (g->qmp_open)
		unwatch(g, qmp_fd(g->qmp));
}

int guest_press_power(struct guest *g, struct cancel *c, struct error **err)
{
	return qmp_command(g->qmp, "system_powerdown", clock_deadline(5 * NSEC_PER_SEC), c, err);
}

int guest_wait_end(struct guest *g, int64_t deadline, struct cancel *c, struct error **err)
{
	while (!guest_has_ended(g)) {
		struct pollfd fds[] = {
			{ .fd = g->proc.pidfd, .events = POLLIN },
			{ .fd = g->qmp_open ? qmp_fd(g->qmp) : -1, .events = POLLIN },
			{ .fd = panic_fd(g->panic), .events = POLLIN },
		};

		if (g->trouble)
			return say_stuck(g, err);
		if (panic_look(g->panic))
			return say_panicked(g, err);
		if (io_wait_many(fds, ARRAY_LEN(fds), deadline, c, err) < 0)
			return -1;
		pump(g);
	}
	pump(g);
	return g->proc.status == 0 && !panic_is_told(g->panic) ? 0 : say_ended(g, err);
}

static void ask_to_quit(struct guest *g)
{
	AUTO(error) struct error *e = NULL;
	int status;

	if (qmp_command(g->qmp, "quit", clock_deadline(QUIT_MSEC * NSEC_PER_MSEC), NULL, &e) < 0) {
		error_ignore(&e, "then it is made to");
		return;
	}
	if (proc_wait(&g->proc, clock_deadline(EXIT_MSEC * NSEC_PER_MSEC), NULL, &status, &e) < 0)
		error_ignore(&e, "then it is made to");
}

void guest_stop(struct guest *g)
{
	if (!g)
		return;
	if (g->proc.pid > 0 && g->qmp_open && !guest_has_ended(g))
		ask_to_quit(g);
	proc_stop(&g->proc, TERM_MSEC * NSEC_PER_MSEC);
	/* what even SIGKILL did not end stays in the journal for gc */
	if (g->proc.pid <= 0 || g->proc.reaped)
		journal_done(g->journal, g->journal_id);
	qmp_free(g->qmp);
	panic_free(g->panic);
	fd_close(g->epoll_fd);
	fd_close(g->news_fd);
	fd_close(g->timer_fd);
	free(g->binary);
	free(g->log);
	free(g->console);
	free(g->trouble);
	free(g);
}
