/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/output.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	READ_SIZE = 16 * 1024,
	LINE_MAX_BYTES = 64 * 1024, /* longer ones become several */
	END_LINES = 20,
	END_LINE_MAX = 500,
};

void plugin_output_init(struct plugin_output *o, const char *name)
{
	*o = (struct plugin_output){
		.area = xasprintf("%s plugin", name),
		.build = xstrdup(log_build()),
		.line = STRBUF_INIT,
		.end = STRV_INIT,
	};
	pthread_mutex_init(&o->lock, NULL);
}

void plugin_output_release(struct plugin_output *o)
{
	if (!o->area)
		return;
	free(o->area);
	free(o->build);
	strbuf_release(&o->line);
	strv_release(&o->end);
	pthread_mutex_destroy(&o->lock);
}

static bool begins_crash(const char *line)
{
	return text_starts_with(line, "panic: ") || text_starts_with(line, "fatal error: ");
}

/* What every plugin's library says of its own doings explains nothing. */
static bool is_routine(const char *line)
{
	static const char *const marks[] = {
		"Plugin address: ",
		"Waiting for connection...",
		"Serving a plugin connection...",
		"[TRACE] starting ",
		"sending ConfigSpec as ",
		"[INFO] RPC endpoint: ",
		"[INFO] RPC client: ",
		" bytes written for '",
	};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}

static void keep(struct plugin_output *o, const char *line)
{
	if (is_routine(line))
		return;
	if (begins_crash(line) && !o->is_crash) {
		o->is_crash = true;
		strv_release(&o->end);
	}
	if (o->end.len == END_LINES && o->is_crash)
		return;
	if (o->end.len == END_LINES)
		strv_remove(&o->end, 0);

	char *copy = xstrndup(line, END_LINE_MAX);

	for (char *p = copy; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			*p = '?';
	strv_push_take(&o->end, copy);
}

static void end_line(struct plugin_output *o)
{
	strbuf_rtrim(&o->line);
	if (o->line.len) {
		const char *before = log_build();

		/* on the reader's thread, which belongs to no build by itself */
		log_set_build(o->build);
		log_debug(o->area, "%s", o->line.buf);
		log_set_build(before);
		keep(o, o->line.buf);
	}
	strbuf_truncate(&o->line, 0);
}

static void add(struct plugin_output *o, const char *p, size_t len)
{
	while (len) {
		const char *newline = memchr(p, '\n', len);
		size_t n = newline ? (size_t)(newline - p) : len;

		n = MIN(n, LINE_MAX_BYTES - o->line.len);
		strbuf_add(&o->line, p, n);
		p += n;
		len -= n;
		if (len && *p == '\n') {
			p++;
			len--;
			end_line(o);
		} else if (o->line.len == LINE_MAX_BYTES) {
			end_line(o);
		}
	}
}

bool plugin_output_read(struct plugin_output *o, int fd)
{
	char buf[READ_SIZE];

	pthread_mutex_lock(&o->lock);

	ssize_t n = fd_read(fd, buf, sizeof(buf));
	bool is_end = n == 0 || (n < 0 && errno != EAGAIN);

	if (n > 0)
		add(o, buf, (size_t)n);
	if (is_end)
		end_line(o);
	pthread_mutex_unlock(&o->lock);
	return !is_end;
}

void plugin_output_quote(struct plugin_output *o, struct strbuf *sb)
{
	pthread_mutex_lock(&o->lock);
	if (o->end.len == 1)
		strbuf_addf(sb, ": %s", o->end.v[0]);
	else if (o->end.len)
		strbuf_addstr(sb, "; it wrote:");
	for (size_t i = 0; o->end.len > 1 && i < o->end.len; i++)
		strbuf_addf(sb, "\n    %s", o->end.v[i]);
	pthread_mutex_unlock(&o->lock);
}
