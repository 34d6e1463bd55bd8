/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/docker/attach.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "core/journal_entry.h"
#include "os/clock.h"

#include <stdlib.h>

enum { END_SECONDS = 60 };

/* The engine that made it, wherever the user's own environment leads to now. */
static void make_env(struct attach_container *a, struct build_ctx *ctx)
{
	for (char *const *v = ctx->environ; v && *v; v++)
		if (!journal_is_container_variable(*v))
			strv_push(&a->env, *v);
	strv_pushv(&a->env, a->kept.env.v);
	ctx->environ = a->env.v;
}

static const char *image_of(const struct kept *k)
{
	return k->image ? k->image : k->source.id;
}

static void make_argv(const struct attach_container *a, struct strv *ret)
{
	const struct kept *k = &a->kept;

	strv_pushl(ret, k->tool, "run", "-d", "--name", a->name, NULL);
	if (!k->command.len)
		strv_pushl(ret, "-i", "-t", "--entrypoint=/bin/sh", "--", image_of(k), NULL);
	for (size_t i = 0; i < k->command.len; i++)
		strv_push(ret,
			  text_eq(k->command.v[i], k->variant) ? image_of(k) : k->command.v[i]);
}

static int look(const struct attach_container *a, const struct docker_client *client,
		struct error **err)
{
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;

	if (docker_inspect(client, "image", image_of(&a->kept), &facts, err) == 0)
		return 0;
	return error_prefix(err, "cannot use the image of the step");
}

int attach_container_start(struct attach_container *a, const char *dir, struct build_ctx *ctx,
			   struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct docker_client client = { .ctx = ctx };
	const struct kept *k = &a->kept;

	if (kept_read(dir, &a->kept, err) < 0)
		return -1;
	make_env(a, ctx);
	client.program = k->tool;
	a->name = xasprintf("ingot-attach-%s", journal_run_id(ctx->journal));
	if (look(a, &client, err) < 0 ||
	    journal_container(ctx->journal, k->tool, a->name, ctx->environ, &a->entry, err) < 0)
		return -1;
	make_argv(a, &argv);

	AUTO_FREE char *output = docker_ask(&client, &argv, NULL, err);

	if (!output)
		return error_prefix(err, "cannot start a container");
	a->comm = (struct docker_comm_config){
		.program = k->tool,
		.container = a->name,
		.exec_user = k->exec_user,
	};
	return 0;
}

int attach_container_end(struct attach_container *a, struct build_ctx *ctx, struct error **err)
{
	const struct docker_client client = { .program = a->kept.tool, .ctx = ctx };
	const struct docker_config c = { .docker_path = a->kept.tool };
	AUTO(cancel)
	struct cancel *end = cancel_new(NULL, clock_deadline(END_SECONDS * NSEC_PER_SEC));
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *output = NULL;
	int r = 0;

	if (a->entry) {
		argv_docker_remove(&argv, &c, a->name);
		output = docker_ask(&client, &argv, end, err);
		if (!output && docker_is_absent(*err))
			error_ignore(err, "it has not come so far");
		if (*err)
			r = error_hint(err, "'ingot gc' removes it later");
		else
			journal_done(ctx->journal, a->entry);
	}
	kept_release(&a->kept);
	strv_release(&a->env);
	free(a->name);
	*a = (struct attach_container)ATTACH_CONTAINER_INIT;
	return r;
}
