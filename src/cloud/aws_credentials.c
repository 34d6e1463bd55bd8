/* SPDX-License-Identifier: Apache-2.0 */
/* The chain: environment, web identity, profile, container, instance. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/redact.h"
#include "base/str.h"
#include "cloud/aws_source.h"
#include "os/clock.h"
#include "os/proc.h"

#include <string.h>

enum { DEPTH_MAX = 5, PROCESS_SEC = 60, PROCESS_OUTPUT_MAX = 64 * 1024 };

void aws_credentials_release(struct aws_credentials *c)
{
	secret_free(c->id);
	secret_free(c->secret);
	secret_free(c->session);
	*c = (struct aws_credentials){ 0 };
}

struct chain {
	const struct cloud_ctx *ctx;
	struct aws_profiles profiles;
};

static int set_credentials(struct aws_credentials *ret, const char *id, const char *secret,
			   const char *session)
{
	if (!id || !secret)
		return 0;
	*ret = (struct aws_credentials){ xstrdup(id), xstrdup(secret), xstrdup(session) };
	return 1;
}

static int from_environment(const struct cloud_ctx *ctx, struct aws_credentials *ret)
{
	const char *id = cloud_env(ctx, "AWS_ACCESS_KEY_ID");
	const char *secret = cloud_env(ctx, "AWS_SECRET_ACCESS_KEY");

	if (!id)
		id = cloud_env(ctx, "AWS_ACCESS_KEY");
	if (!secret)
		secret = cloud_env(ctx, "AWS_SECRET_KEY");
	return set_credentials(ret, id, secret, cloud_env(ctx, "AWS_SESSION_TOKEN"));
}

/* The region of role requests; these do not ask the instance for it. */
static const char *sts_region(const struct chain *c)
{
	const char *region = cloud_env(c->ctx, "AWS_REGION");

	if (!region)
		region = cloud_env(c->ctx, "AWS_DEFAULT_REGION");
	return region ? region : aws_profiles_get(&c->profiles, aws_profile_name(c->ctx), "region");
}

static int from_web_identity(const struct chain *c, struct aws_credentials *ret, struct error **err)
{
	const struct aws_role role = {
		.arn = cloud_env(c->ctx, "AWS_ROLE_ARN"),
		.session_name = cloud_env(c->ctx, "AWS_ROLE_SESSION_NAME"),
		.token_file = cloud_env(c->ctx, "AWS_WEB_IDENTITY_TOKEN_FILE"),
		.region = sts_region(c),
	};

	return role.arn && role.token_file ? aws_assume_role(c->ctx, &role, ret, err) : 0;
}

/* ---- profiles ------------------------------------------------------------------------------- */

static int from_profile(const struct chain *c, const char *name, int depth,
			struct aws_credentials *ret, struct error **err);

/* The command is the user's own text for a shell, as AWS's tools take it. */
static int from_process(const struct chain *c, const char *command, struct aws_credentials *ret,
			struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf output = STRBUF_INIT_MAX(PROCESS_OUTPUT_MAX);
	struct proc_run run = {
		.spec = { .argv = &argv },
		.output = &output,
		.deadline = clock_deadline(PROCESS_SEC * NSEC_PER_SEC),
	};
	json_error_t why;

	strv_pushl(&argv, "sh", "-c", command, NULL);
	if (proc_run(&run, c->ctx->cancel, NULL, err) < 0)
		return error_prefix(err, "error in credential_process");

	AUTO(json) json_t *root = json_loadb(output.buf, output.len, 0, &why);

	secret_wipe(output.buf, output.len);
	if (!json_is_object(root) || json_integer_value(json_object_get(root, "Version")) != 1)
		return error_set(
			err, ERROR_INVALID,
			"error in credential_process: the output is not JSON of version 1");
	if (aws_credentials_from_json(root, "SessionToken", ret, err) < 0)
		return error_prefix(err, "error in credential_process");
	return 1;
}

static int from_named_source(const struct chain *c, const char *source, struct aws_credentials *ret,
			     struct error **err)
{
	if (text_eq(source, "Environment"))
		return from_environment(c->ctx, ret);
	if (text_eq(source, "EcsContainer"))
		return aws_container_credentials(c->ctx, ret, err);
	if (text_eq(source, "Ec2InstanceMetadata"))
		return aws_instance_credentials(c->ctx, ret, err);
	return error_set(err, ERROR_INVALID, "unknown credential_source '%s'", source);
}

static int static_keys(const struct chain *c, const char *profile, struct aws_credentials *ret)
{
	return set_credentials(ret, aws_profiles_get(&c->profiles, profile, "aws_access_key_id"),
			       aws_profiles_get(&c->profiles, profile, "aws_secret_access_key"),
			       aws_profiles_get(&c->profiles, profile, "aws_session_token"));
}

/* Who asks for the role of a profile: another profile, or a place. */
static int role_base(const struct chain *c, const char *profile, int depth,
		     struct aws_credentials *ret, struct error **err)
{
	const char *source = aws_profiles_get(&c->profiles, profile, "source_profile");
	const char *place = aws_profiles_get(&c->profiles, profile, "credential_source");
	int found;

	if (text_eq(source, profile))
		found = static_keys(c, profile, ret);
	else if (source)
		found = from_profile(c, source, depth + 1, ret, err);
	else if (place)
		found = from_named_source(c, place, ret, err);
	else
		return error_set(err, ERROR_INVALID,
				 "profile '%s' has role_arn without source_profile or "
				 "credential_source",
				 profile);
	if (found == 0)
		return error_set(err, ERROR_AUTH,
				 "no credentials to assume the role of profile '%s'", profile);
	return found;
}

static int from_role(const struct chain *c, const char *profile, const char *arn, int depth,
		     struct aws_credentials *ret, struct error **err)
{
	AUTO(aws_credentials) struct aws_credentials base = { 0 };
	const struct aws_profiles *all = &c->profiles;
	const struct aws_role role = {
		.arn = arn,
		.session_name = aws_profiles_get(all, profile, "role_session_name"),
		.external_id = aws_profiles_get(all, profile, "external_id"),
		.duration = aws_profiles_get(all, profile, "duration_seconds"),
		.token_file = aws_profiles_get(all, profile, "web_identity_token_file"),
		.base = &base,
		.region = sts_region(c),
	};

	if (aws_profiles_get(all, profile, "mfa_serial"))
		return error_set(
			err, ERROR_INVALID,
			"profile '%s' asks for a second factor (mfa_serial), and nobody is "
			"here to type it",
			profile);
	if (!role.token_file && role_base(c, profile, depth, &base, err) < 0)
		return -1;
	return aws_assume_role(c->ctx, &role, ret, err);
}

static int from_profile(const struct chain *c, const char *name, int depth,
			struct aws_credentials *ret, struct error **err)
{
	const struct aws_profiles *all = &c->profiles;
	const char *arn = aws_profiles_get(all, name, "role_arn");
	const char *command = aws_profiles_get(all, name, "credential_process");

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID,
				 "profile '%s': source_profile goes in a circle", name);
	if (!aws_profiles_has(all, name))
		return error_set(err, ERROR_NOT_FOUND, "failed to get profile, %s", name);
	if (arn)
		return from_role(c, name, arn, depth, ret, err);
	if (static_keys(c, name, ret))
		return 1;
	if (command)
		return from_process(c, command, ret, err);
	if (!aws_profiles_get(all, name, "sso_start_url") &&
	    !aws_profiles_get(all, name, "sso_session"))
		return 0;
	error_set(err, ERROR_INVALID, "profile '%s' signs in through a browser (SSO)", name);
	return error_hint(err,
			  "run `eval \"$(aws configure export-credentials --profile %s --format "
			  "env)\"` before",
			  name);
}

/* ---- the chain ------------------------------------------------------------------------------- */

static int from_shared_files(const struct chain *c, struct aws_credentials *ret, struct error **err)
{
	const char *name = aws_profile_name(c->ctx);

	if (text_eq(name, "default") && !aws_profiles_has(&c->profiles, name))
		return 0;
	return from_profile(c, name, 0, ret, err);
}

static int walk(const struct chain *c, struct aws_credentials *ret, struct error **err)
{
	int found = c->ctx->aws_profile ? from_shared_files(c, ret, err)
					: from_environment(c->ctx, ret);

	if (found == 0)
		found = from_web_identity(c, ret, err);
	if (found == 0)
		found = from_shared_files(c, ret, err);
	if (found == 0)
		found = aws_container_credentials(c->ctx, ret, err);
	if (found == 0)
		found = aws_instance_credentials(c->ctx, ret, err);
	if (found)
		return found;
	error_set(err, ERROR_AUTH, "NoCredentialProviders: no valid providers in chain");
	return error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
}

int aws_credentials_find(const struct cloud_ctx *ctx, struct aws_credentials *ret,
			 struct error **err)
{
	AUTO(aws_credentials) struct aws_credentials found = { 0 };
	struct chain c = { .ctx = ctx };

	if (aws_profiles_load(ctx, &c.profiles, err) < 0)
		return -1;

	int r = walk(&c, &found, err);

	aws_profiles_release(&c.profiles);
	if (r < 0)
		return -1;
	*ret = found;
	found = (struct aws_credentials){ 0 };
	return 0;
}
