/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/docker/image.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "comm/docker/transfer.h"

#include <string.h>

static int pull(const struct docker_config *c, struct build_ctx *ctx, struct error **err)
{
	struct docker_client client = { .program = c->docker_path, .ctx = ctx };
	AUTO(strv) struct strv argv = STRV_INIT;

	ui_say(ctx->ui, "Pulling Docker image: %s", c->image);
	if (docker_login(&client, &c->login, err) < 0)
		return -1;
	argv_docker_pull(&argv, c);
	ui_wait(ctx->ui, "the registry to send the image %s", c->image);

	int r = docker_transfer(&client, &argv, "pulling", err);

	ui_wait_end(ctx->ui);
	docker_logout(&client, &c->login);
	return r < 0 ? error_prefix(err, "cannot pull '%s'", c->image) : 0;
}

int image_get(const struct docker_config *c, struct build_ctx *ctx, char **ret, struct error **err)
{
	if (c->build && !ctx->resolved.id)
		return image_build(c, ctx, ret, err);
	if (c->pull && !c->build && !ctx->resolved.id && pull(c, ctx, err) < 0)
		return -1;
	*ret = xstrdup(c->build ? ctx->resolved.id : c->image);
	return 0;
}

int image_look(const struct docker_config *c, struct build_ctx *ctx, const char *name,
	       struct docker_facts *ret, struct error **err)
{
	const struct docker_client client = { .program = c->docker_path, .ctx = ctx };

	docker_facts_release(ret);
	if (docker_inspect(&client, "image", name, ret, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_NOT_FOUND && docker_is_absent(*err))
		error_hint(err, "with pull = true it is fetched");
	return error_prefix(err, "cannot use the image '%s'", name);
}

/* ---- what decides the state of a container ------------------------------------------------ */

static void add_text(struct digest *d, const char *name, const char *text)
{
	if (!text_is_empty(text))
		digest_add_field(d, name, text, strlen(text));
}

static void add_list(struct digest *d, const char *name, const struct text_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		add_text(d, name, list->v[i]);
}

static void add_flag(struct digest *d, const char *name, bool on)
{
	if (on)
		add_text(d, name, "true");
}

/* What is in a volume is in no image: who goes on from a step would not have it. */
static char *image_volume(const struct docker_config *c, const struct docker_facts *image)
{
	if (!image->volumes.len)
		return NULL;
	return xasprintf("the image %s keeps %s in a volume, which is no part of a kept step",
			 c->build ? image->id : c->image, image->volumes.v[0]);
}

static int resolve(const struct docker_config *c, struct build_ctx *ctx, struct error **err)
{
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO_FREE char *name = NULL;

	if (ctx->look_only && c->build)
		return error_set(err, ERROR_NOT_FOUND,
				 "what image the Dockerfile makes is known once it is made");
	if (ctx->look_only)
		name = xstrdup(c->image);
	else if (image_get(c, ctx, &name, err) < 0)
		return -1;
	if (image_look(c, ctx, name, &facts, err) < 0)
		return -1;
	ctx->resolved.id = xstrdup(facts.id);
	ctx->resolved.never = docker_never_reused(c);
	if (!ctx->resolved.never)
		ctx->resolved.never = image_volume(c, &facts);
	return 0;
}

/* Whoever only looks takes the image that is here for the one that would be pulled. */
static int resolve_or_say(const struct docker_config *c, struct build_ctx *ctx, struct error **err)
{
	if (ctx->resolved.id || resolve(c, ctx, err) == 0)
		return 0;
	if (ctx->look_only && (*err)->kind != ERROR_CANCELLED)
		(*err)->kind = ERROR_NOT_FOUND;
	return -1;
}

/* run_command is rendered late, so the engine adds it. */
int docker_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
		       struct error **err)
{
	const struct docker_config *c = config;

	if (resolve_or_say(c, ctx, err) < 0)
		return -1;
	add_text(d, "base image", ctx->resolved.id);
	add_text(d, "engine", docker_is_podman(c->docker_path) ? "podman" : "docker");
	add_text(d, "platform", c->platform);
	add_text(d, "runtime", c->runtime);
	add_list(d, "device", &c->device);
	add_list(d, "cap_add", &c->cap_add);
	add_list(d, "cap_drop", &c->cap_drop);
	add_list(d, "tmpfs", &c->tmpfs);
	add_flag(d, "privileged", c->privileged);
	add_text(d, "exec_user", c->exec_user);
	add_flag(d, "pty", c->pty);
	add_flag(d, "fix_upload_owner", c->fix_upload_owner);
	return 0;
}
