/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/secretsmanager.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/str.h"
#include "cloud/aws.h"

#include <string.h>

enum { SHOWN_MAX = 500 };

/* "com.amazonaws.x#ThrottlingException:http://…" -> "ThrottlingException" */
static char *error_code(const json_t *root)
{
	const char *type = cloud_json_text(root, "__type");
	const char *hash = type ? strrchr(type, '#') : NULL;
	const char *name = hash ? hash + 1 : type;

	return name ? xstrndup(name, strcspn(name, ":")) : NULL;
}

static bool is_throttled(const struct http_response *r)
{
	static const char *const codes[] = {
		"ThrottlingException",      "ThrottledException",   "Throttling",
		"TooManyRequestsException", "RequestLimitExceeded", "RequestThrottledException",
		"LimitExceededException",   "RequestThrottled",     "SlowDown",
	};
	AUTO(error) struct error *e = NULL;

	if (r->status == 429 || (r->status >= 500 && r->status != 501))
		return true;
	if (r->status != 400)
		return false;

	AUTO(json) json_t *root = cloud_json(r, &e);
	AUTO_FREE char *code = error_code(root);

	for (size_t i = 0; code && i < ARRAY_LEN(codes); i++)
		if (text_eq(code, codes[i]))
			return true;
	return false;
}

static int refused(const struct http_response *r, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	AUTO(json) json_t *root = cloud_json(r, &e);
	AUTO_FREE char *code = error_code(root);
	const char *message = cloud_json_text(root, "message");
	const char *id = http_response_header(r, "x-amzn-requestid");

	if (!message)
		message = cloud_json_text(root, "Message");
	if (!code) {
		struct str body =
			str_trim((struct str){ r->body.buf, MIN(strlen(r->body.buf), SHOWN_MAX) });

		return error_set(err, ERROR_REMOTE, "SerializationError: %.*s\n\tstatus code: %d",
				 STR_FMT(body), r->status);
	}
	return error_set(err, r->status == 404 ? ERROR_NOT_FOUND : ERROR_REMOTE,
			 "%s: %s\n\tstatus code: %d, request id: %s", code, message ? message : "",
			 r->status, id ? id : "");
}

static char *make_question(const char *name)
{
	AUTO(json)
	json_t *root = json_pack("{s:s, s:s}", "SecretId", name, "VersionStage", "AWSCURRENT");

	return json_dumps(root, JSON_COMPACT);
}

static int take_secret(struct http_response *r, char **ret, struct error **err)
{
	AUTO(json) json_t *root = cloud_json(r, err);
	const json_t *text = json_object_get(root, "SecretString");

	secret_wipe(r->body.buf, r->body.len);
	if (!root)
		return -1;
	if (!json_is_string(text))
		return error_set(err, ERROR_INVALID, "Secret is not string");
	if (strlen(json_string_value(text)) != json_string_length(text))
		return error_set(err, ERROR_INVALID, "Secret is not text");
	*ret = xstrdup(json_string_value(text));
	return 0;
}

static int read_secret(const struct cloud_ctx *ctx, const char *name, char **ret,
		       struct error **err)
{
	AUTO(aws_credentials) struct aws_credentials credentials = { 0 };
	AUTO(http_response) struct http_response r = { 0 };
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO_FREE char *region = NULL;
	AUTO_FREE char *body = NULL;

	if (text_is_empty(name))
		return error_set(err, ERROR_INVALID, "At least one secret name must be provided");
	if (aws_region_find(ctx, &region, err) < 0 ||
	    aws_credentials_find(ctx, &credentials, err) < 0)
		return -1;
	body = make_question(name);
	if (!body)
		return error_set(err, ERROR_INVALID, "the name of the secret is not valid UTF-8");
	strv_push(&headers, "Content-Type: application/x-amz-json-1.1");
	strv_push(&headers, "X-Amz-Target: secretsmanager.GetSecretValue");

	AUTO_FREE char *endpoint = aws_endpoint(ctx, "secretsmanager", "SECRETS_MANAGER", region);
	const struct aws_call call = {
		.endpoint = endpoint,
		.service = "secretsmanager",
		.region = region,
		.credentials = &credentials,
		.headers = &headers,
		.body = body,
		.is_transient = is_throttled,
	};

	if (aws_perform(ctx, &call, &r, err) < 0)
		return error_prefix(err, "RequestError: send request failed");
	return r.status == 200 ? take_secret(&r, ret, err) : refused(&r, err);
}

/* ---- what is inside ---------------------------------------------------------------------------- */

static int take_value(const json_t *value, char **ret, struct error **err)
{
	if (json_is_string(value)) {
		*ret = xstrdup(json_string_value(value));
		return 0;
	}
	if (json_is_number(value)) {
		*ret = json_dumps(value, JSON_ENCODE_ANY);
		return 0;
	}
	return error_set(err, ERROR_INVALID,
			 "Unsupported secret value type: it is neither a string nor a number");
}

static int no_such_key(const char *key, struct error **err)
{
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	encode_go_quoted(&quoted, key, strlen(key));
	return error_set(err, ERROR_NOT_FOUND, "No secret found for key %s", quoted.buf);
}

static int pick(const char *text, const char *key, char **ret, struct error **err)
{
	json_error_t why;
	AUTO(json) json_t *root = json_loads(text, 0, &why);
	const json_t *value = NULL;

	if (!json_is_object(root)) {
		if (!text_is_empty(key) && root)
			return no_such_key(key, err);
		*ret = xstrdup(text);
		return 0;
	}
	if (!text_is_empty(key))
		value = json_object_get(root, key);
	else if (json_object_size(root) > 1)
		return error_set(err, ERROR_INVALID,
				 "Secret has multiple values and no key was set");
	else
		value = json_object_iter_value(json_object_iter(root));
	return value ? take_value(value, ret, err) : no_such_key(key ? key : "", err);
}

static void add_secrets(const struct cloud_ctx *ctx, const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		cloud_add_secret(ctx, json_string_value(value));
	json_array_foreach (value, i, item)
		add_secrets(ctx, item);
	json_object_foreach ((json_t *)value, key, item)
		add_secrets(ctx, item);
}

int secretsmanager_raw(const struct cloud_ctx *ctx, const char *name, char **ret,
		       struct error **err)
{
	json_error_t why;

	if (read_secret(ctx, name, ret, err) < 0)
		return -1;

	AUTO(json) json_t *root = json_loads(*ret, 0, &why);

	cloud_add_secret(ctx, *ret);
	if (root)
		add_secrets(ctx, root);
	return 0;
}

int secretsmanager_value(const struct cloud_ctx *ctx, const char *name, const char *key, char **ret,
			 struct error **err)
{
	char *text = NULL;

	if (read_secret(ctx, name, &text, err) < 0)
		return -1;

	int r = pick(text, key, ret, err);

	secret_free(text);
	if (r == 0)
		cloud_add_secret(ctx, *ret);
	return r;
}
