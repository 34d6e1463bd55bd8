/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-import`: a tar file of a file system becomes an image. */
#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/artifact.h"
#include "os/fd.h"
#include "postproc/docker/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct docker_import {
	const char *docker_path, *repository, *tag, *platform;
	struct text_list changes;
};

static const struct attr import_attrs[] = {
	ATTR_STRING(struct docker_import, repository, 0, "Name of the image."),
	ATTR_STRING(struct docker_import, tag, 0, "Its tag; unset: latest."),
	ATTR_STRINGS(struct docker_import, changes, 0,
		     "Instructions of a Dockerfile for the image, as `USER app`."),
	ATTR_STRING(struct docker_import, platform, 0, "Its platform, as `linux/arm64`."),
	ATTR_DOCKER_PATH(struct docker_import),
	ATTR_END,
};
static const struct schema import_schema = SCHEMA(struct docker_import, import_attrs);

static void import_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct docker_import *c = config;

	docker_require(c->repository, "repository", ctx, diags);
}

static int check_input(const struct artifact *a, struct error **err)
{
	if (!text_eq(a->builder_id, DOCKER_BUILDER_ID) &&
	    !text_eq(a->builder_id, "packer.post-processor.artifice")) {
		error_set(err, ERROR_INVALID, "Unknown artifact type: %s", a->builder_id);
		return error_hint(err, "docker-import works on a tar file: of the docker builder "
				       "with export_path, or named by artifice");
	}
	if (!a->files.len)
		return error_set(err, ERROR_INVALID, "there is no file to import");
	return 0;
}

static int import_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		      struct postproc_result *ret, struct error **err)
{
	const struct docker_import *c = config;
	const struct docker_client client = docker_client_of(c->docker_path, input, ctx);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(64 * 1024);
	AUTO_FREE char *name = xasprintf("%s%s%s", c->repository, text_is_empty(c->tag) ? "" : ":",
					 c->tag ? c->tag : "");

	if (check_input(input, err) < 0)
		return -1;

	AUTO_CLOSE int fd = open(input->files.v[0], O_RDONLY | O_CLOEXEC);
	const struct docker_call call = {
		.client = &client, .argv = &argv, .in_fd = fd, .output = &out
	};

	if (fd < 0)
		return error_set_errno(err, errno, "cannot read '%s'", input->files.v[0]);
	docker_argv(&argv, &client, "import");
	for (size_t i = 0; i < c->changes.len; i++)
		strv_pushl(&argv, "--change", c->changes.v[i], NULL);
	if (!text_is_empty(c->platform))
		strv_pushl(&argv, "--platform", c->platform, NULL);
	strv_pushl(&argv, "-", name, NULL);
	ui_say(ctx->ui, "Importing image: %s", input->files.v[0]);
	ui_say(ctx->ui, "Repository: %s", name);
	if (docker_run(&call, err) < 0)
		return error_prefix(err, "cannot import '%s'", input->files.v[0]);
	strbuf_rtrim(&out);
	ui_say(ctx->ui, "Imported ID: %s", out.buf);
	ret->artifact = docker_image_artifact(DOCKER_IMPORT_ID, name, NULL, client.program);
	return 0;
}

const struct postproc_type postproc_docker_import = {
	.name = "docker-import",
	.doc = "Make an image of a tar file.",
	.schema = &import_schema,
	.prepare = import_prepare,
	.run = import_run,
	.never_reused = "where its name points is the daemon's to know",
};
