/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/login.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "cloud/ecr.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOGOUT_SEC = 20, CONFIG_MAX = 1024 * 1024 };

static char *own_config(const struct build_ctx *ctx)
{
	const char *named = env_get(ctx->environ, "DOCKER_CONFIG");

	if (!text_is_empty(named))
		return xstrdup(named);
	return ctx->dirs->home ? path_join(ctx->dirs->home, ".docker") : NULL;
}

/* The daemon that a context names, the plugins and the other logins go on being there. */
static int take_over(const char *from, const char *to, struct error **err)
{
	static const char *const folders[] = { "contexts", "tls", "cli-plugins" };
	AUTO_FREE char *config = path_join(from, "config.json");
	AUTO_FREE char *copy = path_join(to, "config.json");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(CONFIG_MAX);

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		AUTO_FREE char *target = path_join(from, folders[i]);
		AUTO_FREE char *link = path_join(to, folders[i]);

		if (fs_exists(target) && symlink(target, link) < 0)
			return error_set_errno(err, errno, "cannot make the link '%s'", link);
	}
	if (!fs_exists(config))
		return 0;
	if (fs_read(config, CONFIG_MAX, &text, err) < 0)
		return -1;
	return fs_write(copy, text.buf, text.len, 0600, err);
}

static int make_dir(struct docker_client *client, struct error **err)
{
	AUTO_FREE char *own = own_config(client->ctx);
	AUTO_FREE char *dir = NULL;

	if (fs_temp_dir(client->ctx->temp_dir, "docker-login", &dir, err) < 0)
		return -1;
	client->config_dir = TAKE(dir);
	return own ? take_over(own, client->config_dir, err) : 0;
}

static int log_in(struct docker_client *client, const char *server, const char *user,
		  const char *password, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct docker_call call = {
		.client = client,
		.argv = &argv,
		.input = password,
		.input_len = strlen(password),
	};

	docker_argv(&argv, client, "login");
	strv_pushl(&argv, "-u", user, "--password-stdin", NULL);
	if (!text_is_empty(server))
		strv_push(&argv, server);
	return docker_run(&call, err);
}

static int log_in_to_amazon(struct docker_client *client, const struct docker_login *l,
			    struct error **err)
{
	AUTO(ecr_login) struct ecr_login found = { 0 };
	const struct ecr_identity who = {
		.access_key = l->aws_access_key,
		.secret_key = l->aws_secret_key,
		.token = l->aws_token,
		.profile = l->aws_profile,
	};
	struct cloud_ctx cloud;

	func_world_cloud(client->ctx->info->world, &cloud);
	cloud.cancel = client->ctx->cancel;
	cloud.redactor = client->ctx->ui->redactor;
	if (ecr_get_login(&cloud, l->login_server, l->aws_force_use_public_ecr, &who, &found, err) <
	    0)
		return -1;
	return log_in(client, l->login_server, found.user, found.password, err);
}

static int log_in_by(struct docker_client *client, const struct docker_login *l, struct error **err)
{
	if (l->ecr_login)
		return log_in_to_amazon(client, l, err);
	return log_in(client, l->login_server, l->login_username, l->login_password, err);
}

int docker_login(struct docker_client *client, const struct docker_login *login, struct error **err)
{
	if (!login->login && !login->ecr_login)
		return 0;
	ui_say(client->ctx->ui, "Logging in to %s",
	       text_is_empty(login->login_server) ? "Docker Hub" : login->login_server);
	if (make_dir(client, err) == 0 && log_in_by(client, login, err) == 0)
		return 0;
	docker_logout(client, login);
	return error_prefix(err, "cannot log in to the registry");
}

void docker_logout(struct docker_client *client, const struct docker_login *login)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *e = NULL, *left = NULL;
	AUTO(cancel)
	struct cancel *c = cancel_new(NULL, clock_deadline(LOGOUT_SEC * NSEC_PER_SEC));
	const struct docker_call call = { .client = client, .argv = &argv, .cancel = c };

	if (!client->config_dir)
		return;
	/* the login may be in a store of the user's that the configuration names */
	docker_argv(&argv, client, "logout");
	if (!text_is_empty(login->login_server))
		strv_push(&argv, login->login_server);
	if (docker_run(&call, &e) < 0)
		error_ignore(&e, "it may not have been logged in");
	if (fs_remove_tree(client->config_dir, &left) < 0)
		error_ignore(&left, "the build removes its temporary directory anyway");
	free(client->config_dir);
	client->config_dir = NULL;
}
