/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `docker-push`: sends an image, by all its names, to a registry. */
#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/artifact.h"
#include "comm/docker/inspect.h"
#include "comm/docker/login.h"
#include "postproc/docker/tool.h"

struct docker_push {
	const char *docker_path, *platform;
	bool login;
	const char *login_username, *login_password, *login_server;
	bool ecr_login;
	const char *aws_access_key, *aws_secret_key, *aws_token, *aws_profile;
	bool aws_force_use_public_ecr;
};

/* clang-format off */
static const struct attr push_attrs[] = {
	ATTR_BOOL(struct docker_push, login, 0, "Log in to the registry for the push."),
	ATTR_STRING(struct docker_push, login_username, 0, "User at the registry."),
	ATTR_STRING(struct docker_push, login_password, ATTR_SENSITIVE, "Password at the registry."),
	ATTR_STRING(struct docker_push, login_server, 0, "The registry; unset: Docker Hub."),
	ATTR_BOOL(struct docker_push, ecr_login, 0, "Not supported: log in with `aws ecr get-login-password` before."),
	ATTR_STRING(struct docker_push, aws_access_key, 0, "For `ecr_login`."),
	ATTR_STRING(struct docker_push, aws_secret_key, ATTR_SENSITIVE, "For `ecr_login`."),
	ATTR_STRING(struct docker_push, aws_token, ATTR_SENSITIVE, "For `ecr_login`."),
	ATTR_STRING(struct docker_push, aws_profile, 0, "For `ecr_login`."),
	ATTR_BOOL(struct docker_push, aws_force_use_public_ecr, 0, "For `ecr_login`."),
	ATTR_STRING(struct docker_push, platform, 0, "The platform to push of an image for several."),
	ATTR_DOCKER_PATH(struct docker_push),
	ATTR_END,
};
/* clang-format on */
static const struct schema push_schema = SCHEMA(struct docker_push, push_attrs);

static void push_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct docker_push *p = config;
	struct range at = decoded_range(ctx->decoded, "ecr_login");

	if (p->ecr_login)
		diags_error(
			diags, &at, "ecr_login is not supported yet",
			"Log in before: aws ecr get-login-password | docker login --username "
			"AWS --password-stdin SERVER. Logins of the user are seen by the push.");
	else if (p->login && (text_is_empty(p->login_username) || text_is_empty(p->login_password)))
		diags_error(diags, &at, "login needs login_username and login_password", "%s", "");
}

static int push_names(const struct docker_push *p, const struct docker_client *client,
		      const struct strv *names, struct error **err)
{
	struct ui *ui = client->ctx->ui;

	for (size_t i = 0; i < names->len; i++) {
		AUTO(strv) struct strv argv = STRV_INIT;
		const struct docker_call call = {
			.client = client, .argv = &argv, .line = docker_show, .line_data = ui
		};

		ui_say(ui, "Pushing: %s", names->v[i]);
		docker_argv(&argv, client, "push");
		if (!text_is_empty(p->platform))
			strv_pushl(&argv, "--platform", p->platform, NULL);
		strv_push(&argv, names->v[i]);
		if (docker_run(&call, err) < 0)
			return error_prefix(err, "cannot push '%s'", names->v[i]);
	}
	return 0;
}

/* What the registry calls it, for templates: `build.Digest`. */
static void add_digest(const struct docker_client *client, const char *name,
		       const struct artifact *input, struct artifact *a)
{
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO(error) struct error *e = NULL;
	const struct value *before = input->generated_data;
	struct map values;

	if (docker_inspect(client, "image", name, &facts, &e) < 0) {
		error_ignore(&e, "it is pushed all the same");
		return;
	}
	value_map_init(&values);
	for (size_t i = 0; before && i < value_len(before); i++)
		map_set(&values, value_key_at(before, i), value_ref(value_at(before, i)));
	map_set(&values, "Digest", value_string(facts.digest ? facts.digest : ""));
	a->generated_data = value_object_take(&values);
}

static int push_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		    struct postproc_result *ret, struct error **err)
{
	const struct docker_push *p = config;
	struct docker_client client = docker_client_of(p->docker_path, input, ctx);
	const struct docker_login login = { p->login_server, p->login_username, p->login_password };
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(strv) struct strv tags = STRV_INIT;

	if (docker_check_image(input, "docker-push", err) < 0)
		return -1;
	strv_push(&names, input->id);
	docker_artifact_tags(input, &tags);
	for (size_t i = 0; i < tags.len; i++)
		if (!strv_contains(&names, tags.v[i]))
			strv_push(&names, tags.v[i]);
	if (text_starts_with(names.v[0], "sha256:") && names.len == 1) {
		error_set(err, ERROR_INVALID, "the image has no name to push it by");
		return error_hint(err, "give it one with docker-tag before docker-push");
	}
	if (p->login && docker_login(&client, &login, err) < 0)
		return -1;

	int r = push_names(p, &client, &names, err);

	docker_logout(&client, &login);
	if (r < 0)
		return -1;
	ret->artifact = docker_image_artifact(DOCKER_IMPORT_ID, names.v[0], &names, client.program);
	add_digest(&client, names.v[0], input, ret->artifact);
	ret->keep = true;
	return 0;
}

const struct postproc_type postproc_docker_push = {
	.name = "docker-push",
	.doc = "Send an image to a registry.",
	.schema = &push_schema,
	.prepare = push_prepare,
	.run = push_run,
	.never_reused = "what the registry has is the registry's to know",
};
