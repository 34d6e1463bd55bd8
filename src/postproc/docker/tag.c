/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-tag`: gives an image a name, and tags. */
#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/artifact.h"
#include "postproc/docker/tool.h"

struct docker_tag {
	const char *docker_path, *repository;
	struct text_list tags, tag;
	bool force;
};

static const struct attr tag_attrs[] = {
	ATTR_STRING(struct docker_tag, repository, 0,
		    "Name of the image, with the registry it will go to."),
	ATTR_STRINGS(struct docker_tag, tags, 0, "Tags; none: the tool's own, latest."),
	ATTR_STRINGS(struct docker_tag, tag, ATTR_DEPRECATED, "Old name of tags.",
		     .replacement = "tags"),
	ATTR_BOOL(struct docker_tag, force, ATTR_IGNORED, "Has no effect: a tag always moves."),
	ATTR_DOCKER_PATH(struct docker_tag),
	ATTR_END,
};
static const struct schema tag_schema = SCHEMA(struct docker_tag, tag_attrs);

static void tag_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct docker_tag *t = config;

	docker_require(t->repository, "repository", ctx, diags);
}

static void add_names(const struct docker_tag *t, struct strv *ret)
{
	const struct text_list *lists[] = { &t->tags, &t->tag };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t j = 0; j < lists[i]->len; j++) {
			AUTO_FREE char *name = xasprintf("%s:%s", t->repository, lists[i]->v[j]);

			if (!strv_contains(ret, name))
				strv_push(ret, name);
		}
	if (!ret->len)
		strv_push(ret, t->repository);
}

static int tag_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		   struct postproc_result *ret, struct error **err)
{
	const struct docker_tag *t = config;
	const struct docker_client client = docker_client_of(t->docker_path, input, ctx);
	AUTO(strv) struct strv names = STRV_INIT;

	if (docker_check_image(input, "docker-tag", err) < 0)
		return -1;
	add_names(t, &names);
	for (size_t i = 0; i < names.len; i++) {
		AUTO(strv) struct strv argv = STRV_INIT;
		const struct docker_call call = { .client = &client, .argv = &argv };

		ui_say(ctx->ui, "Tagging image: %s", input->id);
		ui_say(ctx->ui, "Repository: %s", names.v[i]);
		docker_argv(&argv, &client, "tag");
		strv_pushl(&argv, input->id, names.v[i], NULL);
		if (docker_run(&call, err) < 0)
			return error_prefix(err, "cannot tag the image");
	}
	ret->artifact = docker_image_artifact(DOCKER_TAG_ID, names.v[names.len - 1], &names,
					      client.program);
	ret->keep = true;
	ret->force_keep = true;
	return 0;
}

const struct postproc_type postproc_docker_tag = {
	.name = "docker-tag",
	.doc = "Give an image a name and tags.",
	.schema = &tag_schema,
	.prepare = tag_prepare,
	.run = tag_run,
	.never_reused = "where its tags point is the daemon's to know",
};
