/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials from the place we run in: a container's agent, or the metadata
 * service of an instance (version 2: a token first). That service is asked on
 * every machine that has no credentials, so it must be quick not to be there.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "cloud/aws_source.h"
#include "os/fs.h"

#include <string.h>

enum { TOKEN_MAX = 64 * 1024, CONNECT_SEC = 1, ANSWER_SEC = 5, NAME_MAX_LEN = 1024 };

int aws_credentials_from_json(const json_t *root, const char *token, struct aws_credentials *ret,
			      struct error **err)
{
	const char *id = cloud_json_text(root, "AccessKeyId");
	const char *secret = cloud_json_text(root, "SecretAccessKey");
	const char *session = cloud_json_text(root, token);

	if (!id || !secret)
		return error_set(err, ERROR_REMOTE, "no credentials in the answer");
	ret->id = xstrdup(id);
	ret->secret = xstrdup(secret);
	ret->session = text_is_empty(session) ? NULL : xstrdup(session);
	return 1;
}

static int take_answer(const struct http_response *r, struct aws_credentials *ret,
		       struct error **err)
{
	AUTO(json) json_t *root = NULL;

	if (r->status != 200)
		return error_set(err, ERROR_AUTH, "status code %d", r->status);
	root = cloud_json(r, err);
	return root ? aws_credentials_from_json(root, "Token", ret, err) : -1;
}

/* ---- containers ------------------------------------------------------------------------------ */

/* What may be asked without TLS: this host and the agents of ECS and EKS. */
static bool is_trusted_host(const char *url)
{
	static const char *const hosts[] = { "localhost",     "127.0.0.1",      "[::1]",
					     "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (!strncmp(host, hosts[i], len) && strchr(":/?", host[len]))
			return true;
	}
	return false;
}

static int add_authorization(const struct cloud_ctx *ctx, struct strv *headers, struct error **err)
{
	const char *token = cloud_env(ctx, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *path = cloud_env(ctx, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TOKEN_MAX);

	if (path && fs_read(path, TOKEN_MAX, &text, err) < 0)
		return -1;
	strbuf_rtrim(&text);
	if (path)
		token = text.buf;
	if (token)
		strv_pushf(headers, "Authorization: %s", token);
	return 0;
}

int aws_container_credentials(const struct cloud_ctx *ctx, struct aws_credentials *ret,
			      struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };
	AUTO(strv) struct strv headers = STRV_INIT;
	const char *relative = cloud_env(ctx, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = cloud_env(ctx, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	AUTO_FREE char *url =
		relative ? xasprintf("http://169.254.170.2%s", relative) : xstrdup(full);

	if (!url)
		return 0;
	if (text_starts_with(url, "http:") && !is_trusted_host(url))
		return error_set(err, ERROR_INVALID,
				 "invalid endpoint host, '%s': only a loopback address, ECS or EKS "
				 "may be asked without TLS",
				 url);

	struct cloud_request req = {
		.http = { .url = url, .headers = &headers, .no_proxy = is_trusted_host(url) },
		.timeout = ANSWER_SEC * NSEC_PER_SEC,
	};

	if (add_authorization(ctx, &headers, err) < 0 || cloud_perform(ctx, &req, &r, err) < 0)
		return -1;
	if (take_answer(&r, ret, err) < 0)
		return error_prefix(err, "cannot get the credentials of the container");
	return 1;
}

/* ---- instances ------------------------------------------------------------------------------- */

static bool is_disabled(const struct cloud_ctx *ctx)
{
	const char *text = cloud_env(ctx, "AWS_EC2_METADATA_DISABLED");
	bool off = false;

	return text && !strcasecmp(text, "true") ? true
						 : text && cloud_parse_bool(text, &off) && off;
}

/* 1, or 0 if nobody (useful) answers. */
static int ask_instance(const struct cloud_ctx *ctx, const char *path, const char *token,
			struct http_response *ret, struct error **err)
{
	const char *base = cloud_env(ctx, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	size_t len = base ? strlen(base) : 0;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *url = NULL;

	while (len && base[len - 1] == '/')
		len--;
	url = base ? xasprintf("%.*s/latest/%s", (int)len, base, path)
		   : xasprintf("http://169.254.169.254/latest/%s", path);
	if (token)
		strv_pushf(&headers, "X-aws-ec2-metadata-token: %s", token);
	else
		strv_push(&headers, "X-aws-ec2-metadata-token-ttl-seconds: 21600");

	struct cloud_request req = {
		.http = { .method = token ? NULL : "PUT",
			  .url = url,
			  .headers = &headers,
			  .connect_timeout = CONNECT_SEC * NSEC_PER_SEC,
			  .no_proxy = true },
		.timeout = ANSWER_SEC * NSEC_PER_SEC,
		.tries = token ? 0 : 1,
	};

	if (cloud_perform(ctx, &req, ret, &e) == 0)
		return ret->status == 200;
	return cancel_check(ctx->cancel, err) < 0 ? -1 : 0;
}

/* A line of text; NULL if nobody answers (or with *err). */
static char *ask_text(const struct cloud_ctx *ctx, const char *path, const char *token,
		      struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };

	if (ask_instance(ctx, path, token, &r, err) <= 0)
		return NULL;

	struct str line = { r.body.buf, MIN(strcspn(r.body.buf, "\r\n"), (size_t)NAME_MAX_LEN) };

	return line.len ? str_dup(line) : NULL;
}

static char *ask_token(const struct cloud_ctx *ctx, struct error **err)
{
	return is_disabled(ctx) ? NULL : ask_text(ctx, "api/token", NULL, err);
}

int aws_instance_credentials(const struct cloud_ctx *ctx, struct aws_credentials *ret,
			     struct error **err)
{
	static const char roles[] = "meta-data/iam/security-credentials/";
	AUTO(http_response) struct http_response r = { 0 };
	AUTO_FREE char *token = ask_token(ctx, err);
	AUTO_FREE char *role = token ? ask_text(ctx, roles, token, err) : NULL;

	if (!role)
		return *err ? -1 : 0;

	AUTO_FREE char *path = xasprintf("%s%s", roles, role);
	int found = ask_instance(ctx, path, token, &r, err);

	if (found <= 0)
		return found;
	if (take_answer(&r, ret, err) < 0)
		return error_prefix(err, "cannot get the credentials of the instance");
	return 1;
}

char *aws_instance_region(const struct cloud_ctx *ctx)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *token = ask_token(ctx, &e);

	return token ? ask_text(ctx, "meta-data/placement/region", token, &e) : NULL;
}
