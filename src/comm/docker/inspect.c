/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/inspect.h"

#include "base/alloc.h"
#include "base/str.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void docker_facts_release(struct docker_facts *f)
{
	free(f->id);
	free(f->digest);
	strv_release(&f->cmd);
	strv_release(&f->entrypoint);
	strv_release(&f->volumes);
	free(f->image);
	*f = (struct docker_facts)DOCKER_FACTS_INIT;
}

static const char *hex_of(const char *id)
{
	return text_starts_with(id, "sha256:") ? id + strlen("sha256:") : id;
}

bool docker_same_id(const char *a, const char *b)
{
	return a && b && !strcmp(hex_of(a), hex_of(b));
}

/* Docker gives lists; Podman of some versions gives an entry point as one text. */
static void take_words(json_t *v, struct strv *ret)
{
	if (json_is_string(v))
		strv_push(ret, json_string_value(v));
	for (size_t i = 0; i < json_array_size(v); i++)
		if (json_is_string(json_array_get(v, i)))
			strv_push(ret, json_string_value(json_array_get(v, i)));
}

static void take_facts(json_t *o, struct docker_facts *ret)
{
	json_t *config = json_object_get(o, "Config");
	json_t *digest = json_array_get(json_object_get(o, "RepoDigests"), 0);
	json_t *volumes = json_object_get(config, "Volumes"), *v;
	const char *place;

	ret->id = xstrdup(json_string_value(json_object_get(o, "Id")));
	ret->digest = xstrdup(json_string_value(digest));
	ret->running = json_is_true(json_object_get(json_object_get(o, "State"), "Running"));
	take_words(json_object_get(config, "Cmd"), &ret->cmd);
	take_words(json_object_get(config, "Entrypoint"), &ret->entrypoint);
	ret->image = xstrdup(json_string_value(json_object_get(o, "Image")));
	ret->size = json_integer_value(json_object_get(o, "Size"));
	ret->layers = json_array_size(json_object_get(json_object_get(o, "RootFS"), "Layers"));
	json_object_foreach (volumes, place, v)
		strv_push(&ret->volumes, place);
}

int docker_parse_facts(const char *json, struct docker_facts *ret, struct error **err)
{
	struct docker_facts facts = DOCKER_FACTS_INIT;
	json_t *doc = json_loads(json, 0, NULL);

	take_facts(json_array_get(doc, 0), &facts);
	json_decref(doc);
	if (!facts.id) {
		docker_facts_release(&facts);
		return error_set(err, ERROR_REMOTE, "the answer of 'inspect' is not understood");
	}
	*ret = facts;
	return 0;
}

int docker_inspect(const struct docker_client *client, const char *kind, const char *name,
		   struct docker_facts *ret, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	docker_argv(&argv, client, kind);
	strv_pushl(&argv, "inspect", name, NULL);

	AUTO_FREE char *answer = docker_ask(client, &argv, NULL, err);

	if (answer)
		return docker_parse_facts(answer, ret, err);
	if ((*err)->kind == ERROR_FAILED && docker_is_absent(*err))
		(*err)->kind = ERROR_NOT_FOUND;
	return -1;
}
