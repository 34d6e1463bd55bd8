/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call, GetAuthorizationToken, of two services that answer almost the same:
 * the private one is asked in the region that the name of the registry has, the
 * public one lives in one region.
 */
#include "cloud/ecr.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/str.h"
#include "cloud/aws.h"

#include <string.h>

#define PUBLIC_HOST   "public.ecr.aws"
#define PUBLIC_REGION "us-east-1"

enum { SHOWN_MAX = 500, TOKEN_MAX = 64 * 1024 };

void ecr_login_release(struct ecr_login *l)
{
	secret_free(l->user);
	secret_free(l->password);
	*l = (struct ecr_login){ 0 };
}

/* ---- names of registries ------------------------------------------------------------------- */

struct registry {
	struct str account, region;
};

static struct str host_of(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *host = scheme ? scheme + 3 : server;

	return (struct str){ host, strcspn(host, "/:") };
}

bool ecr_is_public(const char *server)
{
	return str_eq(host_of(server), str_of(PUBLIC_HOST));
}

/* "123456789012.dkr.ecr.eu-central-1.amazonaws.com"; China's end in ".cn". */
static bool parse_registry(const char *server, struct registry *ret)
{
	static const char middle[] = ".dkr.ecr.", fips[] = ".dkr.ecr-fips.";
	static const char end[] = ".amazonaws.com";
	AUTO_FREE char *host = str_dup(host_of(server));
	size_t digits = strspn(host, "0123456789");
	const char *rest = host + digits;
	size_t skip = text_starts_with(rest, middle) ? strlen(middle)
		      : text_starts_with(rest, fips) ? strlen(fips)
						     : 0;
	const char *stop = skip ? strstr(rest + skip, end) : NULL;
	size_t len = stop ? (size_t)(stop - rest) - skip : 0;

	if (!digits || !len || strspn(rest + skip, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return false;
	if (!text_eq(stop + strlen(end), "") && !text_eq(stop + strlen(end), ".cn"))
		return false;

	const char *start = host_of(server).p;

	ret->account = (struct str){ start, digits };
	ret->region = (struct str){ start + digits + skip, len };
	return true;
}

bool ecr_knows(const char *server)
{
	struct registry r;

	return ecr_is_public(server) || parse_registry(server, &r);
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int refused(const struct http_response *r, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	AUTO(json) json_t *root = cloud_json(r, &e);
	const char *type = cloud_json_text(root, "__type");
	const char *hash = type ? strrchr(type, '#') : NULL;
	const char *message = cloud_json_text(root, "message");

	if (!message)
		message = cloud_json_text(root, "Message");
	if (type)
		return error_set(err, ERROR_AUTH, "%s: %s", hash ? hash + 1 : type,
				 message ? message : "");

	struct str body =
		str_trim((struct str){ r->body.buf, MIN(r->body.len, (size_t)SHOWN_MAX) });

	return error_set(err, ERROR_REMOTE, "it answers with status %d: %.*s", r->status,
			 STR_FMT(body));
}

/* The private service sends a list with one member, the public one the member. */
static const char *token_of(const json_t *root)
{
	const json_t *data = json_object_get(root, "authorizationData");

	if (json_is_array(data))
		data = json_array_get(data, 0);
	return cloud_json_text(data, "authorizationToken");
}

static int take_login(const struct cloud_ctx *ctx, struct http_response *r, struct ecr_login *ret,
		      struct error **err)
{
	AUTO(json) json_t *root = cloud_json(r, err);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TOKEN_MAX);
	const char *token = token_of(root);

	secret_wipe(r->body.buf, r->body.len);
	if (!root)
		return -1;

	bool good = token && strlen(token) < TOKEN_MAX &&
		    decode_base64(&text, token, strlen(token)) && strlen(text.buf) == text.len;
	const char *colon = good ? strchr(text.buf, ':') : NULL;

	if (!colon || colon == text.buf || !colon[1])
		return error_set(err, ERROR_REMOTE,
				 "the answer has no token with a name and a password");
	cloud_add_secret(ctx, token);
	cloud_add_secret(ctx, colon + 1);
	ret->user = xstrndup(text.buf, (size_t)(colon - text.buf));
	ret->password = xstrdup(colon + 1);
	secret_wipe(text.buf, text.len);
	return 0;
}

/* ---- the question --------------------------------------------------------------------------- */

static int find_credentials(const struct cloud_ctx *ctx, const struct ecr_identity *who,
			    struct aws_credentials *ret, struct error **err)
{
	if (text_is_empty(who->access_key) || text_is_empty(who->secret_key))
		return aws_credentials_find(ctx, ret, err);
	*ret = (struct aws_credentials){
		.id = xstrdup(who->access_key),
		.secret = xstrdup(who->secret_key),
		.session = text_is_empty(who->token) ? NULL : xstrdup(who->token),
	};
	return 0;
}

static char *private_endpoint(const struct cloud_ctx *ctx, const char *region)
{
	const char *fips = cloud_env(ctx, "AWS_USE_FIPS_ENDPOINT");
	bool use_fips = false;

	if (fips)
		(void)cloud_parse_bool(fips, &use_fips);
	return aws_endpoint(ctx, use_fips ? "ecr" : "api.ecr", "ECR", region);
}

static int ask(const struct cloud_ctx *ctx, const struct aws_call *call, struct ecr_login *ret,
	       struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };

	if (aws_perform(ctx, call, &r, err) < 0)
		return -1;
	return r.status == 200 ? take_login(ctx, &r, ret, err) : refused(&r, err);
}

static int ask_private(const struct cloud_ctx *ctx, const struct registry *registry,
		       const struct aws_credentials *credentials, struct ecr_login *ret,
		       struct error **err)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO_FREE char *region = str_dup(registry->region);
	AUTO_FREE char *endpoint = private_endpoint(ctx, region);
	AUTO_FREE char *body =
		xasprintf("{\"registryIds\":[\"%.*s\"]}", STR_FMT(registry->account));
	const struct aws_call call = {
		.endpoint = endpoint,
		.service = "ecr",
		.region = region,
		.credentials = credentials,
		.headers = &headers,
		.body = body,
	};

	strv_push(&headers, "Content-Type: application/x-amz-json-1.1");
	strv_push(&headers,
		  "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
	return ask(ctx, &call, ret, err);
}

static int ask_public(const struct cloud_ctx *ctx, const struct aws_credentials *credentials,
		      struct ecr_login *ret, struct error **err)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO_FREE char *endpoint = aws_endpoint(ctx, "api.ecr-public", "ECR_PUBLIC", PUBLIC_REGION);
	const struct aws_call call = {
		.endpoint = endpoint,
		.service = "ecr-public",
		.region = PUBLIC_REGION,
		.credentials = credentials,
		.headers = &headers,
		.body = "{}",
	};

	strv_push(&headers, "Content-Type: application/x-amz-json-1.1");
	strv_push(&headers, "X-Amz-Target: SpencerFrontendService.GetAuthorizationToken");
	return ask(ctx, &call, ret, err);
}

int ecr_get_login(const struct cloud_ctx *ctx, const char *server, bool use_public,
		  const struct ecr_identity *who, struct ecr_login *ret, struct error **err)
{
	AUTO(aws_credentials) struct aws_credentials credentials = { 0 };
	struct cloud_ctx own = *ctx;
	struct registry registry = { 0 };
	bool is_public = use_public || ecr_is_public(server);

	if (!is_public && !parse_registry(server, &registry))
		return error_set(err, ERROR_INVALID,
				 "'%s' is no registry of AWS: these are called "
				 "NUMBER.dkr.ecr.REGION.amazonaws.com or " PUBLIC_HOST,
				 server);
	if (!text_is_empty(who->profile))
		own.aws_profile = who->profile;
	if (find_credentials(&own, who, &credentials, err) < 0)
		return error_prefix(err, "cannot find credentials for AWS");

	int r = is_public ? ask_public(&own, &credentials, ret, err)
			  : ask_private(&own, &registry, &credentials, ret, err);

	return r < 0 ? error_prefix(err, "AWS gives no login for '%s'", server) : 0;
}
