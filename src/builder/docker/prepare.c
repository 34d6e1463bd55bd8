/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "os/fs.h"

#include <string.h>

struct check {
	struct docker_config *c;
	const struct prepare_ctx *ctx;
	struct diags *diags;
};

static void complain(struct check *k, const char *attr, const char *text, const char *detail)
{
	struct range at = decoded_range(k->ctx->decoded, attr);

	diags_error(k->diags, &at, text, "%s", detail);
}

/* Exactly one of the three ways to end. */
static void check_end(struct check *k)
{
	const struct docker_config *c = k->c;
	int ways = c->commit + c->discard + !text_is_empty(c->export_path);
	enum fs_kind kind = FS_ABSENT;
	AUTO(error) struct error *e = NULL;

	if (ways == 0)
		complain(k, "commit",
			 "No instructions given for handling the artifact; expected commit, "
			 "discard, "
			 "or export_path",
			 "");
	if (ways > 1)
		complain(k, c->commit ? "commit" : "discard",
			 "Cannot specify more than one of commit, discard, and export_path", "");
	if (!text_is_empty(c->export_path) && fs_stat_kind(c->export_path, &kind, &e) == 0 &&
	    kind == FS_DIR)
		complain(k, "export_path", "export_path must be a file, not a directory", "");
}

static void check_dockerfile(struct check *k, const struct dockerfile *d)
{
	const struct {
		const char *attr, *path;
		enum fs_kind kind;
		const char *text;
	} wants[] = {
		{ "build.path", d->path, FS_FILE, "is no file" },
		{ "build.build_dir", d->build_dir, FS_DIR, "is no directory" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		enum fs_kind kind = FS_ABSENT;
		AUTO(error) struct error *e = NULL;

		if (text_is_empty(wants[i].path) || strstr(wants[i].path, "<unknown>"))
			continue;
		if (fs_stat_kind(wants[i].path, &kind, &e) < 0 || kind == wants[i].kind)
			continue;

		AUTO_FREE char *text =
			xasprintf("'%s' %s", wants[i].path,
				  kind == FS_ABSENT ? "does not exist" : wants[i].text);

		complain(k, wants[i].attr, text, "");
	}
}

static void check_image(struct check *k)
{
	const struct docker_config *c = k->c;

	if (c->build && !text_is_empty(c->image))
		complain(k, "build", "image and build cannot both say what to start from", "");
	else if (c->build)
		check_dockerfile(k, c->build);
	else if (text_is_empty(c->image))
		complain(k, "image", "image must be specified",
			 "Or a build block with a Dockerfile.");
	else if (c->image[0] == '-')
		complain(k, "image", "image must be the name of an image", "");
	if (c->windows_container)
		complain(k, "windows_container", "Windows containers are not supported", "");
}

static void check_comm(struct check *k)
{
	struct comm_config *comm = &k->c->comm;

	if (!decoded_is_set(k->ctx->decoded, "communicator"))
		comm->communicator = "docker";
	comm_config_prepare(comm, k->ctx, k->diags);
	if (text_eq(comm->communicator, "dockerWindowsContainer"))
		complain(k, "communicator", "Windows containers are not supported", "");
	if (comm_config_is_ssh(comm) && text_is_empty(comm->ssh_host))
		complain(k, "communicator",
			 "communicator = \"ssh\" needs ssh_host: where the container listens", "");
	if (decoded_is_set(k->ctx->decoded, "ssh_pty"))
		k->c->pty |= comm->ssh_pty;
}

static bool names_image(const struct text_list *command)
{
	for (size_t i = 0; i < command->len; i++)
		if (strstr(command->v[i], ".Image"))
			return true;
	return !command->len;
}

char *docker_never_reused(const struct docker_config *c)
{
	AUTO(strv) struct strv command = STRV_INIT;

	for (size_t i = 0; i < c->run_command.len; i++)
		strv_push(&command, c->run_command.v[i]);
	if (c->volumes.len || docker_drop_volumes(&command))
		return xstrdup("the container has volumes: what is in them is no part of a kept "
			       "step");
	if (!text_is_empty(c->container_dir))
		return xstrdup("the container has a container_dir: what is in it is no part of a "
			       "kept step");
	if (!names_image(&c->run_command))
		return xstrdup("the run_command does not take its image from {{ .Image }}, so it "
			       "cannot start a kept step");
	return NULL;
}

static void expand_volumes(struct check *k)
{
	struct text_map *map = &k->c->volumes;
	struct text_pair *pairs = arena_alloc(k->ctx->arena, (map->len + 1) * sizeof(*pairs));

	for (size_t i = 0; i < map->len; i++) {
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *full = NULL;

		pairs[i] = map->v[i];
		if (pairs[i].key[0] != '~')
			continue;
		if (fs_expand_home(pairs[i].key, k->ctx->dirs->home, &full, &e) < 0)
			complain(k, "volumes", e->message, "");
		else
			pairs[i].key = arena_strdup(k->ctx->arena, full);
	}
	map->v = pairs;
}

void docker_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct check k = { .c = config, .ctx = ctx, .diags = diags };

	if (text_is_empty(k.c->docker_path))
		k.c->docker_path = "docker";
	check_end(&k);
	check_image(&k);
	docker_login_prepare(&k.c->login, ctx, diags);
	check_comm(&k);
	expand_volumes(&k);
}
