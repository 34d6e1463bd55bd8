/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/panic.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	LOOK_MSEC = 100,
	/* Nobody knows what the kernel does next: dump its memory, wait for panic=N to pass. */
	RESTART_SECONDS = 60,
	LINE_BYTES = 1024,
	READ_BYTES = 16 * 1024,
};

static const char panic_words[] = "Kernel panic - not syncing: ";
static const char end_words[] = "---[ end Kernel panic";
/* The latter begins another kernel, which is there to dump the memory of the first. */
static const char *const restart_words[] = { "Rebooting in ", "Linux version " };

enum panic_state { PANIC_NONE, PANIC_TOLD, PANIC_RESTARTS, PANIC_STAYS };

struct panic {
	enum panic_state state;
	char *why;        /* the kernel's words; NULL: not known */
	int64_t deadline; /* of PANIC_TOLD */
	int console;      /* -1: none */
	off_t at;
	struct strbuf line; /* the unfinished one; what is too long is cut */
	int epoll_fd, inotify_fd, timer_fd;
};

/* ---- states ------------------------------------------------------------------------ */

static void set_timer(struct panic *p, int64_t ns)
{
	struct itimerspec when = { .it_value = { .tv_sec = ns / NSEC_PER_SEC,
						 .tv_nsec = ns % NSEC_PER_SEC } };

	(void)timerfd_settime(p->timer_fd, 0, &when, NULL);
}

static void listen_to_console(struct panic *p, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.fd = p->inotify_fd };

	if (p->inotify_fd >= 0)
		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, p->inotify_fd, &ev);
}

void panic_tell(struct panic *p, bool stopped)
{
	if (p->state == PANIC_NONE) {
		p->state = PANIC_TOLD;
		p->deadline = clock_deadline(RESTART_SECONDS * NSEC_PER_SEC);
	}
	if (stopped)
		p->state = PANIC_STAYS;
	set_timer(p, 1);
}

void panic_restart(struct panic *p)
{
	if (p->state != PANIC_STAYS)
		p->state = PANIC_RESTARTS;
}

bool panic_is_told(const struct panic *p)
{
	return p->state != PANIC_NONE;
}

/* ---- the console ------------------------------------------------------------------- */

/* The rest of the line, without what a terminal would act on. */
static char *clean_words(const char *s)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t len = strlen(s); len;) {
		uint32_t cp;
		size_t n = utf8_decode(s, len, &cp);

		if (n && cp >= ' ' && cp != 0x7f)
			strbuf_add(&sb, s, n);
		n = n ? n : 1;
		s += n;
		len -= n;
	}
	strbuf_rtrim(&sb);
	return strbuf_detach(&sb);
}

static bool says_restart(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(restart_words); i++)
		if (strstr(line, restart_words[i]))
			return true;
	return false;
}

static void take_line(struct panic *p, const char *line)
{
	const char *words = strstr(line, panic_words);

	if (strstr(line, end_words)) {
		if (p->state != PANIC_NONE)
			p->state = PANIC_STAYS;
	} else if (words) {
		panic_tell(p, false);
		if (!p->why)
			p->why = clean_words(words + strlen(panic_words));
	} else if (p->state == PANIC_TOLD && says_restart(line)) {
		p->state = PANIC_RESTARTS;
	}
}

static void take_bytes(struct panic *p, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			take_line(p, p->line.buf);
			strbuf_truncate(&p->line, 0);
		} else if (buf[i] && p->line.len < LINE_BYTES) {
			strbuf_addch(&p->line, buf[i]);
		}
	}
}

static void read_console(struct panic *p)
{
	char buf[READ_BYTES];
	struct stat st;
	ssize_t n;

	if (p->console < 0 || fstat(p->console, &st) < 0)
		return;
	if (st.st_size < p->at) /* begun anew */
		p->at = 0;
	while ((n = pread(p->console, buf, sizeof(buf), p->at)) > 0) {
		take_bytes(p, buf, (size_t)n);
		p->at += n;
	}
}

/* A host hands out only so many inotify descriptors. */
static bool is_polled(const struct panic *p)
{
	return p->console >= 0 && p->inotify_fd < 0;
}

/* What the old kernel wrote last is not taken for words of the new one. */
void panic_reset(struct panic *p)
{
	read_console(p);
	strbuf_truncate(&p->line, 0);
	p->state = PANIC_NONE;
	free(TAKE(p->why));
}

bool panic_look(struct panic *p)
{
	char notes[READ_BYTES] __attribute__((aligned(_Alignof(struct inotify_event))));
	uint64_t n = 0;
	bool due = read(p->timer_fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
	bool news = p->inotify_fd >= 0 && read(p->inotify_fd, notes, sizeof(notes)) > 0;

	read_console(p);
	if (p->state == PANIC_TOLD && clock_monotonic() >= p->deadline)
		p->state = PANIC_STAYS;
	if (news || p->state == PANIC_TOLD || is_polled(p))
		set_timer(p, LOOK_MSEC * NSEC_PER_MSEC);
	if (news || due)
		listen_to_console(p, !news);
	return p->state == PANIC_STAYS;
}

int panic_say(const struct panic *p, struct error **err)
{
	if (p->why)
		return error_set(err, ERROR_GONE, "the guest's kernel panicked: %s", p->why);
	error_set(err, ERROR_GONE, "the guest's kernel panicked");
	return error_hint(err, "its pvpanic device says so; the reason is on its screen, or on a "
			       "serial console if it is given one (console=ttyS0)");
}

/* ---- life -------------------------------------------------------------------------- */

static int watch(struct panic *p, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int open_console(struct panic *p, const char *path, struct error **err)
{
	p->console = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (p->console < 0)
		return error_set_errno(err, errno, "cannot open '%s'", path);
	p->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (p->inotify_fd < 0 || inotify_add_watch(p->inotify_fd, path, IN_MODIFY) < 0 ||
	    watch(p, p->inotify_fd) < 0) {
		fd_close(fd_take(&p->inotify_fd));
		set_timer(p, LOOK_MSEC * NSEC_PER_MSEC);
	}
	return 0;
}

static int set_up(struct panic *p, const char *console, struct error **err)
{
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->epoll_fd < 0 || p->timer_fd < 0 || watch(p, p->timer_fd) < 0)
		return error_set_errno(err, errno, "cannot watch the guest");
	return console ? open_console(p, console, err) : 0;
}

struct panic *panic_new(const char *console, struct error **err)
{
	struct panic *p = NEW(struct panic);

	*p = (struct panic){ .console = -1, .epoll_fd = -1, .inotify_fd = -1, .timer_fd = -1 };
	strbuf_init_max(&p->line, LINE_BYTES + 1);
	if (set_up(p, console, err) == 0)
		return p;
	panic_free(p);
	return NULL;
}

int panic_fd(const struct panic *p)
{
	return p->epoll_fd;
}

void panic_free(struct panic *p)
{
	if (!p)
		return;
	fd_close(p->console);
	fd_close(p->inotify_fd);
	fd_close(p->timer_fd);
	fd_close(p->epoll_fd);
	strbuf_release(&p->line);
	free(p->why);
	free(p);
}
