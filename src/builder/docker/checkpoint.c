/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished step as an image: the engine commits the container, which stands still meanwhile and then goes
 * on. The note on the image is in the store, with the name it will have, before the engine is asked: whatever
 * is killed then, the image is found by it and removed. Before the first step there is nothing to commit: the
 * image that the container was made of is that state.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "builder/docker/machine.h"
#include "cache/store.h"
#include "core/away_image.h"
#include "core/journal_entry.h"
#include "os/fd.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Holds the note until an entry names it. */
struct held_note {
	struct checkpoint_rest rest;
	int fd;
};

static int nothing_is_left(struct checkpoint_rest *rest, struct cancel *c, struct error **err)
{
	return 0;
}

static void let_go(struct checkpoint_rest *rest, struct build_ctx *ctx)
{
	struct held_note *h = (struct held_note *)rest;

	fd_close(h->fd);
	free(h);
}

/* Podman has no daemon of which there could be another one; its answer is none. */
static void ask_daemon(struct docker_machine *m, const struct docker_client *client)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (m->daemon)
		return;
	if (docker_is_podman(client->program)) {
		m->daemon = xstrdup("");
		return;
	}
	docker_argv(&argv, client, "info");
	strv_pushl(&argv, "--format", "{{.ID}}", NULL);
	m->daemon = docker_ask(client, &argv, NULL, &e);
	if (m->daemon)
		return;
	error_ignore(&e, "it only tells it from others");
	m->daemon = xstrdup("");
}

static int write_note(int fd, const struct away_image *image, struct build_ctx *ctx,
		      struct error **err)
{
	json_t *note = away_image_note(image, ctx->environ);
	int r = note ? store_away_write(fd, note, err)
		     : error_set(err, ERROR_INVALID,
				 "the environment of the engine cannot be kept: it is not text");

	json_decref(note);
	return r;
}

/* Of the image that was made: its id, and what it adds to the one below. */
static int examine(struct docker_machine *m, const struct docker_client *client,
		   struct away_image *image, char **ret_id, struct error **err)
{
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;

	if (docker_inspect(client, "image", image->name, &facts, err) < 0)
		return -1;
	*ret_id = TAKE(facts.id);
	image->image = *ret_id;
	image->bytes = MAX(facts.size - m->base_size, INT64_C(0));
	return 0;
}

static int commit_as(struct docker_machine *m, struct build_ctx *ctx, const char *path, int fd,
		     char **ret_id, struct error **err)
{
	const struct docker_client client = { .program = m->config->docker_path, .ctx = ctx };
	AUTO_FREE char *id = xstrndup(path_basename(path), strcspn(path_basename(path), "."));
	AUTO_FREE char *name = xasprintf(AWAY_IMAGE_REPOSITORY ":%s", id), *said = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;
	struct away_image image = { .tool = m->config->docker_path, .name = name };

	ask_daemon(m, &client);
	image.daemon = *m->daemon ? m->daemon : NULL;
	if (write_note(fd, &image, ctx, err) < 0)
		return -1;
	argv_docker_keep(&argv, m->config, m->id, name);
	said = docker_ask(&client, &argv, NULL, err);
	if (!said || examine(m, &client, &image, ret_id, err) < 0)
		return error_prefix(err, "cannot commit the container");
	return write_note(fd, &image, ctx, err);
}

/* What starts a shell in it later, without its template. Not if a secret is part of it. */
static void describe_command(const struct docker_machine *m, struct build_ctx *ctx,
			     struct strv *ret)
{
	struct docker_config plain = *m->config;
	AUTO(strv) struct strv argv = STRV_INIT, command = STRV_INIT;
	AUTO_FREE char *line = NULL, *shown = NULL;

	if (docker_names_container(&m->command)) /* there may be one of that name */
		return;
	plain.volumes.len = 0;
	strv_pushv(&command, m->command.v);
	docker_drop_volumes(&command);
	argv_docker_start(&argv, &plain, "", NULL, &command);
	line = strv_join(&argv, "\n");
	shown = redactor_copy(ctx->ui->redactor, line);
	if (!text_eq(line, shown))
		return;
	for (size_t i = DOCKER_START_WORDS; i < argv.len; i++)
		strv_push(ret, argv.v[i]);
}

static int describe(const struct docker_machine *m, struct build_ctx *ctx, const char *image,
		    const char *dir, struct error **err)
{
	AUTO(kept) struct kept k = KEPT_INIT;

	k.image = xstrdup(image);
	k.tool = xstrdup(m->config->docker_path);
	k.variant = xstrdup(m->variant);
	k.exec_user = text_is_empty(m->config->exec_user) ? NULL : xstrdup(m->config->exec_user);
	k.source.id = xstrdup(m->source.id);
	k.source.digest = xstrdup(m->source.digest);
	strv_pushv(&k.source.cmd, m->source.cmd.v);
	strv_pushv(&k.source.entrypoint, m->source.entrypoint.v);
	for (char *const *v = ctx->environ; v && *v; v++)
		if (journal_is_container_variable(*v))
			strv_push(&k.env, *v);
	describe_command(m, ctx, &k.command);
	return kept_write(dir, &k, err);
}

int container_checkpoint(struct machine *machine, struct build_ctx *ctx, struct checkpoint *cp,
			 struct error **err)
{
	struct docker_machine *m = (struct docker_machine *)machine;
	AUTO_FREE char *path = NULL, *image = NULL;
	struct held_note *held;
	int fd = -1;

	if (m->from) /* it stands on these */
		strv_pushv(&cp->layers, m->from->layers.v);
	if (!m->checkpoints++ && !m->from)
		return describe(m, ctx, NULL, cp->dir, err);
	if (store_layer_new(ctx->store, STORE_AWAY, &path, &fd, err) < 0)
		return -1;
	if (commit_as(m, ctx, path, fd, &image, err) < 0 ||
	    describe(m, ctx, image, cp->dir, err) < 0) {
		fd_close(fd);
		return -1;
	}
	held = NEW(struct held_note);
	*held = (struct held_note){ { nothing_is_left, let_go }, fd };
	cp->rest = &held->rest;
	strv_push(&cp->layers, path_basename(path));
	return 0;
}
