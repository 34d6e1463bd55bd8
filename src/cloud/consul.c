/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/consul.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

enum { REDIRECTS = 10, TOKEN_MAX = 64 * 1024, SHOWN_MAX = 500 };

struct consul {
	struct cloud_request req;
	char *url;
	struct strv headers;
};

static void consul_release(struct consul *c)
{
	free(c->url);
	strv_release(&c->headers);
}

static inline void auto_consul(struct consul *c)
{
	consul_release(c);
}

/* ---- configuration ------------------------------------------------------------------ */

/* CONSUL_HTTP_TOKEN_FILE wins over CONSUL_HTTP_TOKEN. */
static int add_token(struct consul *c, const struct cloud_ctx *ctx, struct error **err)
{
	const char *token = cloud_env(ctx, "CONSUL_HTTP_TOKEN");
	const char *path = cloud_env(ctx, "CONSUL_HTTP_TOKEN_FILE");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TOKEN_MAX);

	if (path && fs_read(path, TOKEN_MAX, &text, err) < 0)
		return error_prefix(err, "Error loading token file %s", path);

	AUTO_FREE char *from_file = str_dup(str_trim((struct str){ text.buf, text.len }));

	if (*from_file)
		token = from_file;
	if (token)
		strv_pushf(&c->headers, "X-Consul-Token: %s", token);
	return 0;
}

static void add_login(struct consul *c, const struct cloud_ctx *ctx)
{
	const char *login = cloud_env(ctx, "CONSUL_HTTP_AUTH");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!login)
		return;
	AUTO_FREE char *pair = xasprintf("%s%s", login, strchr(login, ':') ? "" : ":");

	encode_base64(&text, pair, strlen(pair));
	strv_pushf(&c->headers, "Authorization: Basic %s", text.buf);
}

static int check_file(const char *path, const char *what, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!path || fs_read(path, FS_READ_MAX, &text, err) == 0)
		return 0;
	return error_prefix(err, "Error loading %s", what);
}

static int set_tls(struct consul *c, const struct cloud_ctx *ctx, struct error **err)
{
	struct http_request *http = &c->req.http;
	const char *verify = cloud_env(ctx, "CONSUL_HTTP_SSL_VERIFY");
	bool on = true;

	http->ca_file = cloud_env(ctx, "CONSUL_CACERT");
	http->ca_path = cloud_env(ctx, "CONSUL_CAPATH");
	http->client_cert = cloud_env(ctx, "CONSUL_CLIENT_CERT");
	http->client_key = cloud_env(ctx, "CONSUL_CLIENT_KEY");
	http->tls_name = cloud_env(ctx, "CONSUL_TLS_SERVER_NAME");
	if (verify)
		(void)cloud_parse_bool(verify, &on);
	http->insecure = !on;
	if (check_file(http->ca_file, "CA File", err) < 0 ||
	    check_file(http->client_cert, "client certificate", err) < 0)
		return -1;
	return check_file(http->client_key, "client key", err);
}

/* "host:port", "http://…", "https://…" or "unix://path": *ret is what a URL starts with. */
static int read_address(struct consul *c, const struct cloud_ctx *ctx, char **ret,
			struct error **err)
{
	const char *address = cloud_env(ctx, "CONSUL_HTTP_ADDR");
	const char *ssl = cloud_env(ctx, "CONSUL_HTTP_SSL");
	bool tls = false;

	if (ssl)
		(void)cloud_parse_bool(ssl, &tls);
	if (!address)
		address = "127.0.0.1:8500";

	const char *rest = strstr(address, "://");
	struct str scheme = { address, rest ? (size_t)(rest - address) : 0 };

	rest = rest ? rest + 3 : address;
	if (str_is(scheme, "unix")) {
		c->req.http.unix_socket = rest;
		*ret = xstrdup("http://localhost");
		return 0;
	}
	if (scheme.len && !str_is(scheme, "http") && !str_is(scheme, "https"))
		return error_set(err, ERROR_INVALID, "Unknown protocol scheme: %.*s",
				 STR_FMT(scheme));

	size_t len = strlen(rest);

	while (len && rest[len - 1] == '/')
		len--;
	*ret = xasprintf("http%s://%.*s", tls || str_is(scheme, "https") ? "s" : "", (int)len,
			 rest);
	return 0;
}

static void add_query(struct strbuf *url, const struct cloud_ctx *ctx, const char *variable,
		      const char *name)
{
	const char *value = cloud_env(ctx, variable);

	if (!value)
		return;
	strbuf_addf(url, "%c%s=", strchr(url->buf, '?') ? '&' : '?', name);
	encode_url_query(url, value, strlen(value));
}

static int consul_init(struct consul *c, const struct cloud_ctx *ctx, const char *key,
		       struct error **err)
{
	AUTO(strbuf) struct strbuf url = STRBUF_INIT;
	AUTO_FREE char *base = NULL;

	*c = (struct consul){ .req = { .redirects = REDIRECTS } };
	strv_init(&c->headers);
	c->req.http.headers = &c->headers;
	if (read_address(c, ctx, &base, err) < 0 || set_tls(c, ctx, err) < 0 ||
	    add_token(c, ctx, err) < 0)
		return error_prefix(err, "error getting consul client");
	add_login(c, ctx);
	strbuf_addf(&url, "%s/v1/kv/", base);
	cloud_escape_path(&url, *key == '/' ? key + 1 : key);
	add_query(&url, ctx, "CONSUL_NAMESPACE", "ns");
	add_query(&url, ctx, "CONSUL_PARTITION", "partition");
	c->url = strbuf_detach(&url);
	c->req.http.url = c->url;
	return 0;
}

/* ---- the answer ----------------------------------------------------------------------- */

static int bad_status(const struct http_response *r, struct error **err)
{
	struct str body = str_trim((struct str){ r->body.buf, MIN(r->body.len, SHOWN_MAX) });

	if (!body.len)
		return error_set(err, ERROR_REMOTE, "Unexpected response code: %d", r->status);
	return error_set(err, ERROR_REMOTE, "Unexpected response code: %d (%.*s)", r->status,
			 STR_FMT(body));
}

/* One entry; its value is base64, or null when empty. */
static int read_value(const struct http_response *r, struct strbuf *ret, struct error **err)
{
	AUTO(json) json_t *root = cloud_json(r, err);
	const json_t *entry = json_array_get(root, 0);
	const char *text = cloud_json_text(entry, "Value");

	if (!root)
		return -1;
	if (!json_is_object(entry))
		return error_set(err, ERROR_REMOTE, "the answer is not a list of keys");
	if (text && !decode_base64(ret, text, strlen(text)))
		return error_set(err, ERROR_REMOTE, "the value is not base64");
	return 0;
}

static int ask(const struct cloud_ctx *ctx, const struct consul *c, const char *key,
	       struct strbuf *ret, struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };

	if (cloud_perform(ctx, &c->req, &r, err) < 0)
		return error_prefix(err, "error reading consul key");
	if (r.status == 404)
		return error_set(err, ERROR_NOT_FOUND, "key does not exist at the given path: %s",
				 key);
	if (r.status != 200 ? bad_status(&r, err) < 0 : read_value(&r, ret, err) < 0)
		return error_prefix(err, "error reading consul key");
	return 0;
}

int consul_read(const struct cloud_ctx *ctx, const char *key, struct strbuf *ret,
		struct error **err)
{
	AUTO(consul) struct consul c = { 0 };
	AUTO(strbuf) struct strbuf value = STRBUF_INIT;

	if (consul_init(&c, ctx, key, err) < 0 || ask(ctx, &c, key, &value, err) < 0)
		return -1;
	if (!value.len)
		return error_set(err, ERROR_NOT_FOUND, "value is empty at path %s", key);
	strbuf_add(ret, value.buf, value.len);
	return 0;
}
