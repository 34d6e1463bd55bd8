/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request runs on a curl multi handle, so that each wait watches the cancel
 * token too. Time without progress is measured here: curl's own low-speed
 * limit knows only seconds and counts from the end of the handshake.
 */
#include "net/http.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "net/curl.h"
#include "os/clock.h"
#include "os/log.h"

#include <string.h>

enum {
	CONNECT_SEC = 30,
	STALL_SEC = 60,
	REDIRECTS = 10,
	BUFFER = 256 * 1024,
	CANCEL_FDS = 32,
	PROGRESS_MSEC = 100,
	HEADERS_MAX = 1000,
};

struct http_client {
	CURL *easy;
	CURLM *multi;
};

struct exchange {
	const struct curl_library *curl;
	CURL *easy;
	const struct http_request *req;
	struct http_response response;
	struct error *err; /* of a callback */
	bool head_done;
	int64_t done;          /* bytes of the body */
	int64_t next_progress; /* when to tell again */
	curl_off_t moved;      /* bytes both ways at the last look */
	int64_t moved_at;
};

struct http_client *http_client_new(void)
{
	return NEW(struct http_client);
}

void http_client_free(struct http_client *h)
{
	AUTO(error) struct error *err = NULL;

	if (!h)
		return;
	if (h->multi) {
		const struct curl_library *curl = curl_library_load(&err);

		curl->easy_cleanup(h->easy);
		curl->multi_cleanup(h->multi);
	}
	free(h);
}

void http_response_release(struct http_response *r)
{
	free(r->url);
	map_release(&r->headers);
	strv_release(&r->lines);
	strbuf_release(&r->body);
	r->url = NULL;
}

const char *http_response_header(const struct http_response *r, const char *name)
{
	return map_get(&r->headers, name);
}

char *http_url_shown(const char *url)
{
	const char *start = strstr(url, "://");
	const char *host = start ? start + 3 : url;
	const char *at = memrchr(host, '@', strcspn(host, "/?#"));
	const char *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;

	if (!start || !colon)
		return xstrdup(url);
	return xasprintf("%.*s:xxxxx%s", (int)(colon - url), url, at);
}

/* ---- callbacks --------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct exchange *x = user;
	struct str line = { data, size * n }, value;

	if (str_starts_with(line, STR("HTTP/"))) { /* a new response: after a redirect, 1xx, ... */
		map_release(&x->response.headers);
		strv_release(&x->response.lines);
		return line.len;
	}

	AUTO_FREE char *name = str_dup(str_trim(str_split(line, ':', &value)));

	if (!*name || x->response.lines.len >= HEADERS_MAX)
		return line.len;
	strv_push_take(&x->response.lines, str_dup(str_trim(line)));
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	map_set(&x->response.headers, name, str_dup(str_trim(value)));
	return line.len;
}

static void fill_head(struct exchange *x)
{
	const struct curl_library *curl = x->curl;
	struct http_response *r = &x->response;
	curl_off_t length = -1, modified = -1;
	long status = 0;
	char *url = NULL;

	curl->easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	curl->easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	curl->easy_getinfo(x->easy, CURLINFO_FILETIME_T, &modified);
	curl->easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
	r->status = (int)status;
	r->length = length;
	r->modified = modified;
	r->url = xstrdup(url ? url : x->req->url);
}

/* Before the first byte of the body that counts, or at the end when there is none. */
static int head_arrived(struct exchange *x)
{
	if (x->head_done)
		return 0;
	x->head_done = true;
	fill_head(x);
	return x->req->head ? x->req->head(x->req->data, &x->response, &x->err) : 0;
}

static int keep_body(struct exchange *x, const void *data, size_t len)
{
	struct strbuf *body = &x->response.body;

	strbuf_add(body, data, len);
	if (body->overflow)
		return error_set(&x->err, ERROR_INVALID, "the response is larger than %zu bytes",
				 body->max);
	return 0;
}

static void tell(struct exchange *x, bool last)
{
	int64_t now = clock_monotonic();

	if (!x->req->progress || (!last && now < x->next_progress))
		return;
	x->next_progress = now + PROGRESS_MSEC * NSEC_PER_MSEC;
	x->req->progress(x->req->data, x->done, x->response.length);
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct exchange *x = user;
	size_t len = size * n;

	if (head_arrived(x) < 0)
		return CURL_WRITEFUNC_ERROR;

	int r = x->req->sink ? x->req->sink(x->req->data, data, len, &x->err)
			     : keep_body(x, data, len);

	if (r < 0)
		return CURL_WRITEFUNC_ERROR;
	x->done += (int64_t)len;
	tell(x, false);
	return len;
}

/* ---- setting up -------------------------------------------------------- */

static void set_method(struct exchange *x)
{
	const struct curl_library *curl = x->curl;
	const struct http_request *req = x->req;

	if (req->body) {
		curl->easy_setopt(x->easy, CURLOPT_POSTFIELDS, req->body);
		curl->easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	}
	if (!req->method)
		return;
	if (text_eq(req->method, "HEAD"))
		curl->easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
	else
		curl->easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, req->method);
}

static void set_peer(struct exchange *x)
{
	const struct curl_library *curl = x->curl;
	const struct http_request *req = x->req;

	if (!text_is_empty(req->plain_proxy) && !strncasecmp(req->url, "http:", 5))
		curl->easy_setopt(x->easy, CURLOPT_PROXY, req->plain_proxy);
	if (req->no_proxy || req->unix_socket)
		curl->easy_setopt(x->easy, CURLOPT_PROXY, "");
	if (req->unix_socket)
		curl->easy_setopt(x->easy, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	if (req->ca_file)
		curl->easy_setopt(x->easy, CURLOPT_CAINFO, req->ca_file);
	if (req->ca_path)
		curl->easy_setopt(x->easy, CURLOPT_CAPATH, req->ca_path);
	if (req->client_cert)
		curl->easy_setopt(x->easy, CURLOPT_SSLCERT, req->client_cert);
	if (req->client_key)
		curl->easy_setopt(x->easy, CURLOPT_SSLKEY, req->client_key);
	if (req->insecure) {
		curl->easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl->easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

/*
 * curl checks the certificate against the host of the URL: so the URL names
 * the owner of the certificate, and the connection is sent where it should go.
 */
struct detour {
	struct curl_slist *connect_to;
	char *url;
	char *host; /* header */
};

static void detour_release(struct detour *d, const struct curl_library *curl)
{
	if (d->connect_to)
		curl->slist_free_all(d->connect_to);
	free(d->url);
	free(d->host);
}

static void set_detour(struct exchange *x, struct detour *d, struct curl_slist **headers)
{
	const struct curl_library *curl = x->curl;
	const struct http_request *req = x->req;

	if (!req->tls_name || strncasecmp(req->url, "https://", 8) != 0)
		return;

	const char *host = req->url + 8;
	int len = (int)strcspn(host, "/?#");
	const char *port = memrchr(host, ':', (size_t)len);

	if (port && memchr(port, ']', (size_t)(host + len - port)))
		port = NULL;

	int port_len = port ? (int)(host + len - port) : 0, name_len = len - port_len;
	AUTO_FREE char *shown = port ? xstrndup(port, (size_t)port_len) : xstrdup(":443");
	AUTO_FREE char *target =
		xasprintf("%s%s:%.*s%s", req->tls_name, shown, name_len, host, shown);

	d->url = xasprintf("https://%s%.*s%s", req->tls_name, port_len, port ? port : "",
			   host + len);
	d->host = xasprintf("Host: %.*s", len, host);
	d->connect_to = curl->slist_append(NULL, target);
	*headers = curl->slist_append(*headers, d->host);
	curl->easy_setopt(x->easy, CURLOPT_URL, d->url);
	curl->easy_setopt(x->easy, CURLOPT_CONNECT_TO, d->connect_to);
	curl->easy_setopt(x->easy, CURLOPT_HTTPHEADER, *headers);
}

static void set_options(struct exchange *x, struct curl_slist *headers, char *why)
{
	const struct curl_library *curl = x->curl;
	const struct http_request *req = x->req;
	int64_t connect = req->connect_timeout ? req->connect_timeout : CONNECT_SEC * NSEC_PER_SEC;

	curl->easy_setopt(x->easy, CURLOPT_URL, req->url);
	curl->easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, req->no_redirects ? 0L : 1L);
	curl->easy_setopt(x->easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl->easy_setopt(x->easy, CURLOPT_USERAGENT, "ingot/" INGOT_VERSION);
	curl->easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server */
	curl->easy_setopt(x->easy, CURLOPT_BUFFERSIZE, (long)BUFFER);
	curl->easy_setopt(x->easy, CURLOPT_FILETIME, 1L);
	curl->easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / NSEC_PER_MSEC));
	curl->easy_setopt(x->easy, CURLOPT_ERRORBUFFER, why);
	curl->easy_setopt(x->easy, CURLOPT_HTTPHEADER, headers);
	curl->easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl->easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	if (req->range_from > 0) {
		/* not RESUME_FROM, which makes an answer with the whole body an error */
		AUTO_FREE char *range = xasprintf("%lld-", (long long)req->range_from);

		curl->easy_setopt(x->easy, CURLOPT_RANGE, range); /* copied */
	}
	if (req->netrc) {
		curl->easy_setopt(x->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
		curl->easy_setopt(x->easy, CURLOPT_NETRC_FILE, req->netrc);
	}
	set_peer(x);
	set_method(x);
}

/* ---- running ----------------------------------------------------------- */

static enum error_kind kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERROR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return ERROR_DISCONNECTED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
		return ERROR_AUTH;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERROR_INVALID;
	default:
		return ERROR_REMOTE;
	}
}

static int judge(struct exchange *x, CURLcode code, const char *why, struct error **err)
{
	AUTO_FREE char *shown = http_url_shown(x->req->url);

	x->response.received = x->done;
	if (code == CURLE_OK && head_arrived(x) == 0) {
		tell(x, true);
		return 0;
	}
	if (x->err) /* a callback stopped it */
		return error_move(err, TAKE(x->err));
	return error_set(err, kind_of(code), "cannot get '%s': %s", shown,
			 *why ? why : x->curl->easy_strerror(code));
}

static int time_out(const struct exchange *x, const char *what, struct error **err)
{
	AUTO_FREE char *shown = http_url_shown(x->req->url);

	return error_set(err, ERROR_TIMEOUT, "cannot get '%s': %s", shown, what);
}

static int64_t stall_deadline(struct exchange *x)
{
	const struct http_request *req = x->req;
	int64_t stall = req->stall_timeout ? req->stall_timeout : STALL_SEC * NSEC_PER_SEC;
	curl_off_t up = 0, down = 0;
	long head = 0;

	x->curl->easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	x->curl->easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	x->curl->easy_getinfo(x->easy, CURLINFO_HEADER_SIZE, &head);
	if (up + down + head != x->moved) {
		x->moved = up + down + head;
		x->moved_at = clock_monotonic();
	}
	return x->moved_at + stall;
}

static int wait_for_more(struct exchange *x, CURLM *multi, int64_t until, struct cancel *c,
			 struct error **err)
{
	struct pollfd fds[CANCEL_FDS];
	struct curl_waitfd extra[CANCEL_FDS];
	size_t n = 0;

	cancel_pollfds(c, fds, CANCEL_FDS, &n, &until);
	for (size_t i = 0; i < n; i++)
		extra[i] = (struct curl_waitfd){ .fd = fds[i].fd, .events = CURL_WAIT_POLLIN };

	int64_t left = MAX(until - clock_monotonic(), (int64_t)0);
	int64_t msec = MIN(left / NSEC_PER_MSEC + 1, (int64_t)60000);
	CURLMcode r = x->curl->multi_poll(multi, extra, (unsigned)n, (int)msec, NULL);

	if (r != CURLM_OK)
		return error_set(err, ERROR_FAILED, "cannot wait: %s", x->curl->multi_strerror(r));
	return cancel_check(c, err);
}

/* 1: finished with *ret_code, 0: not yet. */
static int is_finished(struct exchange *x, CURLM *multi, CURLcode *ret_code)
{
	int left;
	CURLMsg *m = x->curl->multi_info_read(multi, &left);

	if (!m || m->msg != CURLMSG_DONE)
		return 0;
	*ret_code = m->data.result;
	return 1;
}

static int run(struct exchange *x, CURLM *multi, struct cancel *c, const char *why,
	       struct error **err)
{
	int64_t deadline = x->req->deadline ? x->req->deadline : DEADLINE_NEVER;
	CURLcode code = CURLE_OK;

	x->moved_at = clock_monotonic();
	if (cancel_check(c, err) < 0)
		return -1;
	for (;;) {
		int running;
		CURLMcode r = x->curl->multi_perform(multi, &running);

		if (r != CURLM_OK)
			return error_set(err, ERROR_FAILED, "cannot make a request: %s",
					 x->curl->multi_strerror(r));
		if (is_finished(x, multi, &code))
			return judge(x, code, why, err);

		int64_t stall = stall_deadline(x), now = clock_monotonic();

		if (now >= deadline)
			return time_out(x, "timed out", err);
		if (now >= stall)
			return time_out(x, "timed out: no data is coming", err);
		if (wait_for_more(x, multi, MIN(deadline, stall), c, err) < 0)
			return -1;
	}
}

static struct curl_slist *make_headers(const struct curl_library *curl,
				       const struct http_request *req)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; req->headers && i < req->headers->len; i++)
		list = curl->slist_append(list, req->headers->v[i]);
	/* no waiting for "100 Continue" before a body is sent */
	return req->body ? curl->slist_append(list, "Expect:") : list;
}

/* A fresh easy handle for each request; the connections live in the multi handle. */
static int renew_handles(struct http_client *h, const struct curl_library *curl, struct error **err)
{
	if (!h->multi)
		h->multi = curl->multi_init();
	if (h->easy)
		curl->easy_cleanup(h->easy);
	h->easy = curl->easy_init();
	if (!h->multi || !h->easy)
		return error_set(err, ERROR_FAILED, "cannot make a request: out of memory");
	return 0;
}

static int perform(struct http_client *h, const struct http_request *req, struct cancel *c,
		   struct http_response *ret, struct error **err)
{
	const struct curl_library *curl = curl_library_load(err);
	char why[CURL_ERROR_SIZE] = "";
	struct exchange x = { .curl = curl, .req = req };
	struct detour detour = { 0 };

	if (!curl || renew_handles(h, curl, err) < 0)
		return -1;
	x.easy = h->easy;
	x.response.length = x.response.modified = -1;
	map_init(&x.response.headers, free);
	strv_init(&x.response.lines);
	strbuf_init_max(&x.response.body, req->body_max ? req->body_max : HTTP_BODY_MAX);

	struct curl_slist *headers = make_headers(curl, req);

	set_options(&x, headers, why);
	set_detour(&x, &detour, &headers);

	CURLMcode added = curl->multi_add_handle(h->multi, h->easy);
	int r = added == CURLM_OK ? run(&x, h->multi, c, why, err)
				  : error_set(err, ERROR_FAILED, "cannot make a request: %s",
					      curl->multi_strerror(added));

	curl->multi_remove_handle(h->multi, h->easy);
	curl->slist_free_all(headers);
	detour_release(&detour, curl);
	error_free(x.err);
	if (r == 0)
		*ret = x.response;
	else
		http_response_release(&x.response);
	return r;
}

static const char *method_of(const struct http_request *req)
{
	return req->method ? req->method : req->body ? "POST" : "GET";
}

static void log_answer(const struct http_request *req, const struct http_response *r, int64_t since,
		       const struct error *e)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, since);
	if (e)
		log_write("http", "%s %s failed%s: %s", method_of(req), req->url, time.buf,
			  e->message);
	else
		log_write("http", "%s %s gave status %d, %lld bytes%s%s%s", method_of(req),
			  req->url, r->status, (long long)r->received, time.buf,
			  text_eq(r->url, req->url) ? "" : ", from ",
			  text_eq(r->url, req->url) ? "" : r->url);
}

int http_perform(struct http_client *h, const struct http_request *req, struct cancel *c,
		 struct http_response *ret, struct error **err)
{
	int64_t since = clock_monotonic();
	int r;

	log_debug("http", "%s %s%s", method_of(req), req->url,
		  req->range_from > 0 ? " from the part that is here on" : "");
	r = perform(h, req, c, ret, err);
	if (log_is_on)
		log_answer(req, ret, since, r < 0 ? *err : NULL);
	return r;
}
