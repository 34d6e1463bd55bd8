/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/service.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/wait.h"

#include <string.h>

enum {
	TRIES = 3,
	TIMEOUT_SEC = 60,
	PAUSE_MSEC = 250,
	PAUSE_MAX_SEC = 5,
	ANSWER_MAX = 4 * 1024 * 1024,
};

const char *cloud_env(const struct cloud_ctx *ctx, const char *name)
{
	const char *value = ctx->getenv ? ctx->getenv(name) : NULL;

	return text_is_empty(value) ? NULL : value;
}

void cloud_add_secret(const struct cloud_ctx *ctx, const char *text)
{
	if (ctx->redactor)
		redactor_add(ctx->redactor, text, strlen(text));
}

bool cloud_parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!text_eq(text, yes[i]) && !text_eq(text, no[i]))
			continue;
		*ret = text_eq(text, yes[i]);
		return true;
	}
	return false;
}

/* ---- redirects ------------------------------------------------------------------ */

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 307 || status == 308;
}

/* "https://host:port" of a URL. */
static struct str origin_of(const char *url)
{
	const char *host = strstr(url, "://");

	return (struct str){ url, host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0 };
}

/* The URL that `from` sends us to; NULL with *err. */
static char *redirect_target(const char *from, const char *to, struct error **err)
{
	struct str origin = origin_of(from);
	AUTO_FREE char *url = NULL;

	if (text_is_empty(to)) {
		error_set(err, ERROR_REMOTE, "a redirect leads nowhere");
		return NULL;
	}
	if (strstr(to, "://"))
		url = xstrdup(to);
	else if (text_starts_with(to, "//"))
		url = xasprintf("%.*s:%s", (int)strcspn(from, ":"), from, to);
	else
		url = xasprintf("%.*s%s%s", STR_FMT(origin), *to == '/' ? "" : "/", to);
	if (!strncasecmp(from, "https:", 6) && strncasecmp(url, "https:", 6) != 0) {
		error_set(err, ERROR_REMOTE, "redirect would cause protocol downgrade");
		return NULL;
	}
	return TAKE(url);
}

/* ---- one try ---------------------------------------------------------------------- */

/* Servers on this host are never behind a proxy. */
static bool is_near(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return text_starts_with(host, "localhost") || text_starts_with(host, "127.") ||
	       text_starts_with(host, "[::1]");
}

static int try_once(const struct cloud_ctx *ctx, const struct cloud_request *req,
		    struct http_client *client, struct http_response *ret, struct error **err)
{
	AUTO_FREE char *url = xstrdup(req->http.url);
	struct http_request http = req->http;

	http.no_redirects = true;
	http.body_max = ANSWER_MAX;
	if (!http.ca_file && !http.ca_path) {
		http.ca_file = cloud_env(ctx, "SSL_CERT_FILE");
		http.ca_path = cloud_env(ctx, "SSL_CERT_DIR");
	}
	http.plain_proxy = cloud_env(ctx, "HTTP_PROXY");
	http.deadline = clock_deadline(req->timeout ? req->timeout : TIMEOUT_SEC * NSEC_PER_SEC);
	for (int left = req->redirects;; left--) {
		http.url = url;
		http.no_proxy = req->http.no_proxy || is_near(url);
		if (http_perform(client, &http, ctx->cancel, ret, err) < 0)
			return -1;
		if (!req->redirects || !is_redirect(ret->status))
			return 0;

		AUTO_FREE char *next = NULL;

		if (left == 0)
			error_set(err, ERROR_REMOTE, "stopped after %d redirects", req->redirects);
		else
			next = redirect_target(url, http_response_header(ret, "location"), err);
		http_response_release(ret);
		*ret = (struct http_response){ 0 };
		if (!next)
			return -1;
		free(url);
		url = TAKE(next);
	}
}

/* ---- trying again ----------------------------------------------------------------- */

static bool is_transient_status(const struct http_response *r)
{
	return r->status == 429 || (r->status >= 500 && r->status != 501);
}

static bool is_transient_error(const struct error *e)
{
	return e->kind == ERROR_DISCONNECTED || e->kind == ERROR_TIMEOUT;
}

static int pause_before(const struct cloud_ctx *ctx, int try, struct error **err)
{
	int64_t pause = ctx->retry_pause ? ctx->retry_pause : PAUSE_MSEC * NSEC_PER_MSEC;
	int64_t longest = PAUSE_MAX_SEC * NSEC_PER_SEC;

	for (int i = 1; i < try && pause < longest; i++)
		pause *= 2;
	return io_pause(clock_deadline(MIN(pause, longest)), ctx->cancel, err);
}

int cloud_perform(const struct cloud_ctx *ctx, const struct cloud_request *req,
		  struct http_response *ret, struct error **err)
{
	AUTO(http_client) struct http_client *client = http_client_new();
	int tries = req->tries > 0 ? req->tries : TRIES;

	for (int try = 1;; try++) {
		AUTO(error) struct error *e = NULL;
		struct http_response r = { 0 };
		int done = try_once(ctx, req, client, &r, &e);

		if (done < 0 && cancel_check(ctx->cancel, err) < 0)
			return -1;
		bool again = done < 0            ? is_transient_error(e)
			     : req->is_transient ? req->is_transient(&r)
						 : is_transient_status(&r);

		if (try >= tries || !again) {
			if (done < 0)
				return error_move(err, TAKE(e));
			*ret = r;
			return 0;
		}
		http_response_release(&r);
		if (pause_before(ctx, try, err) < 0)
			return -1;
	}
}

/* ---- texts ------------------------------------------------------------------------ */

json_t *cloud_json(const struct http_response *r, struct error **err)
{
	json_error_t why;
	json_t *root = json_loadb(r->body.buf, r->body.len, JSON_ALLOW_NUL, &why);

	if (!root)
		error_set(err, ERROR_REMOTE, "the answer is not JSON: %s (line %d, column %d)",
			  why.text, why.line, why.column);
	return root;
}

const char *cloud_json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

void cloud_escape_path(struct strbuf *sb, const char *text)
{
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_.~$&+,/:;=@";

	for (const char *p = text; *p; p++) {
		if (strchr(kept, *p))
			strbuf_addch(sb, *p);
		else
			strbuf_addf(sb, "%%%02X", (unsigned char)*p);
	}
}
