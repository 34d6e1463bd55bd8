/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines: one object per event (core/event_json.h). */
#include "base/alloc.h"
#include "cli/output.h"
#include "core/event_json.h"
#include "os/clock.h"

#include <jansson.h>
#include <stdlib.h>

static void json_renderer_event(struct renderer *r, const struct event *ev)
{
	json_t *o = event_json(ev);
	AUTO_FREE char *line = event_json_line(o);

	json_decref(o);
	fputs(line, r->out);
	fflush(r->out);
}

static void put_text(struct renderer *r, enum event_kind kind, const char *text)
{
	struct event ev = { .kind = kind, .wall = clock_wall(), .text = text };

	json_renderer_event(r, &ev);
}

static void json_renderer_say(struct renderer *r, const char *text)
{
	put_text(r, EVENT_SAY, text);
}

static void json_renderer_error(struct renderer *r, const char *text)
{
	put_text(r, EVENT_ERROR, text);
}

static void nothing(struct renderer *r)
{
	(void)r;
}

static void json_renderer_free(struct renderer *r)
{
	free(r);
}

static const struct renderer_ops json_ops = {
	.event = json_renderer_event,
	.say = json_renderer_say,
	.error = json_renderer_error,
	.tick = nothing,
	.suspend = nothing,
	.free = json_renderer_free,
};

struct renderer *renderer_json_new(FILE *out)
{
	struct renderer *r = NEW(struct renderer);

	*r = (struct renderer){ .ops = &json_ops, .out = out };
	return r;
}
