/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/vault.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

enum { REDIRECTS = 1, RETRIES = 2, RETRIES_MAX = 100, SHOWN_MAX = 2000 };

struct vault {
	struct cloud_request req;
	char *base; /* "https://host:port" */
	struct strv headers;
};

static void vault_release(struct vault *v)
{
	free(v->base);
	strv_release(&v->headers);
}

static inline void auto_vault(struct vault *v)
{
	vault_release(v);
}

/* ---- configuration -------------------------------------------------------------------- */

static int check_file(const char *path, const char *what, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!path || fs_read(path, FS_READ_MAX, &text, err) == 0)
		return 0;
	return error_prefix(err, "Error loading %s", what);
}

static int set_tls(struct vault *v, const struct cloud_ctx *ctx, struct error **err)
{
	struct http_request *http = &v->req.http;
	const char *skip = cloud_env(ctx, "VAULT_SKIP_VERIFY");

	http->ca_file = cloud_env(ctx, "VAULT_CACERT");
	http->ca_path = cloud_env(ctx, "VAULT_CAPATH");
	http->client_cert = cloud_env(ctx, "VAULT_CLIENT_CERT");
	http->client_key = cloud_env(ctx, "VAULT_CLIENT_KEY");
	http->tls_name = cloud_env(ctx, "VAULT_TLS_SERVER_NAME");
	if (skip && !cloud_parse_bool(skip, &http->insecure))
		return error_set(err, ERROR_INVALID, "could not parse VAULT_SKIP_VERIFY");
	if (!http->client_cert != !http->client_key)
		return error_set(err, ERROR_INVALID,
				 "both client cert and client key must be provided");
	if (check_file(http->ca_file, "CA File", err) < 0 ||
	    check_file(http->client_cert, "client certificate", err) < 0)
		return -1;
	return check_file(http->client_key, "client key", err);
}

/* Seconds, or a duration. */
static int set_limits(struct vault *v, const struct cloud_ctx *ctx, struct error **err)
{
	const char *timeout = cloud_env(ctx, "VAULT_CLIENT_TIMEOUT");
	const char *retries = cloud_env(ctx, "VAULT_MAX_RETRIES");
	AUTO(error) struct error *why = NULL;
	int64_t n = RETRIES;

	if (retries && (!parse_int64(retries, 10, &n) || n < 0))
		return error_set(err, ERROR_INVALID, "could not parse VAULT_MAX_RETRIES");
	v->req.tries = (int)MIN(n, (int64_t)RETRIES_MAX) + 1;
	if (!timeout)
		return 0;
	if (parse_int64(timeout, 10, &n) && n >= 0 && n < INT64_MAX / NSEC_PER_SEC)
		v->req.timeout = n * NSEC_PER_SEC;
	else if (duration_parse(timeout, &v->req.timeout, &why) < 0)
		return error_set(err, ERROR_INVALID, "could not parse VAULT_CLIENT_TIMEOUT");
	return 0;
}

static void set_address(struct vault *v, const struct cloud_ctx *ctx)
{
	const char *address = cloud_env(ctx, "VAULT_AGENT_ADDR");

	if (!address)
		address = cloud_env(ctx, "VAULT_ADDR");
	if (!address)
		address = "https://127.0.0.1:8200";
	if (text_starts_with(address, "unix://")) {
		v->req.http.unix_socket = address + strlen("unix://");
		address = "http://localhost";
	}

	size_t len = strlen(address);

	while (len && address[len - 1] == '/')
		len--;
	v->base = xstrndup(address, len);
}

static int vault_init(struct vault *v, const struct cloud_ctx *ctx, struct error **err)
{
	const char *token = cloud_env(ctx, "VAULT_TOKEN");
	const char *space = cloud_env(ctx, "VAULT_NAMESPACE");

	*v = (struct vault){ .req = { .redirects = REDIRECTS } };
	strv_init(&v->headers);
	if (!token)
		return error_set(
			err, ERROR_AUTH,
			"Must set VAULT_TOKEN env var in order to use vault template function");
	if (set_tls(v, ctx, err) < 0 || set_limits(v, ctx, err) < 0)
		return error_prefix(err, "Error getting Vault client: error encountered setting up "
					 "default configuration");
	set_address(v, ctx);
	strv_pushf(&v->headers, "X-Vault-Token: %s", token);
	strv_push(&v->headers, "X-Vault-Request: true");
	if (space)
		strv_pushf(&v->headers, "X-Vault-Namespace: %s", space);
	v->req.http.headers = &v->headers;
	return 0;
}

/* ---- one request ----------------------------------------------------------------------- */

/* What went wrong, in the words of Vault's own client. */
static int bad_status(const struct http_response *r, const char *url, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *no_json = NULL;
	AUTO(json) json_t *root = cloud_json(r, &no_json);
	const json_t *errors = json_object_get(root, "errors");
	const json_t *line;
	size_t i;

	strbuf_addf(&text, "Error making API request.\n\nURL: GET %s\nCode: %d. ", url, r->status);
	if (json_is_array(errors)) {
		strbuf_addstr(&text, "Errors:\n\n");
		json_array_foreach (errors, i, line)
			if (json_is_string(line))
				strbuf_addf(&text, "* %s\n", json_string_value(line));
	} else {
		struct str body = { r->body.buf, MIN(r->body.len, SHOWN_MAX) };

		strbuf_addf(&text, "Raw Message:\n\n%.*s", STR_FMT(body));
	}
	strbuf_rtrim(&text);
	return error_set(err, r->status == 403 ? ERROR_AUTH : ERROR_REMOTE, "%s", text.buf);
}

/* 1 with the answer in *ret, 0: there is nothing at the path. */
static int get(const struct vault *v, const struct cloud_ctx *ctx, const char *path, json_t **ret,
	       struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };
	AUTO(strbuf) struct strbuf url = STRBUF_INIT;
	AUTO(error) struct error *no_json = NULL;
	AUTO_FREE char *full = xasprintf("/v1/%s", path);
	AUTO_FREE char *clean = path_clean(full);
	struct cloud_request req = v->req;

	strbuf_addstr(&url, v->base);
	cloud_escape_path(&url, clean);
	req.http.url = url.buf;
	if (cloud_perform(ctx, &req, &r, err) < 0)
		return -1;
	if (r.status >= 400 && r.status != 404)
		return bad_status(&r, url.buf, err);
	/* A deleted version of a secret is a 404 with the rest of what is known of it. */
	if (r.status == 404) {
		*ret = cloud_json(&r, &no_json);
		return *ret != NULL;
	}
	*ret = cloud_json(&r, err);
	if (!*ret)
		return -1;
	if (!json_is_object(*ret)) {
		json_decref(TAKE(*ret));
		return error_set(err, ERROR_REMOTE, "the answer is not an object");
	}
	return 1;
}

/* ---- the answer ------------------------------------------------------------------------- */

static int no_data(const json_t *root, struct error **err)
{
	AUTO(strv) struct strv warnings = STRV_INIT;
	const json_t *line;
	size_t i;

	json_array_foreach (json_object_get(root, "warnings"), i, line)
		if (json_is_string(line))
			strv_push(&warnings, json_string_value(line));

	AUTO_FREE char *joined = strv_join(&warnings, "; ");

	return error_set(err, ERROR_NOT_FOUND,
			 "Vault data was empty at the given path. Check the Vault function docs "
			 "for help: https://www.packer.io/docs/templates/hcl_templates/functions/"
			 "contextual/vault. Original warnings from Vault call: %s",
			 joined);
}

static int take_text(const json_t *value, const char *key, char **ret, struct error **err)
{
	if (!json_is_string(value))
		return error_set(err, ERROR_INVALID, "the Vault value of key %s is not a string",
				 key);
	*ret = xstrdup(json_string_value(value));
	return 0;
}

static int pick(const json_t *root, const char *key, char **ret, struct error **err)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *inner = json_object_get(data, "data");
	const json_t *value;

	if (json_is_object(inner)) { /* version 2 */
		value = json_object_get(inner, key);
		if (!value)
			return error_set(err, ERROR_NOT_FOUND,
					 "Vault path does not contain the requested key");
		return take_text(value, key, ret, err);
	}
	value = json_object_get(data, key);
	if (!value || json_is_null(value))
		return no_data(root, err);
	return take_text(value, key, ret, err);
}

static bool is_there(const json_t *root)
{
	const json_t *data = json_object_get(root, "data");

	return json_object_size(data) > 0 || json_array_size(json_object_get(root, "warnings")) > 0;
}

static int read_secret(const struct vault *v, const struct cloud_ctx *ctx, const char *path,
		       const char *key, char **ret, struct error **err)
{
	AUTO(json) json_t *root = NULL;
	int found = get(v, ctx, path, &root, err);

	if (found < 0)
		return error_prefix(err, "Error reading vault secret");
	if (!found || !is_there(root))
		return error_set(err, ERROR_NOT_FOUND,
				 "Vault Secret does not exist at the given path");
	if (pick(root, key, ret, err) < 0)
		return -1;
	cloud_add_secret(ctx, *ret);
	return 0;
}

int vault_read(const struct cloud_ctx *ctx, const char *path, const char *key, char **ret,
	       struct error **err)
{
	AUTO(vault) struct vault v = { 0 };

	if (vault_init(&v, ctx, err) < 0)
		return -1;
	return read_secret(&v, ctx, path, key, ret, err);
}

/* "secret/app" -> "secret/data/app" if the engine at "secret/" is of version 2. */
static int find_data_path(const struct vault *v, const struct cloud_ctx *ctx, const char *path,
			  char **ret, struct error **err)
{
	AUTO_FREE char *question = xasprintf("sys/internal/ui/mounts/%s", path);
	AUTO(json) json_t *root = NULL;
	int found = get(v, ctx, question, &root, err);

	if (found < 0)
		return error_prefix(err, "Error reading vault secret");

	const json_t *data = json_object_get(root, "data");
	const char *mount = cloud_json_text(data, "path");
	const char *version = cloud_json_text(json_object_get(data, "options"), "version");
	size_t len = mount ? strlen(mount) : 0;

	if (!found || !mount || !text_eq(version, "2") || !text_starts_with(path, mount))
		*ret = xstrdup(path);
	else if (text_starts_with(path + len, "data/"))
		*ret = xstrdup(path);
	else
		*ret = xasprintf("%sdata/%s", mount, path + len);
	return 0;
}

int vault_kv_read(const struct cloud_ctx *ctx, const char *path, const char *key, char **ret,
		  struct error **err)
{
	AUTO(vault) struct vault v = { 0 };
	AUTO_FREE char *data_path = NULL;

	while (*path == '/')
		path++;
	if (vault_init(&v, ctx, err) < 0 || find_data_path(&v, ctx, path, &data_path, err) < 0)
		return -1;
	return read_secret(&v, ctx, data_path, key, ret, err);
}
