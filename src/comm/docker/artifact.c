/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/artifact.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "comm/docker/client.h"
#include "os/clock.h"

#include <stdlib.h>

enum { REMOVE_SEC = 60 };

/* Where the build is over already: a plain run of the tool, destroy_path is its name. */
static int remove_image(const struct artifact *a, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct proc_run run = {
		.spec = { .argv = &argv },
		.deadline = clock_deadline(REMOVE_SEC * NSEC_PER_SEC),
	};

	strv_pushl(&argv, a->destroy_path, "rmi", a->id, NULL);
	if (proc_run(&run, NULL, NULL, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_FAILED && docker_is_absent(*err)) {
		error_ignore(err, "somebody else removed it");
		return 0;
	}
	return docker_explain(a->destroy_path, err);
}

struct artifact *docker_image_artifact(const char *builder_id, const char *id,
				       const struct strv *tags, const char *program)
{
	AUTO_FREE char *names = tags && tags->len ? strv_join(tags, " ") : NULL;
	AUTO_FREE char *text = xasprintf("Imported Docker image: %s%s%s", id,
					 names ? " with tags " : "", names ? names : "");
	struct artifact *a = artifact_new(builder_id, id, text);

	a->destroy = remove_image;
	a->destroy_path = xstrdup(program);
	if (!tags || !tags->len)
		return a;

	AUTO_FREE struct value **items = xcalloc(tags->len, sizeof(struct value *));
	struct map state;

	for (size_t i = 0; i < tags->len; i++)
		items[i] = value_string(tags->v[i]);
	value_map_init(&state);
	map_set(&state, "docker_tags", value_list_take(type_string, items, tags->len));
	a->state = value_object_take(&state);
	return a;
}

bool docker_artifact_restore(struct artifact *a, const char *program)
{
	if (!text_eq(a->builder_id, DOCKER_IMPORT_ID) || !*a->id || a->id[0] == '-')
		return false;
	a->destroy = remove_image;
	free(a->destroy_path);
	a->destroy_path = xstrdup(program);
	return true;
}

const char *docker_artifact_program(const struct artifact *a)
{
	return a->destroy == remove_image ? a->destroy_path : NULL;
}

void docker_artifact_tags(const struct artifact *a, struct strv *ret)
{
	const struct value *tags = a->state ? value_get(a->state, "docker_tags") : NULL;

	for (size_t i = 0; tags && !value_is_null(tags) && i < value_len(tags); i++) {
		const struct value *v = value_at(tags, i);

		if (type_kind(value_type(v)) == TYPE_STRING && !value_is_null(v))
			strv_push(ret, value_as_string(v));
	}
}

int docker_check_image(const struct artifact *a, const char *what, struct error **err)
{
	if (text_eq(a->builder_id, DOCKER_IMPORT_ID) || text_eq(a->builder_id, DOCKER_TAG_ID))
		return 0;
	error_set(err, ERROR_INVALID, "Unknown artifact type: %s", a->builder_id);
	return error_hint(err,
			  "%s works on images: of the docker builder with commit = true, of "
			  "docker-import or of docker-tag",
			  what);
}
