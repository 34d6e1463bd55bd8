/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-push`: sends an image, by all its names, to a registry. */
#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/artifact.h"
#include "comm/docker/inspect.h"
#include "comm/docker/login.h"
#include "comm/docker/transfer.h"
#include "postproc/docker/tool.h"

struct docker_push {
	const char *docker_path, *platform;
	struct docker_login login;
};

/* clang-format off */
static const struct attr push_attrs[] = {
	ATTR_INCLUDE(struct docker_push, login, struct docker_login, &docker_login_schema),
	ATTR_STRING(struct docker_push, platform, 0, "The platform to push of an image for several."),
	ATTR_DOCKER_PATH(struct docker_push),
	ATTR_END,
};
/* clang-format on */
static const struct schema push_schema = SCHEMA(struct docker_push, push_attrs);

static void push_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct docker_push *p = config;
	docker_login_prepare(&p->login, ctx, diags);
}

static int push_names(const struct docker_push *p, const struct docker_client *client,
		      const struct strv *names, struct error **err)
{
	struct ui *ui = client->ctx->ui;

	for (size_t i = 0; i < names->len; i++) {
		AUTO(strv) struct strv argv = STRV_INIT;

		ui_say(ui, "Pushing: %s", names->v[i]);
		docker_argv(&argv, client, "push");
		if (!text_is_empty(p->platform))
			strv_pushl(&argv, "--platform", p->platform, NULL);
		strv_push(&argv, names->v[i]);
		if (docker_transfer(client, &argv, "pushing", err) < 0)
			return error_prefix(err, "cannot push '%s'", names->v[i]);
	}
	return 0;
}

/* What the registry calls it, for templates: `build.Digest`. */
static void add_digest(const struct docker_client *client, const char *name,
		       const struct artifact *input, struct artifact *a)
{
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO(error) struct error *e = NULL;
	const struct value *before = input->generated_data;
	struct map values;

	if (docker_inspect(client, "image", name, &facts, &e) < 0) {
		error_ignore(&e, "it is pushed all the same");
		return;
	}
	value_map_init(&values);
	for (size_t i = 0; before && i < value_len(before); i++)
		map_set(&values, value_key_at(before, i), value_ref(value_at(before, i)));
	map_set(&values, "Digest", value_string(facts.digest ? facts.digest : ""));
	a->generated_data = value_object_take(&values);
}

static int push_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		    struct postproc_result *ret, struct error **err)
{
	const struct docker_push *p = config;
	struct docker_client client = docker_client_of(p->docker_path, input, ctx);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(strv) struct strv tags = STRV_INIT;

	if (docker_check_image(input, "docker-push", err) < 0)
		return -1;
	strv_push(&names, input->id);
	docker_artifact_tags(input, &tags);
	for (size_t i = 0; i < tags.len; i++)
		if (!strv_contains(&names, tags.v[i]))
			strv_push(&names, tags.v[i]);
	if (text_starts_with(names.v[0], "sha256:") && names.len == 1) {
		error_set(err, ERROR_INVALID, "the image has no name to push it by");
		return error_hint(err, "give it one with docker-tag before docker-push");
	}
	if (docker_login(&client, &p->login, err) < 0)
		return -1;

	int r = push_names(p, &client, &names, err);

	docker_logout(&client, &p->login);
	if (r < 0)
		return -1;
	ret->artifact = docker_image_artifact(DOCKER_IMPORT_ID, names.v[0], &names, client.program);
	add_digest(&client, names.v[0], input, ret->artifact);
	ret->keep = true;
	return 0;
}

const struct postproc_type postproc_docker_push = {
	.name = "docker-push",
	.doc = "Send an image to a registry.",
	.schema = &push_schema,
	.prepare = push_prepare,
	.run = push_run,
	.never_reused = "what the registry has is the registry's to know",
};
