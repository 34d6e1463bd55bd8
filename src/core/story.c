/* SPDX-License-Identifier: Apache-2.0 */
#include "core/story.h"

#include "base/macro.h"
#include "base/str.h"

#include <jansson.h>
#include <string.h>

json_t *story_new(void)
{
	json_t *story = json_object();

	json_object_set_new(story, "builds", json_array());
	json_object_set_new(story, "errors", json_array());
	return story;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_t *find_build(const json_t *builds, const char *name)
{
	for (size_t i = 0; i < json_array_size(builds); i++)
		if (text_eq(text_of(json_array_get(builds, i), "name"), name))
			return json_array_get(builds, i);
	return NULL;
}

json_t *story_build(json_t *story, const char *name)
{
	json_t *builds = json_object_get(story, "builds");
	json_t *build = find_build(builds, name);

	if (build)
		return build;
	build = json_object();
	json_object_set_new(build, "name", json_string(name));
	json_object_set_new(build, "steps", json_array());
	json_array_append_new(builds, build);
	return build;
}

static void copy(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		json_object_set(to, key, value);
}

static void start_step(json_t *build, const json_t *event)
{
	json_t *step = json_object();

	json_object_set(step, "name", json_object_get(event, "text"));
	json_array_append_new(json_object_get(build, "steps"), step);
}

/* Steps of a build come one after another. */
static void end_step(json_t *build, const json_t *event)
{
	json_t *steps = json_object_get(build, "steps");
	json_t *step = json_array_get(steps, json_array_size(steps) - 1);

	if (!step)
		return;
	copy(step, event, "ok");
	copy(step, event, "seconds");
}

static void end_build(json_t *build, const json_t *event)
{
	const char *text = text_of(event, "text");
	bool ok = json_is_true(json_object_get(event, "ok"));

	json_object_set_new(build, "status", json_string(ok ? "succeeded" : "failed"));
	copy(build, event, "seconds");
	if (text)
		json_object_set_new(build, "error", json_pack("{ss}", "message", text));
}

void story_add(json_t *story, const json_t *event)
{
	static const struct {
		const char *event;
		void (*add)(json_t *build, const json_t *event);
	} rows[] = {
		{ "build-start", NULL },
		{ "step-start", start_step },
		{ "step-end", end_step },
		{ "build-end", end_build },
	};
	const char *kind = text_of(event, "event");
	const char *name = text_of(event, "build");
	json_t *text = json_object_get(event, "text");

	if (!kind)
		return;
	/* What is said before the first build starts is about the template. */
	if (!name && text && !strcmp(kind, "error") &&
	    !json_array_size(json_object_get(story, "builds")))
		json_array_append(json_object_get(story, "errors"), text);
	for (size_t i = 0; name && i < ARRAY_LEN(rows); i++) {
		if (strcmp(kind, rows[i].event) != 0)
			continue;

		json_t *build = story_build(story, name);

		if (rows[i].add)
			rows[i].add(build, event);
	}
}
