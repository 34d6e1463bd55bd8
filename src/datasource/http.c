/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request. Those that change nothing are tried again when the server
 * is busy; the answer must be text, as it becomes a string of the language.
 */
#include "net/http.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/utf8.h"
#include "core/component.h"
#include "os/clock.h"
#include "os/proc.h"
#include "os/wait.h"

#include <string.h>

enum { TRIES = 3, LIMIT_SEC = 10 * 60, PAUSE_MSEC = 250 };

struct http_source {
	const char *url, *method, *request_body;
	struct text_map request_headers;
};

static const char *const methods[] = { "HEAD",   "GET",     "POST",  "PUT",
				       "DELETE", "OPTIONS", "PATCH", NULL };

static const struct attr http_attrs[] = {
	ATTR_STRING(struct http_source, url, 0, "What to ask for: an http or https URL."),
	ATTR_STRING(struct http_source, method, 0,
		    "HEAD, GET, POST, PUT, DELETE, OPTIONS or PATCH.", .def = "GET"),
	ATTR_MAP(struct http_source, request_headers, 0, "Headers of the request."),
	ATTR_STRING(struct http_source, request_body, 0, "Body of the request."),
	ATTR_END,
};
static const struct schema http_schema = SCHEMA(struct http_source, http_attrs);

static const struct datasource_output http_outputs[] = {
	{ "url", &type_string, "The URL that was asked for." },
	{ "response_headers", NULL, "Headers of the answer; of several, all, with commas." },
	{ "body", &type_string, "Body of the answer." },
	{ 0 },
};

/* ---- checking ------------------------------------------------------------------------------- */

static bool is_method(const char *text)
{
	for (size_t i = 0; methods[i]; i++)
		if (!strcasecmp(methods[i], text))
			return true;
	return false;
}

/* Nothing that would end the header or begin another one. */
static bool is_header(const struct text_pair *h)
{
	return *h->key && !strpbrk(h->key, "\r\n: ") && !strpbrk(h->value, "\r\n");
}

static void http_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct http_source *s = config;
	struct range at = decoded_range(ctx->decoded, "method");

	if (text_is_empty(s->url))
		diags_error(diags, NULL, "the `url` must be specified", "%s", "");
	if (text_is_empty(s->method) || text_eq(s->method, "<unknown>"))
		s->method = "GET";
	if (!is_method(s->method))
		diags_error(diags, &at,
			    "the `method` must be one of HEAD, GET, POST, PUT, DELETE, OPTIONS, "
			    "PATCH",
			    "%s", "");
	at = decoded_range(ctx->decoded, "request_headers");
	for (size_t i = 0; i < s->request_headers.len; i++)
		if (!is_header(&s->request_headers.v[i]))
			diags_error(diags, &at,
				    "a header of the request has a line break or a bad "
				    "name",
				    "%s", "");
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool is_repeatable(const char *method)
{
	return !strcasecmp(method, "GET") || !strcasecmp(method, "HEAD") ||
	       !strcasecmp(method, "OPTIONS");
}

static bool is_worth_retry(int done, const struct http_response *r, const struct error *e)
{
	if (done < 0)
		return e->kind == ERROR_DISCONNECTED;
	return r->status == 429 || r->status == 502 || r->status == 503 || r->status == 504;
}

static void add_headers(struct strv *headers, const struct http_source *s)
{
	bool has_type = false;

	for (size_t i = 0; i < s->request_headers.len; i++) {
		const struct text_pair *h = &s->request_headers.v[i];

		/* "Name;" is how curl is told to send an empty one */
		strv_pushf(headers, *h->value ? "%s: %s" : "%s;", h->key, h->value);
		has_type |= !strcasecmp(h->key, "Content-Type");
	}
	if (!has_type && !text_is_empty(s->request_body))
		strv_push(headers, "Content-Type:"); /* none, instead of a form's */
}

static const char *variable(const struct datasource_ctx *ctx, const char *name)
{
	const char *value = ctx->getenv ? ctx->getenv(name) : NULL;

	return text_is_empty(value) ? NULL : value;
}

static int ask(const struct http_source *s, const struct datasource_ctx *ctx,
	       struct http_response *ret, struct error **err)
{
	AUTO(http_client) struct http_client *client = http_client_new();
	AUTO(strv) struct strv headers = STRV_INIT;
	bool is_post = !strcasecmp(s->method, "POST");
	bool has_body = is_post || !text_is_empty(s->request_body);
	AUTO_FREE char *method = xstrdup(s->method);
	struct http_request req = {
		/* a method of its own would outlive a redirect, POST must not */
		.method = is_post ? NULL : method,
		.url = s->url,
		.headers = &headers,
		.body = has_body ? (s->request_body ? s->request_body : "") : NULL,
		.body_len = has_body && s->request_body ? strlen(s->request_body) : 0,
		.ca_file = variable(ctx, "SSL_CERT_FILE"),
		.ca_path = variable(ctx, "SSL_CERT_DIR"),
		.plain_proxy = variable(ctx, "HTTP_PROXY"),
		.deadline = clock_deadline(LIMIT_SEC * NSEC_PER_SEC),
	};

	for (char *p = method; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	add_headers(&headers, s);
	for (int try = 1;; try++) {
		AUTO(error) struct error *e = NULL;
		struct http_response r = { 0 };
		int done = http_perform(client, &req, ctx->cancel, &r, &e);

		if (done < 0 && cancel_check(ctx->cancel, err) < 0)
			return -1;
		if (try >= TRIES || !is_repeatable(method) || !is_worth_retry(done, &r, e)) {
			*ret = r;
			return done < 0 ? error_move(err, TAKE(e)) : 0;
		}
		http_response_release(&r);
		if (io_pause(clock_deadline(try * PAUSE_MSEC * NSEC_PER_MSEC), ctx->cancel, err) <
		    0)
			return -1;
	}
}

/* ---- the answer ------------------------------------------------------------------------------- */

/* "content-type" -> "Content-Type", so that every server's headers are found alike. */
static char *canonical_name(struct str name)
{
	char *text = str_dup(name);
	bool start = true;

	for (char *p = text; *p; p++) {
		if (start && *p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (!start && *p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		start = *p == '-';
	}
	return text;
}

static struct value *headers_value(const struct http_response *r)
{
	struct map fields;

	value_map_init(&fields);
	for (size_t i = 0; i < r->lines.len; i++) {
		struct str value;
		struct str head = str_trim(str_split(str_of(r->lines.v[i]), ':', &value));
		AUTO_FREE char *name = canonical_name(head);
		const struct value *before = map_get(&fields, name);
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		if (before)
			strbuf_addf(&text, "%s, ", value_as_string(before));
		value = str_trim(value);
		strbuf_add(&text, value.p, value.len);
		value_map_put(&fields, name, value_string_len(text.buf, text.len));
	}
	return value_map_take(type_string, &fields);
}

static struct value *http_read(const void *config, const struct datasource_ctx *ctx,
			       struct error **err)
{
	const struct http_source *s = config;
	AUTO(http_response) struct http_response r = { 0 };
	struct map fields;

	if (ask(s, ctx, &r, err) < 0) {
		error_prefix(err, "Error making http request");
		return NULL;
	}
	if (r.status < 200 || r.status > 299) {
		error_set(err, ERROR_REMOTE, "HTTP request error. Response code: %d", r.status);
		return NULL;
	}
	if (!utf8_is_valid(r.body.buf, r.body.len)) {
		const char *type = http_response_header(&r, "content-type");

		error_set(err, ERROR_INVALID, "the response of '%s' is not text (%s)", s->url,
			  type ? type : "of no type");
		return NULL;
	}
	value_map_init(&fields);
	map_set(&fields, "url", value_string(s->url));
	map_set(&fields, "response_headers", headers_value(&r));
	map_set(&fields, "body", value_string_len(r.body.buf, r.body.len));
	return value_object_take(&fields);
}

const struct datasource_type datasource_http = {
	.name = "http",
	.doc = "Asks a web server and gives what it answered.",
	.schema = &http_schema,
	.outputs = http_outputs,
	.prepare = http_prepare,
	.read = http_read,
};
