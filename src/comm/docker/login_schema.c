/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a login, and what is wrong with them. */
#include "base/str.h"
#include "cloud/ecr.h"
#include "comm/docker/login.h"

#include <string.h>

/* clang-format off */
static const struct attr login_attrs[] = {
	ATTR_BOOL(struct docker_login, login, ATTR_OUTSIDE, "Log in to the registry for the time of the pull or push."),
	ATTR_STRING(struct docker_login, login_username, ATTR_OUTSIDE, "User at the registry."),
	ATTR_STRING(struct docker_login, login_password, ATTR_SENSITIVE | ATTR_OUTSIDE, "Password at the registry."),
	ATTR_STRING(struct docker_login, login_server, ATTR_OUTSIDE, "The registry; unset: Docker Hub."),
	ATTR_BOOL(struct docker_login, ecr_login, ATTR_OUTSIDE, "Log in to Amazon's registry `login_server` with what AWS gives for a key: the one named here, or the one that AWS's own tools would use."),
	ATTR_STRING(struct docker_login, aws_access_key, ATTR_OUTSIDE, "Key for `ecr_login`."),
	ATTR_STRING(struct docker_login, aws_secret_key, ATTR_SENSITIVE | ATTR_OUTSIDE, "Its secret."),
	ATTR_STRING(struct docker_login, aws_token, ATTR_SENSITIVE | ATTR_OUTSIDE, "Session token that belongs to the key, if it is one that ends."),
	ATTR_STRING(struct docker_login, aws_profile, ATTR_OUTSIDE, "Profile of `~/.aws` for `ecr_login`."),
	ATTR_BOOL(struct docker_login, aws_force_use_public_ecr, ATTR_OUTSIDE, "Ask Amazon's public registry for the login, whatever `login_server` is called."),
	ATTR_END,
};
/* clang-format on */
const struct schema docker_login_schema = SCHEMA(struct docker_login, login_attrs);

static void complain(const struct prepare_ctx *ctx, struct diags *diags, const char *attr,
		     const char *text)
{
	struct range at = decoded_range(ctx->decoded, attr);

	diags_error(diags, &at, text, "%s", "");
}

static bool is_known(const char *text)
{
	return !text || !strstr(text, "<unknown>");
}

void docker_login_prepare(const struct docker_login *l, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	bool has_server = !text_is_empty(l->login_server);

	if (!l->ecr_login) {
		if (l->login &&
		    (text_is_empty(l->login_username) || text_is_empty(l->login_password)))
			complain(ctx, diags, "login",
				 "login needs login_username and login_password");
		return;
	}
	if (!has_server)
		complain(ctx, diags, "ecr_login",
			 "ECR login requires login server to be provided.");
	else if (!l->aws_force_use_public_ecr && is_known(l->login_server) &&
		 !ecr_knows(l->login_server))
		complain(ctx, diags, "login_server",
			 "login_server must be NUMBER.dkr.ecr.REGION.amazonaws.com or "
			 "public.ecr.aws for ecr_login");
	if (text_is_empty(l->aws_access_key) != text_is_empty(l->aws_secret_key))
		complain(ctx, diags, l->aws_access_key ? "aws_access_key" : "aws_secret_key",
			 "aws_access_key and aws_secret_key belong together");
}
