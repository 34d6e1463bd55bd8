/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-save`: an image as a tar file that `docker load` takes. */
#include "comm/docker/artifact.h"
#include "comm/docker/file_out.h"
#include "postproc/docker/tool.h"

struct docker_save {
	const char *docker_path, *path;
};

static const struct attr save_attrs[] = {
	ATTR_STRING(struct docker_save, path, 0, "The file to write."),
	ATTR_DOCKER_PATH(struct docker_save),
	ATTR_END,
};
static const struct schema save_schema = SCHEMA(struct docker_save, save_attrs);

static void save_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct docker_save *s = config;

	docker_require(s->path, "path", ctx, diags);
}

static int save_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		    struct postproc_result *ret, struct error **err)
{
	const struct docker_save *s = config;
	const struct docker_client client = docker_client_of(s->docker_path, input, ctx);
	AUTO(strv) struct strv argv = STRV_INIT;

	if (docker_check_image(input, "docker-save", err) < 0)
		return -1;
	ui_say(ctx->ui, "Saving image: %s", input->id);
	docker_argv(&argv, &client, "save");
	strv_push(&argv, input->id);
	if (docker_write_file(&client, &argv, s->path, err) < 0)
		return error_prefix(err, "cannot save the image to '%s'", s->path);
	ret->artifact = artifact_ref(input);
	ret->keep = true;
	return 0;
}

const struct postproc_type postproc_docker_save = {
	.name = "docker-save",
	.doc = "Write an image to a tar file.",
	.schema = &save_schema,
	.prepare = save_prepare,
	.run = save_run,
};
