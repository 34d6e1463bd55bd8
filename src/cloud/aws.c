/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, endpoints and the region; what is asked for which key is aws_credentials.c. */
#include "cloud/aws.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/aws_profile.h"
#include "cloud/aws_source.h"

#include <string.h>

enum { TRIES_MAX = 100 };

int aws_region_find(const struct cloud_ctx *ctx, char **ret, struct error **err)
{
	AUTO(aws_profiles) struct aws_profiles profiles = { 0 };
	const char *region = cloud_env(ctx, "AWS_REGION");

	if (!region)
		region = cloud_env(ctx, "AWS_DEFAULT_REGION");
	if (!region) {
		if (aws_profiles_load(ctx, &profiles, err) < 0)
			return -1;
		region = aws_profiles_get(&profiles, aws_profile_name(ctx), "region");
	}
	*ret = region ? xstrdup(region) : aws_instance_region(ctx);
	if (*ret)
		return 0;
	error_set(err, ERROR_INVALID, "MissingRegion: could not find region configuration");
	return error_hint(err, "set AWS_REGION or `region` in the profile");
}

/* ---- endpoints --------------------------------------------------------------------------- */

static char *configured_endpoint(const struct cloud_ctx *ctx, const char *id)
{
	AUTO(aws_profiles) struct aws_profiles profiles = { 0 };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *variable = xasprintf("AWS_ENDPOINT_URL_%s", id);
	const char *ignore = cloud_env(ctx, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	bool ignored = false;

	if (ignore && cloud_parse_bool(ignore, &ignored) && ignored)
		return NULL;

	const char *url = cloud_env(ctx, variable);

	if (!url)
		url = cloud_env(ctx, "AWS_ENDPOINT_URL");
	if (!url && aws_profiles_load(ctx, &profiles, &e) == 0)
		url = aws_profiles_get(&profiles, aws_profile_name(ctx), "endpoint_url");
	return xstrdup(url);
}

char *aws_endpoint(const struct cloud_ctx *ctx, const char *service, const char *id,
		   const char *region)
{
	AUTO_FREE char *url = configured_endpoint(ctx, id);
	const char *fips = cloud_env(ctx, "AWS_USE_FIPS_ENDPOINT");
	bool use_fips = false;
	size_t len = url ? strlen(url) : 0;

	while (len && url[len - 1] == '/')
		url[--len] = '\0';
	if (url)
		return TAKE(url);
	if (fips)
		(void)cloud_parse_bool(fips, &use_fips);
	return xasprintf("https://%s%s.%s.amazonaws.com%s", service, use_fips ? "-fips" : "",
			 region, text_starts_with(region, "cn-") ? ".cn" : "");
}

/* ---- requests ------------------------------------------------------------------------------ */

/* "host:port" as curl puts it into the Host header: without the usual port. */
static char *host_of(const char *endpoint)
{
	const char *start = strstr(endpoint, "://");
	const char *host = start ? start + 3 : endpoint;
	size_t len = strcspn(host, "/?#");
	const char *at = memchr(host, '@', len);

	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}

	char *text = xstrndup(host, len);
	bool tls = text_starts_with(endpoint, "https:");
	const char *usual = tls ? ":443" : ":80";

	if (text_ends_with(text, usual))
		text[len - strlen(usual)] = '\0';
	return text;
}

static const char *path_of(const char *endpoint)
{
	const char *start = strstr(endpoint, "://");
	const char *host = start ? start + 3 : endpoint;
	const char *path = host + strcspn(host, "/?#");

	return *path ? path : "/";
}

int aws_perform(const struct cloud_ctx *ctx, const struct aws_call *call, struct http_response *ret,
		struct error **err)
{
	AUTO_FREE char *host = host_of(call->endpoint);
	AUTO_FREE char *url =
		xasprintf("%s%s", call->endpoint, strlen(path_of(call->endpoint)) > 1 ? "" : "/");
	AUTO(strv) struct strv headers = STRV_INIT;
	const char *tries = cloud_env(ctx, "AWS_MAX_ATTEMPTS");
	int64_t n = 0;
	struct cloud_request req = {
		.http = { .method = "POST",
			  .url = url,
			  .headers = &headers,
			  .body = call->body,
			  .body_len = strlen(call->body),
			  .ca_file = cloud_env(ctx, "AWS_CA_BUNDLE") },
		.is_transient = call->is_transient,
	};

	if (tries && parse_int64(tries, 10, &n) && n > 0)
		req.tries = (int)MIN(n, (int64_t)TRIES_MAX);
	strv_pushv(&headers, call->headers->v);
	if (call->credentials) {
		const struct sigv4_request to_sign = {
			.method = "POST",
			.host = host,
			.path = path_of(call->endpoint),
			.headers = call->headers,
			.body = call->body,
			.body_len = strlen(call->body),
		};
		const struct sigv4_key key = {
			.id = call->credentials->id,
			.secret = call->credentials->secret,
			.session = call->credentials->session,
		};
		const struct sigv4_scope scope = { call->region, call->service, ctx->now() };

		sigv4_sign(&to_sign, &key, &scope, &headers);
	}
	return cloud_perform(ctx, &req, ret, err);
}
