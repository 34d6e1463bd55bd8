/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-save`: an image as a tar file that `docker load` takes. */
#include "base/alloc.h"
#include "base/path.h"
#include "comm/docker/artifact.h"
#include "os/fd.h"
#include "os/fs.h"
#include "postproc/docker/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

static int save_to(const struct docker_client *client, const struct artifact *input,
		   const char *path, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	const struct docker_call call = { .client = client, .argv = &argv, .out_fd = fd };

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", path);
	docker_argv(&argv, client, "save");
	strv_push(&argv, input->id);
	return docker_run(&call, err);
}

static int save_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		    struct postproc_result *ret, struct error **err)
{
	const struct docker_save *s = config;
	const struct docker_client client = docker_client_of(s->docker_path, input, ctx);
	AUTO_FREE char *full = path_absolute(ctx->cwd, s->path);
	AUTO_FREE char *dir = path_dirname(full);
	AUTO_FREE char *part = xasprintf("%s.ingot-part", full);
	AUTO(error) struct error *e = NULL;
	uint64_t id;

	if (docker_check_image(input, "docker-save", err) < 0)
		return -1;
	ui_say(ctx->ui, "Saving image: %s", input->id);
	if (fs_mkdir_all(dir, 0755, err) < 0 || journal_path(ctx->journal, part, &id, err) < 0)
		return -1;

	int r = save_to(&client, input, part, err);

	if (r == 0)
		r = fs_rename(part, full, err);
	if (r < 0 && fs_remove(part, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	else
		journal_done(ctx->journal, id);
	if (r < 0)
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
