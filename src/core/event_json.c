/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines: one object per event. Members: time (RFC 3339, UTC), event, and,
 * where they apply, build, label, text, stream, ok, seconds, step, steps,
 * done, total, unit, type, data, artifact {builder_id, id, text, files}.
 */
#include "core/event_json.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "core/artifact.h"
#include "core/json_text.h"
#include "os/clock.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

STRING_TABLE(event_kind, EVENT_KIND_COUNT, "message", "error", "output", "build-start", "build-end",
	     "step-start", "step-end", "progress", "artifact", "typed", "run-end", "question",
	     "wait");

json_t *json_text(const char *text)
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

void json_set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_text(text));
}

json_t *artifact_json(const struct artifact *a)
{
	json_t *o = json_object(), *files = json_array();

	json_set_text(o, "builder_id", a->builder_id);
	json_set_text(o, "id", a->id);
	json_set_text(o, "text", a->text);
	for (size_t i = 0; i < a->files.len; i++)
		json_array_append_new(files, json_text(a->files.v[i]));
	json_object_set_new(o, "files", files);
	return o;
}

json_t *event_json(const struct event *ev)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;
	json_t *o = json_object();
	bool is_step = ev->kind == EVENT_STEP_START || ev->kind == EVENT_STEP_END;

	clock_format_utc(&time, ev->wall);
	json_set_text(o, "time", time.buf);
	json_set_text(o, "event", event_kind_names[ev->kind]);
	json_set_text(o, "build", ev->build_name);
	json_set_text(o, "label", ev->label);
	json_set_text(o, "text", ev->text);
	if (ev->kind == EVENT_OUTPUT)
		json_set_text(o, "stream", ev->is_error ? "stderr" : "stdout");
	if (ev->kind == EVENT_BUILD_END || ev->kind == EVENT_STEP_END ||
	    ev->kind == EVENT_RUN_END) {
		json_object_set_new(o, "ok", json_boolean(ev->ok));
		json_object_set_new(o, "seconds",
				    json_real((double)ev->duration / (double)NSEC_PER_SEC));
	}
	if (is_step)
		json_object_set_new(o, "step", json_integer(ev->index));
	if (is_step || ev->kind == EVENT_BUILD_START)
		json_object_set_new(o, "steps", json_integer(ev->total));
	if (ev->kind == EVENT_PROGRESS) {
		json_object_set_new(o, "done", json_integer(ev->done));
		json_object_set_new(o, "total", json_integer(ev->total));
		json_set_text(o, "unit", ev->unit == UNIT_BYTES ? "bytes" : "items");
	}
	if (ev->kind == EVENT_ARTIFACT && ev->artifact)
		json_object_set_new(o, "artifact", artifact_json(ev->artifact));
	if (ev->kind == EVENT_TYPED) {
		json_t *data = json_array();

		json_set_text(o, "type", ev->type);
		for (const char *const *d = ev->data; d && *d; d++)
			json_array_append_new(data, json_text(*d));
		json_object_set_new(o, "data", data);
	}
	return o;
}

char *event_json_line(const json_t *event)
{
	AUTO_FREE char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));

	return xasprintf("%s\n", text);
}
