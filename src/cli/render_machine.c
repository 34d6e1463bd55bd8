/* SPDX-License-Identifier: Apache-2.0 */
/* -machine-readable: UNIXTIME,TARGET,TYPE,DATA… (cli.md 3.4). */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "cli/output.h"
#include "os/clock.h"

#include <stdlib.h>

static void put_field(FILE *out, const char *text)
{
	fputc(',', out);
	for (; *text; text++)
		switch (*text) {
		case ',':
			fputs("%!(PACKER_COMMA)", out);
			break;
		case '\r':
			fputs("\\r", out);
			break;
		case '\n':
			fputs("\\n", out);
			break;
		default:
			fputc(*text, out);
		}
}

void machine_line(FILE *out, int64_t wall, const char *target, const char *type,
		  const char *const *fields)
{
	fprintf(out, "%lld,%s,%s", (long long)(wall / NSEC_PER_SEC), target ? target : "", type);
	for (; fields && *fields; fields++)
		put_field(out, *fields);
	fputc('\n', out);
	fflush(out);
}

static void put_ui(struct renderer *r, int64_t wall, const char *channel, const char *text)
{
	machine_line(r->out, wall, NULL, "ui", (const char *const[]){ channel, text, NULL });
}

/* The texts carry their `==> NAME: ` prefixes, as human ones do. */
static void put_message(struct renderer *r, const struct event *ev, const char *channel)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str rest = str_of(ev->text), line;

	do {
		line = str_split(rest, '\n', &rest);
		if (ev->build_name)
			strbuf_addf(&sb, ev->label ? "==> %s (%s): " : "==> %s: ", ev->build_name,
				    ev->label);
		strbuf_add(&sb, line.p, line.len);
		strbuf_addch(&sb, '\n');
	} while (rest.len);
	strbuf_rtrim(&sb);
	put_ui(r, ev->wall, channel, sb.buf);
}

static void put_build_end(struct renderer *r, const struct event *ev)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "Build '%s' %s after ", ev->build_name, ev->ok ? "finished" : "errored");
	duration_format_words(&sb, ev->duration);
	strbuf_addf(&sb, ev->ok ? "." : ": %s", ev->text);
	put_ui(r, ev->wall, ev->ok ? "say" : "error", sb.buf);
}

static void machine_event(struct renderer *r, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SAY:
		put_message(r, ev, "say");
		break;
	case EVENT_ERROR:
		put_message(r, ev, "error");
		break;
	case EVENT_OUTPUT:
		put_message(r, ev, ev->is_error ? "error" : "say");
		break;
	case EVENT_BUILD_END:
		put_build_end(r, ev);
		break;
	case EVENT_TYPED:
		machine_line(r->out, ev->wall, ev->build_name, ev->type, ev->data);
		break;
	case EVENT_BUILD_START:
	case EVENT_STEP_START:
	case EVENT_STEP_END:
	case EVENT_PROGRESS:
	case EVENT_ARTIFACT:
	case EVENT_RUN_END:
	case EVENT_QUESTION:
	case EVENT_WAIT:
	case EVENT_KIND_COUNT:
		break;
	}
}

static void machine_say(struct renderer *r, const char *text)
{
	put_ui(r, clock_wall(), "say", text);
}

static void machine_error(struct renderer *r, const char *text)
{
	put_ui(r, clock_wall(), "error", text);
}

static void nothing(struct renderer *r)
{
	(void)r;
}

static void machine_free(struct renderer *r)
{
	free(r);
}

static const struct renderer_ops machine_ops = {
	.event = machine_event,
	.say = machine_say,
	.error = machine_error,
	.tick = nothing,
	.suspend = nothing,
	.free = machine_free,
};

struct renderer *renderer_machine_new(FILE *out)
{
	struct renderer *r = NEW(struct renderer);

	*r = (struct renderer){ .ops = &machine_ops, .out = out };
	return r;
}
