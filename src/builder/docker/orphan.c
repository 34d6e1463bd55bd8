/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that was asked to commit goes on when its client is interrupted, and
 * in the end there is an image that nobody has the name of. It says which
 * container it was made from (up to Docker 25): by that it is found. One that
 * does not say so is left to `docker image prune`.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/docker/machine.h"
#include "os/clock.h"
#include "os/wait.h"

#include <jansson.h>
#include <stdlib.h>

enum { IMAGES_MAX = 50, TRIES = 40, TRY_MSEC = 250 };

static char *made_from(const char *answer, const char *container)
{
	json_t *images = json_loads(answer, 0, NULL);
	char *id = NULL;

	for (size_t i = 0; !id && i < json_array_size(images); i++) {
		json_t *o = json_array_get(images, i);

		if (text_eq(json_string_value(json_object_get(o, "Container")), container))
			id = xstrdup(json_string_value(json_object_get(o, "Id")));
	}
	json_decref(images);
	return id;
}

/* Those without a name, newest first. NULL: none, or the tool failed. */
static char *look(const struct docker_client *client, const char *container, struct error **err)
{
	AUTO(strv) struct strv list = STRV_INIT;
	AUTO(strv) struct strv inspect = STRV_INIT;

	docker_argv(&list, client, "images");
	strv_pushl(&list, "--quiet", "--no-trunc", "--filter", "dangling=true", NULL);

	AUTO_FREE char *ids = docker_ask(client, &list, NULL, err);

	if (!ids || !*ids)
		return NULL;
	docker_argv(&inspect, client, "image");
	strv_push(&inspect, "inspect");
	for (struct str rest = str_of(ids), id; rest.len && inspect.len < IMAGES_MAX;) {
		id = str_split(rest, '\n', &rest);
		strv_push_take(&inspect, str_dup(id));
	}

	AUTO_FREE char *answer = docker_ask(client, &inspect, NULL, err);

	return answer ? made_from(answer, container) : NULL;
}

char *container_find_orphan(const struct docker_machine *m, struct build_ctx *ctx)
{
	const struct docker_client client = { .program = m->config->docker_path, .ctx = ctx };

	/* Podman commits itself: with it the commit is over */
	for (int i = 0; m->id && i < TRIES && !docker_is_podman(client.program); i++) {
		AUTO(error) struct error *e = NULL;
		char *id = look(&client, m->id, &e);

		if (id)
			return id;
		if (e || io_pause(clock_deadline(TRY_MSEC * NSEC_PER_MSEC), ctx->cancel, &e) < 0) {
			error_ignore(&e, "it was told already that the daemon is gone");
			return NULL;
		}
	}
	return NULL;
}
