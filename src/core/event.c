/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_INTERVAL_MS = 100, LINE_MAX_BYTES = 1024 * 1024 };

/* `text` holds the filtered text as long as the event is used. */
static void complete(struct ui *ui, struct event *ev, struct strbuf *text)
{
	ev->wall = clock_wall();
	ev->monotonic = clock_monotonic();
	ev->build = ui->build;
	ev->build_name = ui->build_name;
	ev->label = ui->label;
	if (!ev->text)
		return;
	strbuf_addstr(text, ev->text);
	if (ui->redactor)
		redactor_filter(ui->redactor, text);
	ev->text = text->buf;
}

static void log_step(const struct event *ev)
{
	log_write("step", "%d/%d '%s' %s in %.3fs", ev->index, (int)ev->total, ev->text,
		  ev->ok ? "is done" : "failed", (double)ev->duration / NSEC_PER_SEC);
}

/* check: long switch */
static void log_event(const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SAY:
	case EVENT_ERROR:
	case EVENT_OUTPUT:
		log_ui(ev->is_error, ev->text);
		return;
	case EVENT_BUILD_START:
		log_write("build", "starts, %d steps", (int)ev->total);
		return;
	case EVENT_BUILD_END:
		log_write("build", "%s in %.3fs%s%s", ev->ok ? "is done" : "failed",
			  (double)ev->duration / NSEC_PER_SEC, ev->text ? ": " : "",
			  ev->text ? ev->text : "");
		return;
	case EVENT_STEP_START:
		log_write("step", "%d/%d '%s' starts", ev->index, (int)ev->total, ev->text);
		return;
	case EVENT_STEP_END:
		log_step(ev);
		return;
	case EVENT_QUESTION:
		log_write("ask", "%s", ev->text);
		return;
	case EVENT_WAIT:
		if (ev->text)
			log_write("wait", "for %s", ev->text);
		return;
	case EVENT_PROGRESS:
	case EVENT_ARTIFACT:
	case EVENT_TYPED:
	case EVENT_RUN_END:
	case EVENT_KIND_COUNT:
		return;
	}
}

void ui_emit(struct ui *ui, struct event *ev)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	complete(ui, ev, &text);
	if (log_is_on)
		log_event(ev);
	ui->sink->emit(ui->sink, ev);
}

static int ask(struct ui *ui, struct event *ev, struct cancel *c, char **ret_line,
	       struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!ui->sink->ask)
		return error_set(err, ERROR_NOT_FOUND, "no available tty");
	complete(ui, ev, &text);
	if (log_is_on)
		log_event(ev);
	return ui->sink->ask(ui->sink, ev, c, ret_line, err);
}

int ui_ask(struct ui *ui, const char *question, struct cancel *c, char **ret_line,
	   struct error **err)
{
	struct event ev = { .kind = EVENT_QUESTION, .text = question };

	return ask(ui, &ev, c, ret_line, err);
}

int ui_ask_hidden(struct ui *ui, const char *question, struct cancel *c, char **ret_line,
		  struct error **err)
{
	struct event ev = { .kind = EVENT_QUESTION, .text = question, .hidden = true };

	if (ask(ui, &ev, c, ret_line, err) < 0)
		return -1;
	if (ui->redactor)
		redactor_add(ui->redactor, *ret_line, strlen(*ret_line));
	return 0;
}

void ui_wait(struct ui *ui, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);

	if (ui->redactor) /* it ends up in hints, too */
		redactor_filter(ui->redactor, &sb);

	struct event ev = { .kind = EVENT_WAIT, .text = sb.buf };

	if (ui->waiting_for && !strcmp(ui->waiting_for, sb.buf))
		return;
	free(ui->waiting_for);
	ui->waiting_for = xstrdup(sb.buf);
	ui_emit(ui, &ev);
}

void ui_wait_end(struct ui *ui)
{
	struct event ev = { .kind = EVENT_WAIT };

	if (!ui->waiting_for)
		return;
	free(TAKE(ui->waiting_for));
	ui_emit(ui, &ev);
}

/* Filtered before it is cut: half a secret would not be known any more. */
static void remember(struct ui *ui, const char *line)
{
	char *place = ui->tail.lines[ui->tail.count++ % OUTPUT_TAIL_LINES];
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, line);
	if (ui->redactor)
		redactor_filter(ui->redactor, &text);
	(void)snprintf(place, OUTPUT_TAIL_WIDTH, "%s", text.buf);
}

void ui_release(struct ui *ui)
{
	free(TAKE(ui->waiting_for));
}

static void say(struct ui *ui, enum event_kind kind, const char *fmt, va_list ap)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_vaddf(&sb, fmt, ap);

	struct event ev = { .kind = kind, .text = sb.buf, .is_error = kind == EVENT_ERROR };

	ui_emit(ui, &ev);
	strbuf_release(&sb);
}

void ui_say(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ui, EVENT_SAY, fmt, ap);
	va_end(ap);
}

void ui_error(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ui, EVENT_ERROR, fmt, ap);
	va_end(ap);
}

void ui_output_tail(const struct ui *ui, struct strbuf *ret)
{
	const struct output_tail *t = &ui->tail;
	size_t kept = MIN(t->count, (size_t)OUTPUT_TAIL_LINES);

	for (size_t i = t->count - kept; i < t->count; i++)
		strbuf_addf(ret, "%s%s", ret->len ? "\n" : "", t->lines[i % OUTPUT_TAIL_LINES]);
}

void ui_output(struct ui *ui, bool is_stderr, const char *line)
{
	struct event ev = { .kind = EVENT_OUTPUT, .text = line, .is_error = is_stderr };

	remember(ui, line);

	ui_emit(ui, &ev);
}

void ui_progress(struct ui *ui, const char *what, int64_t done, int64_t total, enum event_unit unit)
{
	int64_t now = clock_monotonic();

	if (done < total && now - ui->last_progress < PROGRESS_INTERVAL_MS * NSEC_PER_MSEC)
		return;
	ui->last_progress = now;

	struct event ev = {
		.kind = EVENT_PROGRESS, .text = what, .done = done, .total = total, .unit = unit
	};

	ui_emit(ui, &ev);
}

void ui_progress_end(struct ui *ui, const char *what)
{
	struct event ev = { .kind = EVENT_PROGRESS, .text = what, .done = -1 };

	ui->last_progress = 0;
	ui_emit(ui, &ev);
}

void ui_step_start(struct ui *ui, const char *name, int index, int total)
{
	struct event ev = {
		.kind = EVENT_STEP_START, .text = name, .index = index, .total = total
	};

	ui->tail.count = 0;
	ui_emit(ui, &ev);
}

void ui_step_end(struct ui *ui, const char *name, int index, int total, int64_t duration, bool ok)
{
	struct event ev = {
		.kind = EVENT_STEP_END,
		.text = name,
		.index = index,
		.total = total,
		.duration = duration,
		.ok = ok,
	};

	ui_emit(ui, &ev);
}

/* ---- lines --------------------------------------------------------------- */

struct line_splitter {
	line_fn fn;
	void *data;
	struct strbuf line;
	bool has_text; /* something came since the last newline */
};

struct line_splitter *line_splitter_new(line_fn fn, void *data)
{
	struct line_splitter *ls = NEW(struct line_splitter);

	ls->fn = fn;
	ls->data = data;
	strbuf_init_max(&ls->line, LINE_MAX_BYTES);
	return ls;
}

static void give(struct line_splitter *ls)
{
	strbuf_rtrim(&ls->line);

	const char *cr = memrchr(ls->line.buf, '\r', ls->line.len);

	ls->fn(ls->data, cr ? cr + 1 : ls->line.buf);
	strbuf_truncate(&ls->line, 0);
	ls->line.overflow = false;
	ls->has_text = false;
}

void line_splitter_feed(struct line_splitter *ls, const void *bytes, size_t len)
{
	const char *p = bytes, *end = p + len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);

		/* A line without end is shown in pieces rather than kept or lost. */
		while (n > ls->line.max - ls->line.len) {
			size_t room = ls->line.max - ls->line.len;

			strbuf_add(&ls->line, p, room);
			give(ls);
			p += room;
			n -= room;
		}
		strbuf_add(&ls->line, p, n);
		ls->has_text |= n > 0;
		p += n;
		if (nl) {
			give(ls);
			p++;
		}
	}
}

void line_splitter_free(struct line_splitter *ls)
{
	if (!ls)
		return;
	if (ls->has_text)
		give(ls);
	strbuf_release(&ls->line);
	free(ls);
}
