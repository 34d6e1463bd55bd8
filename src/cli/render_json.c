/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines: one object per event. Members: time (RFC 3339, UTC), event, and,
 * where they apply, build, label, text, stream, ok, seconds, step, steps,
 * done, total, unit, type, data, artifact {builder_id, id, text, files}.
 * docs/internals/events.md is the reference.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "core/artifact.h"
#include "os/clock.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

STRING_TABLE(event_kind, EVENT_KIND_COUNT, "message", "error", "output", "build-start", "build-end",
	     "step-start", "step-end", "progress", "artifact", "typed", "run-end", "question",
	     "wait");

/* JSON is UTF-8: other bytes, as commands print them, become U+FFFD. */
static json_t *text_json(const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	size_t len = strlen(text), n;

	if (utf8_is_valid(text, len))
		return json_stringn(text, len);
	for (const char *p = text; *p; p += MAX(n, 1u), len -= MAX(n, 1u)) {
		uint32_t cp;

		n = utf8_decode(p, len, &cp);
		strbuf_add(&sb, n ? p : "\xef\xbf\xbd", n ? n : 3);
	}
	return json_stringn(sb.buf, sb.len);
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, text_json(text));
}

static json_t *artifact_json(const struct artifact *a)
{
	json_t *o = json_object(), *files = json_array();

	set_text(o, "builder_id", a->builder_id);
	set_text(o, "id", a->id);
	set_text(o, "text", a->text);
	for (size_t i = 0; i < a->files.len; i++)
		json_array_append_new(files, text_json(a->files.v[i]));
	json_object_set_new(o, "files", files);
	return o;
}

static json_t *event_json(const struct event *ev)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;
	json_t *o = json_object();

	clock_format_utc(&time, ev->wall);
	set_text(o, "time", time.buf);
	set_text(o, "event", event_kind_names[ev->kind]);
	set_text(o, "build", ev->build_name);
	set_text(o, "label", ev->label);
	set_text(o, "text", ev->text);
	if (ev->kind == EVENT_OUTPUT)
		set_text(o, "stream", ev->is_error ? "stderr" : "stdout");
	if (ev->kind == EVENT_BUILD_END || ev->kind == EVENT_STEP_END ||
	    ev->kind == EVENT_RUN_END) {
		json_object_set_new(o, "ok", json_boolean(ev->ok));
		json_object_set_new(o, "seconds",
				    json_real((double)ev->duration / (double)NSEC_PER_SEC));
	}
	if (ev->kind == EVENT_STEP_START || ev->kind == EVENT_STEP_END)
		json_object_set_new(o, "step", json_integer(ev->index));
	if (ev->kind == EVENT_STEP_START || ev->kind == EVENT_STEP_END ||
	    ev->kind == EVENT_BUILD_START)
		json_object_set_new(o, "steps", json_integer(ev->total));
	if (ev->kind == EVENT_PROGRESS) {
		json_object_set_new(o, "done", json_integer(ev->done));
		json_object_set_new(o, "total", json_integer(ev->total));
		set_text(o, "unit", ev->unit == UNIT_BYTES ? "bytes" : "items");
	}
	if (ev->kind == EVENT_ARTIFACT && ev->artifact)
		json_object_set_new(o, "artifact", artifact_json(ev->artifact));
	return o;
}

static void put(struct renderer *r, json_t *o)
{
	json_dumpf(o, r->out, JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputc('\n', r->out);
	fflush(r->out);
	json_decref(o);
}

static void json_renderer_event(struct renderer *r, const struct event *ev)
{
	json_t *o = event_json(ev);

	if (ev->kind == EVENT_TYPED) {
		json_t *data = json_array();

		set_text(o, "type", ev->type);
		for (const char *const *d = ev->data; d && *d; d++)
			json_array_append_new(data, text_json(*d));
		json_object_set_new(o, "data", data);
	}
	put(r, o);
}

static void put_text(struct renderer *r, enum event_kind kind, const char *text)
{
	struct event ev = { .kind = kind, .wall = clock_wall(), .text = text };

	put(r, event_json(&ev));
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
