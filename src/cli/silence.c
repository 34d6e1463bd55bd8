/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/silence.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/strbuf.h"
#include "os/clock.h"

#include <stdlib.h>

void silence_release(struct silence *s)
{
	for (size_t i = 0; i < s->builds.len; i++) {
		free(s->builds.items[i].name);
		free(s->builds.items[i].step);
		free(s->builds.items[i].waiting_for);
	}
	vec_release(&s->builds);
}

static struct silent_build *build_of(struct silence *s, const struct event *ev)
{
	while (s->builds.len <= (size_t)ev->build)
		vec_push(&s->builds);

	struct silent_build *b = &s->builds.items[ev->build];

	if (!b->name)
		b->name = xstrdup(ev->build_name);
	return b;
}

void silence_note(struct silence *s, const struct event *ev)
{
	struct silent_build *b;

	if (s->patience <= 0 || ev->build < 0)
		return;
	b = build_of(s, ev);
	if (ev->kind != EVENT_WAIT) {
		b->last_word = ev->monotonic;
		b->next_notice = ev->monotonic + s->patience;
	}
	if (ev->kind == EVENT_STEP_START) {
		free(b->step);
		b->step = xstrdup(ev->text);
		b->index = ev->index;
		b->total = ev->total;
		b->running = true;
	} else if (ev->kind == EVENT_WAIT) {
		free(b->waiting_for);
		b->waiting_for = xstrdup(ev->text);
	} else if (ev->kind == EVENT_BUILD_END) {
		b->running = false;
	}
}

static void format_notice(struct strbuf *sb, const struct silent_build *b, int64_t now)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	duration_format(&time, (now - b->last_word) / NSEC_PER_SEC * NSEC_PER_SEC);
	strbuf_addstr(sb, "Still ");
	if (b->waiting_for)
		strbuf_addf(sb, "waiting for %s ", b->waiting_for);
	strbuf_addf(sb, "in step %d of %d (%s); nothing was heard for %s", b->index, b->total,
		    b->step, time.buf);
}

void silence_check(struct silence *s, int64_t now, void (*say)(void *data, const struct event *ev),
		   void *data)
{
	for (size_t i = 0; i < s->builds.len; i++) {
		struct silent_build *b = &s->builds.items[i];
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		if (!b->running || !b->step || now < b->next_notice)
			continue;
		format_notice(&sb, b, now);
		b->next_notice = now + (now - b->last_word);

		const struct event ev = {
			.kind = EVENT_SAY,
			.wall = clock_wall(),
			.monotonic = now,
			.build = (int)i,
			.build_name = b->name,
			.text = sb.buf,
		};

		say(data, &ev);
	}
}
