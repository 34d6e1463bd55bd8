/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source type `docker`: a container of an image that is there, provisioned
 * and made into another image or a tar file; all through the command line of
 * Docker or Podman (docs/docker.md).
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "builder/docker/image.h"
#include "builder/docker/machine.h"
#include "comm/docker/artifact.h"
#include "comm/docker/file_out.h"
#include "core/away_image.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_text(struct map *values, const char *name, const char *text)
{
	map_set(values, name, value_string(text ? text : ""));
}

static int docker_boot(struct machine *machine, struct build_ctx *ctx, struct error **err)
{
	struct docker_machine *m = (struct docker_machine *)machine;
	const struct docker_config *c = m->config;

	if (container_start(m, ctx, err) < 0)
		return -1;
	set_text(&machine->generated, "ID", m->id);
	set_text(&machine->generated, "SourceImageSha256", m->source.id);
	set_text(&machine->generated, "SourceImageDigest", m->source.digest);
	m->comm = (struct docker_comm_config){
		.program = c->docker_path,
		.container = m->id,
		.exec_user = text_is_empty(c->exec_user) ? NULL : c->exec_user,
		.pty = c->pty,
		.keep_owner = !c->fix_upload_owner,
	};
	return 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

static int commit(struct docker_machine *m, struct build_ctx *ctx, struct artifact **ret,
		  struct error **err)
{
	const struct docker_client client = { .program = m->config->docker_path, .ctx = ctx };
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(docker_facts) struct docker_facts now = DOCKER_FACTS_INIT;

	ui_say(ctx->ui, "Committing the container");
	now.id = xstrdup(m->id);
	docker_started_facts(&m->command, m->variant, &now);
	argv_docker_commit(&argv, m->config, &m->source, &now);
	ui_wait(ctx->ui, "the container's files to be stored");

	m->committing = true;

	char *id = docker_ask(&client, &argv, NULL, err);

	ui_wait_end(ctx->ui);
	/* what the tool says of itself is the end of it */
	m->committing = !id && (*err)->kind != ERROR_FAILED;
	if (!id)
		return error_prefix(err, "cannot commit the container");
	free(m->image);
	m->image = id;
	ui_say(ctx->ui, "Image ID: %s", id);
	set_text(&m->machine.generated, "ImageSha256", id);
	*ret = docker_image_artifact(DOCKER_IMPORT_ID, id, NULL, m->config->docker_path);
	return 0;
}

static int export(struct docker_machine *m, struct build_ctx *ctx, struct artifact **ret,
		  struct error **err)
{
	const char *path = m->config->export_path;
	const struct docker_client client = { .program = m->config->docker_path, .ctx = ctx };
	AUTO_FREE char *text = xasprintf("Exported Docker file: %s", path);
	AUTO(strv) struct strv argv = STRV_INIT;

	ui_say(ctx->ui, "Exporting the container");
	argv_docker_export(&argv, m->config, m->id);
	if (docker_write_file(&client, &argv, path, err) < 0)
		return error_prefix(err, "cannot export the container to '%s'", path);
	free(m->exported);
	m->exported = path_absolute(ctx->cwd, path);
	*ret = artifact_new(DOCKER_BUILDER_ID, "Container", text);
	strv_push(&(*ret)->files, path);
	(*ret)->destroy = artifact_destroy_files;
	return 0;
}

static int docker_finish(struct machine *machine, struct build_ctx *ctx, struct artifact **ret,
			 struct error **err)
{
	struct docker_machine *m = (struct docker_machine *)machine;

	if (m->config->commit)
		return commit(m, ctx, ret, err);
	if (!text_is_empty(m->config->export_path))
		return export(m, ctx, ret, err);
	*ret = artifact_new(DOCKER_BUILDER_ID, "Container", "Exported Docker file: ");
	return 0;
}

/* ---- away --------------------------------------------------------------------------------- */

static void free_machine(struct docker_machine *m)
{
	docker_facts_release(&m->source);
	kept_release(&m->kept);
	strv_release(&m->command);
	free(m->variant);
	free(m->daemon);
	map_release(&m->machine.generated);
	free(m->name);
	free(m->id);
	free(m->shared);
	free(m->ended);
	free(m->ended_hint);
	free(m->image);
	free(m->exported);
	free(m);
}

static void warn(struct build_ctx *ctx, const struct error *e)
{
	ui_error(ctx->ui, "warning: %s", e->message);
}

static void remove_output(struct docker_machine *m, struct build_ctx *ctx)
{
	AUTO(error) struct error *e = NULL, *kept = NULL;

	if (m->exported && fs_remove(m->exported, &e) < 0)
		warn(ctx, e);
	if (m->committing)
		m->image = container_find_orphan(m, ctx);
	if (!m->image)
		return;

	AUTO(artifact)
	struct artifact *a =
		docker_image_artifact(DOCKER_IMPORT_ID, m->image, NULL, m->config->docker_path);

	if (artifact_destroy(a, &kept) < 0)
		warn(ctx, kept);
}

static void docker_destroy(struct machine *machine, struct build_ctx *ctx, bool keep_output)
{
	struct docker_machine *m = (struct docker_machine *)machine;
	AUTO(error) struct error *e = NULL;

	container_unwatch(m, ctx);
	if (container_remove(m, ctx, &e) < 0)
		warn(ctx, e);
	if (!keep_output)
		remove_output(m, ctx);
	free_machine(m);
}

static void docker_leave(struct machine *machine, struct build_ctx *ctx)
{
	struct docker_machine *m = (struct docker_machine *)machine;

	container_unwatch(m, ctx);
	free_machine(m);
}

static const struct machine_ops docker_machine_ops = {
	.boot = docker_boot,
	.finish = docker_finish,
	.destroy = docker_destroy,
	.why_ended = container_why_ended,
	.checkpoint = container_checkpoint,
	.leave = docker_leave,
};

static struct machine *docker_start(const void *config, struct build_ctx *ctx,
				    struct checkpoint *from, struct error **err)
{
	const struct docker_config *c = config;
	struct docker_machine *m = NEW(struct docker_machine);

	(void)ctx;
	(void)err;
	*m = (struct docker_machine){ .config = c,
				      .source = DOCKER_FACTS_INIT,
				      .from = from,
				      .kept = KEPT_INIT,
				      .command = STRV_INIT,
				      .wait = PROC_INIT };
	m->machine = (struct machine){
		.ops = &docker_machine_ops,
		.watch_fd = -1,
		.comm_type = c->comm.communicator,
		.comm_config =
			text_eq(c->comm.communicator, "docker") ? (const void *)&m->comm : &c->comm,
		.target = { .host = c->comm.ssh_host, .port = (int)c->comm.ssh_port },
	};
	value_map_init(&m->machine.generated);
	return &m->machine;
}

/* ---- what earlier builds left ---------------------------------------------------------------- */

static char *docker_why_lost(const void *config, struct build_ctx *ctx, const struct json_t *note)
{
	const struct docker_config *c = config;
	const struct docker_client client = { .program = c->docker_path, .ctx = ctx };
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO(error) struct error *e = NULL;
	struct away_image image;

	if (!away_image_read(note, &image) || !image.image)
		return xstrdup("what is known of its image cannot be read");
	if (docker_inspect(&client, "image", image.image, &facts, &e) == 0)
		return NULL;
	if (e->kind != ERROR_NOT_FOUND || !docker_is_absent(e)) {
		error_ignore(&e, "the build itself finds that, and says it better");
		return NULL;
	}
	error_ignore(&e, "it is made again");
	return xasprintf("%s has its image no more", c->docker_path);
}

static bool docker_is_there(const void *config, struct build_ctx *ctx, struct artifact *a)
{
	const struct docker_config *c = config;
	const struct docker_client client = { .program = c->docker_path, .ctx = ctx };
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO(error) struct error *e = NULL;

	if (!docker_artifact_restore(a, c->docker_path))
		return false;
	if (docker_inspect(&client, "image", a->id, &facts, &e) == 0)
		return docker_same_id(facts.id, a->id);
	error_ignore(&e, "then it is made again");
	return false;
}

static const char *const docker_generated[] = {
	"Digest", /* once docker-push has it */
	"ImageSha256", "SourceImageSha256", "SourceImageDigest", NULL,
};

const struct builder_type builder_docker = {
	.name = "docker",
	.doc = "Provision a container, and make an image or a tar file of it.",
	.schema = &docker_schema,
	.prepare = docker_prepare,
	.fingerprint = docker_fingerprint,
	.start = docker_start,
	.generated_names = docker_generated,
	.start_step = "StepRun",
	.finish_step = "StepCommit",
	.checkpoints = true,
	.why_lost = docker_why_lost,
	.is_there = docker_is_there,
};
