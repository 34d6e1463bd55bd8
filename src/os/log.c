/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the filters matters: secrets are looked for in the text as it
 * was made, before anything in it is escaped or cut, so that none is missed
 * for a newline in it and none is cut in two.
 */
#include "os/log.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/encode.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/tty.h"
#include "os/wait.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT_MAX = 32 * 1024, /* longer ones are cut */
	STALL_MSEC = 1000,    /* how long the reader of a non-blocking descriptor may take */
};

bool log_is_on;

static struct {
	pthread_mutex_t lock; /* guards loss, told and torn; held for a write */
	int fd;
	bool is_file;
	struct redactor *redactor;
	int64_t opened;
	struct log_loss loss;
	uint64_t told; /* lines that a line says are missing */
	bool torn;     /* the last line ended in the middle */
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static _Thread_local const char *build_name;

static void note_ignored(const struct error *e, const char *why)
{
	log_debug("error", "ignored (%s): %s", why, e->message);
}

int log_open(const char *path, struct redactor *redactor, struct error **err)
{
	int fd = STDERR_FILENO;

	if (path)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot open '%s'", path);
	out.fd = fd;
	out.is_file = path != NULL;
	out.redactor = redactor;
	out.opened = clock_monotonic();
	out.loss = (struct log_loss){ 0 };
	out.told = 0;
	out.torn = false;
	log_is_on = true;
	error_ignored = note_ignored;
	return 0;
}

struct log_loss log_close(void)
{
	struct log_loss loss = out.loss;

	error_ignored = NULL;
	log_is_on = false;
	if (out.is_file)
		fd_close(out.fd);
	out.fd = -1;
	out.redactor = NULL;
	out.loss = (struct log_loss){ 0 };
	return loss;
}

bool log_is_on_terminal(void)
{
	return log_is_on && tty_is_terminal(out.fd);
}

void log_set_build(const char *name)
{
	build_name = name;
}

const char *log_build(void)
{
	return build_name;
}

/* ---- filters -------------------------------------------------------------------------------- */

static void redact(struct strbuf *text)
{
	if (out.redactor)
		redactor_filter(out.redactor, text);
}

static bool ends_url(char c)
{
	return (unsigned char)c <= ' ' || strchr("\"'<>`\\", c);
}

/* Credentials in front of the host, and what stands behind the path: a key, as often as not. */
static void hide_in_urls(struct strbuf *text)
{
	static const char scheme[] = "://", mark[] = "...";
	size_t at = 0;

	for (;;) {
		char *found = memmem(text->buf + at, text->len - at, scheme, strlen(scheme));
		size_t end, user = 0;

		if (!found)
			return;
		at = end = (size_t)(found - text->buf) + strlen(scheme);
		for (;
		     end < text->len && !ends_url(text->buf[end]) && !strchr("/?#", text->buf[end]);
		     end++)
			if (text->buf[end] == '@')
				user = end;
		if (user) {
			strbuf_remove(text, at, user - at);
			strbuf_insert(text, at, mark, strlen(mark));
			end = end - (user - at) + strlen(mark);
		}
		while (end < text->len && !ends_url(text->buf[end]) &&
		       !strchr("?#", text->buf[end]))
			end++;
		at = end;
		if (end == text->len || ends_url(text->buf[end]))
			continue;
		while (end < text->len && !ends_url(text->buf[end]))
			end++;
		at++;
		strbuf_remove(text, at, end - at);
		strbuf_insert(text, at, mark, strlen(mark));
	}
}

static void escape(struct strbuf *sb, unsigned char c)
{
	if (c == '\n')
		strbuf_addstr(sb, "\\n");
	else if (c == '\r')
		strbuf_addstr(sb, "\\r");
	else if (c == '\t')
		strbuf_addstr(sb, "\\t");
	else
		strbuf_addf(sb, "\\x%02x", c);
}

/* One line that a terminal shows as it is. */
static void add_text(struct strbuf *sb, const struct strbuf *text)
{
	size_t len = text->len;

	while (len && (text->buf[len - 1] == '\n' || text->buf[len - 1] == ' '))
		len--;

	bool cut = len > TEXT_MAX;

	if (cut) {
		len = TEXT_MAX;
		while (len && ((unsigned char)text->buf[len] & 0xc0) == 0x80)
			len--; /* not within a character */
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text->buf[i];

		if (c < ' ' || c == 0x7f)
			escape(sb, c);
		else
			strbuf_addch(sb, (char)c);
	}
	if (cut)
		strbuf_addf(sb, "... (%zu bytes more)", text->len - len);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* 0, or the errno of what failed; *ret_written bytes are out in any case. */
static int put(const char *p, size_t len, size_t *ret_written)
{
	*ret_written = 0;
	while (len) {
		AUTO(error) struct error *e = NULL;
		ssize_t n = write(out.fd, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
			*ret_written += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || errno != EAGAIN)
			return n == 0 ? ENOSPC : errno;
		if (io_wait(out.fd, POLLOUT, clock_deadline(STALL_MSEC * NSEC_PER_MSEC), NULL, &e) <
		    0)
			return EAGAIN;
	}
	return 0;
}

static void put_line_locked(struct strbuf *line)
{
	AUTO_FREE char *gap = NULL;
	size_t written;
	int e;

	if (out.loss.lines != out.told) {
		gap = xasprintf("%s(%llu lines are missing here)\n", out.torn ? "\n" : "",
				(unsigned long long)(out.loss.lines - out.told));
		strbuf_insert(line, 0, gap, strlen(gap));
	}
	e = put(line->buf, line->len, &written);
	if (!e) {
		out.torn = false;
		out.told = out.loss.lines;
		return;
	}
	out.torn |= written > 0;
	if (!out.loss.lines++)
		out.loss.os_errno = e;
}

static void begin(struct strbuf *line)
{
	int64_t now = clock_wall(), up = clock_monotonic() - out.opened;
	time_t seconds = (time_t)(now / NSEC_PER_SEC);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strbuf_addf(line, "%04d/%02d/%02d %02d:%02d:%02d [%lld.%03d] ", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		    (long long)(up / NSEC_PER_SEC), (int)(up % NSEC_PER_SEC / NSEC_PER_MSEC));
	if (build_name)
		strbuf_addf(line, "%s: ", build_name);
}

static void write_text(const char *area, struct strbuf *text)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	int saved = errno;

	redact(text);
	hide_in_urls(text);
	begin(&line);
	strbuf_addf(&line, "%s: ", area);
	add_text(&line, text);
	strbuf_addch(&line, '\n');
	pthread_mutex_lock(&out.lock);
	put_line_locked(&line);
	pthread_mutex_unlock(&out.lock);
	errno = saved;
}

void log_write(const char *area, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	write_text(area, &text);
	errno = saved;
}

void log_ui(bool is_error, const char *text)
{
	AUTO(strbuf) struct strbuf copy = STRBUF_INIT;

	if (!log_is_on || !out.is_file || !text)
		return;
	strbuf_addstr(&copy, text);
	write_text(is_error ? "ui error" : "ui", &copy);
}

/* ---- parts of lines ------------------------------------------------------------------------ */

static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/._-+,:@%=", *p))
			return false;
	return *text != '\0';
}

void log_add_word(struct strbuf *sb, const char *text)
{
	AUTO(strbuf) struct strbuf word = STRBUF_INIT;

	strbuf_addstr(&word, text ? text : "");
	redact(&word);
	if (is_plain(word.buf))
		strbuf_addstr(sb, word.buf);
	else
		encode_go_quoted(sb, word.buf, word.len);
}

void log_add_words(struct strbuf *sb, const struct strv *words)
{
	for (size_t i = 0; i < words->len; i++) {
		if (i)
			strbuf_addch(sb, ' ');
		log_add_word(sb, words->v[i]);
	}
}

void log_add_time(struct strbuf *sb, int64_t since)
{
	int64_t ns = clock_monotonic() - since;

	strbuf_addf(sb, " in %lld.%03ds", (long long)(ns / NSEC_PER_SEC),
		    (int)(ns % NSEC_PER_SEC / NSEC_PER_MSEC));
}
