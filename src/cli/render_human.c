/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Human text in Packer's format (cli.md 3.2, 3.3): build messages as
 * `==> NAME: TEXT`, output of commands as `    NAME: TEXT`, one colour per
 * build, errors red. On a terminal a block of live lines (one per running
 * build, a bar below it for long work) stays at the bottom: it is taken away
 * before a message is written and drawn again afterwards.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "cli/output.h"
#include "os/clock.h"
#include "os/tty.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, RED = 31 };

static const int build_colors[] = { 32, 36, 35, 33, 34 };

struct step_time {
	char *name;
	int64_t duration;
	bool ok;
};
VEC_DECLARE(step_times, struct step_time);

/* What is known of one build, for its live line and the table at its end. */
struct build_view {
	char *name;
	bool running;
	char *step;
	char *waiting; /* what for; NULL: nothing in particular */
	int index, total;
	int64_t step_started;
	char *work; /* of the progress bar; NULL: none */
	int64_t done, work_total, work_started;
	enum event_unit unit;
	struct step_times steps;
};
VEC_DECLARE(build_views, struct build_view);

struct human {
	struct renderer base;
	struct human_options opts;
	struct build_views builds;
	int live_lines; /* on the screen now */
};

/* ---- live lines ------------------------------------------------------------ */

static void clear_live(struct human *h)
{
	for (; h->live_lines; h->live_lines--)
		fputs("\033[1A\033[2K", h->base.out);
}

static void format_clock(struct strbuf *sb, int64_t ns)
{
	int64_t s = ns / NSEC_PER_SEC;

	if (s >= 3600)
		strbuf_addf(sb, "%lld:%02lld:%02lld", (long long)(s / 3600),
			    (long long)(s / 60 % 60), (long long)(s % 60));
	else
		strbuf_addf(sb, "%lld:%02lld", (long long)(s / 60), (long long)(s % 60));
}

void format_bytes(struct strbuf *sb, double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t u = 0;

	while (n >= 1024 && u + 1 < ARRAY_LEN(units))
		n /= 1024, u++;
	strbuf_addf(sb, u && n < 100 ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static void format_amount(struct strbuf *sb, enum event_unit unit, double n)
{
	if (unit == UNIT_BYTES)
		format_bytes(sb, n);
	else
		strbuf_addf(sb, "%.0f", n);
}

static void format_bar(struct strbuf *sb, const struct build_view *b, int64_t now)
{
	double elapsed = (double)(now - b->work_started) / (double)NSEC_PER_SEC;
	double rate = elapsed > 0.5 ? (double)b->done / elapsed : 0;

	strbuf_addf(sb, "    %s: %s ", b->name, b->work);
	if (b->work_total > 0) {
		int64_t done = MIN(b->done, b->work_total);
		int filled = (int)((double)done / (double)b->work_total * BAR_WIDTH);

		strbuf_addch(sb, '[');
		strbuf_addchars(sb, '=', (size_t)filled);
		strbuf_addchars(sb, ' ', (size_t)(BAR_WIDTH - filled));
		strbuf_addf(sb, "] %lld%% ",
			    (long long)(100.0 * (double)done / (double)b->work_total));
	}
	format_amount(sb, b->unit, (double)b->done);
	if (b->work_total > 0) {
		strbuf_addstr(sb, "/");
		format_amount(sb, b->unit, (double)b->work_total);
	}
	if (rate > 0) {
		strbuf_addstr(sb, ", ");
		format_amount(sb, b->unit, rate);
		strbuf_addstr(sb, "/s");
		if (b->work_total > b->done) {
			strbuf_addstr(sb, ", ");
			format_clock(sb, (int64_t)((double)(b->work_total - b->done) / rate *
						   (double)NSEC_PER_SEC));
			strbuf_addstr(sb, " left");
		}
	}
}

/* Cut to the width of the terminal: a wrapped line could not be taken away again. */
static void put_live(struct human *h, struct strbuf *sb, int width)
{
	size_t room = width > 1 ? (size_t)width - 1 : 79, at = 0, columns = 0;

	while (at < sb->len) {
		size_t n = utf8_grapheme(sb->buf + at, sb->len - at);
		size_t w = utf8_width(sb->buf + at, n);

		if (!n || columns + w > room)
			break;
		columns += w;
		at += n;
	}
	strbuf_truncate(sb, at);
	fprintf(h->base.out, "%s\n", sb->buf);
	strbuf_truncate(sb, 0);
	h->live_lines++;
}

static void draw_live(struct human *h)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	int64_t now = clock_monotonic();
	int width = tty_width(fileno(h->base.out));

	if (!h->opts.live)
		return;
	for (size_t i = 0; i < h->builds.len; i++) {
		const struct build_view *b = &h->builds.items[i];

		if (!b->running || !b->step)
			continue;
		strbuf_addf(&sb, "--> %s: step %d of %d: %s, ", b->name, b->index, b->total,
			    b->step);
		format_clock(&sb, now - b->step_started);
		if (b->waiting)
			strbuf_addf(&sb, ", waiting for %s", b->waiting);
		put_live(h, &sb, width);
		if (b->work) {
			format_bar(&sb, b, now);
			put_live(h, &sb, width);
		}
	}
	fflush(h->base.out);
}

/* ---- messages ---------------------------------------------------------------- */

static int color_of(const struct event *ev)
{
	if (ev->is_error || ev->kind == EVENT_ERROR)
		return RED;
	return build_colors[ev->build % (int)ARRAY_LEN(build_colors)];
}

static void put(struct human *h, int color, struct strbuf *text)
{
	clear_live(h);
	if (h->opts.color && color)
		fprintf(h->base.out, "\033[1;%dm%s\033[0m\n", color, text->buf);
	else
		fprintf(h->base.out, "%s\n", text->buf);
	draw_live(h);
	fflush(h->base.out);
}

static void add_time(struct human *h, struct strbuf *sb, const struct event *ev)
{
	if (!h->opts.timestamps)
		return;
	clock_format_local(sb, ev->wall);
	strbuf_addstr(sb, ": ");
}

/* Every line gets the prefix; white space at the end of the whole is dropped. */
static void format_message(struct human *h, const struct event *ev, const char *lead,
			   struct strbuf *sb)
{
	struct str rest = str_of(ev->text), line;

	add_time(h, sb, ev);
	do {
		line = str_split(rest, '\n', &rest);
		if (ev->build_name)
			strbuf_addf(sb, ev->label ? "%s%s (%s): " : "%s%s: ", lead, ev->build_name,
				    ev->label);
		strbuf_add(sb, line.p, line.len);
		strbuf_addch(sb, '\n');
	} while (rest.len);
	strbuf_rtrim(sb);
}

static void put_message(struct human *h, const struct event *ev, const char *lead)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	format_message(h, ev, lead, &sb);
	put(h, ev->build < 0 ? (ev->is_error ? RED : 0) : color_of(ev), &sb);
}

static char *human_prompt(struct renderer *r, const struct event *ev)
{
	struct human *h = (struct human *)r;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	format_message(h, ev, "==> ", &sb);
	if (!h->opts.color || ev->build < 0)
		return strbuf_detach(&sb);
	return xasprintf("\033[1;%dm%s\033[0m", color_of(ev), sb.buf);
}

/* ---- events -------------------------------------------------------------------- */

static struct build_view *view_of(struct human *h, const struct event *ev)
{
	if (ev->build < 0)
		return NULL;
	while (h->builds.len <= (size_t)ev->build)
		vec_push(&h->builds);

	struct build_view *b = &h->builds.items[ev->build];

	if (!b->name)
		b->name = xstrdup(ev->build_name);
	return b;
}

static void end_work(struct build_view *b)
{
	free(b->work);
	b->work = NULL;
}

static void on_progress(struct build_view *b, const struct event *ev)
{
	if (ev->done < 0) {
		end_work(b);
		return;
	}
	if (!b->work || strcmp(b->work, ev->text)) {
		end_work(b);
		b->work = xstrdup(ev->text);
		b->work_started = ev->monotonic;
	}
	b->done = ev->done;
	b->work_total = ev->total;
	b->unit = ev->unit;
}

static void on_wait(struct build_view *b, const struct event *ev)
{
	free(b->waiting);
	b->waiting = xstrdup(ev->text);
}

static void on_step_start(struct build_view *b, const struct event *ev)
{
	free(b->step);
	b->step = xstrdup(ev->text);
	b->index = ev->index;
	b->total = ev->total;
	b->step_started = ev->monotonic;
	b->running = true;
	end_work(b);
}

static void on_step_end(struct build_view *b, const struct event *ev)
{
	*vec_push(&b->steps) = (struct step_time){ xstrdup(ev->text), ev->duration, ev->ok };
	end_work(b);
}

static void put_build_end(struct human *h, struct build_view *b, const struct event *ev)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	b->running = false;
	for (size_t i = 0; i < b->steps.len; i++) {
		const struct step_time *s = &b->steps.items[i];

		strbuf_addf(&sb, "    %s: %8.1f s  %s%s\n", b->name,
			    (double)s->duration / (double)NSEC_PER_SEC, s->name,
			    s->ok ? "" : " (failed)");
	}
	strbuf_rtrim(&sb);
	if (sb.len)
		put(h, build_colors[ev->build % (int)ARRAY_LEN(build_colors)], &sb);
	strbuf_truncate(&sb, 0);
	strbuf_addf(&sb, "Build '%s' %s after ", ev->build_name, ev->ok ? "finished" : "errored");
	duration_format_words(&sb, ev->duration);
	strbuf_addf(&sb, ev->ok ? "." : ": %s", ev->text);
	put(h, ev->ok ? build_colors[ev->build % (int)ARRAY_LEN(build_colors)] : RED, &sb);
}

static void human_event(struct renderer *r, const struct event *ev)
{
	struct human *h = (struct human *)r;
	struct build_view *b = view_of(h, ev);

	switch (ev->kind) {
	case EVENT_SAY:
	case EVENT_ERROR:
		put_message(h, ev, "==> ");
		break;
	case EVENT_OUTPUT:
		put_message(h, ev, ev->is_error ? "==> " : "    ");
		break;
	case EVENT_STEP_START:
		on_step_start(b, ev);
		break;
	case EVENT_STEP_END:
		on_step_end(b, ev);
		break;
	case EVENT_PROGRESS:
		on_progress(b, ev);
		break;
	case EVENT_BUILD_END:
		put_build_end(h, b, ev);
		break;
	case EVENT_WAIT:
		on_wait(b, ev);
		break;
	case EVENT_BUILD_START:
	case EVENT_ARTIFACT:
	case EVENT_TYPED:
	case EVENT_RUN_END:
	case EVENT_QUESTION:
	case EVENT_KIND_COUNT:
		return;
	}
	if (ev->kind == EVENT_STEP_START || ev->kind == EVENT_PROGRESS || ev->kind == EVENT_WAIT) {
		clear_live(h);
		draw_live(h);
	}
}

static void human_text(struct renderer *r, const char *text)
{
	struct human *h = (struct human *)r;

	clear_live(h);
	fprintf(r->out, "%s\n", text);
	draw_live(h);
	fflush(r->out);
}

static void human_error(struct renderer *r, const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	put((struct human *)r, RED, &sb);
}

static void human_tick(struct renderer *r)
{
	struct human *h = (struct human *)r;

	if (!h->opts.live)
		return;
	clear_live(h);
	draw_live(h);
}

static void human_suspend(struct renderer *r)
{
	clear_live((struct human *)r);
	fflush(r->out);
}

static void human_free(struct renderer *r)
{
	struct human *h = (struct human *)r;

	for (size_t i = 0; i < h->builds.len; i++) {
		struct build_view *b = &h->builds.items[i];

		for (size_t k = 0; k < b->steps.len; k++)
			free(b->steps.items[k].name);
		vec_release(&b->steps);
		free(b->name);
		free(b->step);
		free(b->waiting);
		free(b->work);
	}
	vec_release(&h->builds);
	free(h);
}

static const struct renderer_ops human_ops = {
	.event = human_event,
	.say = human_text,
	.error = human_error,
	.tick = human_tick,
	.suspend = human_suspend,
	.prompt = human_prompt,
	.free = human_free,
};

struct renderer *renderer_human_new(FILE *out, const struct human_options *opts)
{
	struct human *h = NEW(struct human);

	h->base = (struct renderer){ .ops = &human_ops, .out = out };
	h->opts = *opts;
	return &h->base;
}
