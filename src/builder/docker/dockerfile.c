/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image to start from, made of a Dockerfile. The tool writes its ID to a
 * file: what else it says differs between versions. The image stays, as one
 * that was pulled does: the next build is quick with it.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "builder/docker/argv.h"
#include "builder/docker/image.h"
#include "comm/docker/transfer.h"
#include "os/fs.h"

#include <string.h>

enum { ID_FILE_MAX = 4096, ID_HEX = 64 };

static bool is_image_id(const char *text)
{
	static const char start[] = "sha256:";
	const char *hex = text + strlen(start);

	return text_starts_with(text, start) && strlen(hex) == ID_HEX &&
	       strspn(hex, "0123456789abcdef") == ID_HEX;
}

static int take_image(const struct docker_config *c, const char *id_file, char **ret,
		      struct error **err)
{
	AUTO(strbuf) struct strbuf id = STRBUF_INIT_MAX(ID_FILE_MAX);
	AUTO(error) struct error *e = NULL;

	if (fs_read(id_file, ID_FILE_MAX / 2, &id, &e) < 0)
		error_ignore(&e, "told below: there is no ID");
	strbuf_rtrim(&id);
	if (!is_image_id(id.buf))
		return error_set(err, ERROR_REMOTE, "'%s build' did not say which image it made",
				 c->docker_path);
	*ret = strbuf_detach(&id);
	return 0;
}

int image_build(const struct docker_config *c, struct build_ctx *ctx, char **ret,
		struct error **err)
{
	const struct docker_client client = { .program = c->docker_path, .ctx = ctx };
	const struct dockerfile *d = c->build;
	AUTO_FREE char *id_file = path_join(ctx->temp_dir, "docker-image-id");
	AUTO(strv) struct strv argv = STRV_INIT;

	ui_say(ctx->ui, "Building Docker image: %s", d->path);
	argv_docker_build(&argv, c, d, id_file);
	ui_wait(ctx->ui, "'%s build' to make an image of %s", path_basename(client.program),
		d->path);

	int r = docker_transfer(&client, &argv, "pulling", err);

	ui_wait_end(ctx->ui);
	if (r == 0)
		r = take_image(c, id_file, ret, err);
	if (r < 0)
		return error_prefix(err, "cannot build an image of '%s'", d->path);
	ui_say(ctx->ui, "Image ID: %s", *ret);
	return 0;
}
