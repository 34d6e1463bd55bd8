/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "../../fakes/http_origin.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "net/http.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/wait.h"

static struct origin *origin;

static int start_origin(void **state)
{
	origin = origin_new();
	return 0;
}

static int stop_origin(void **state)
{
	size_t left = origin_left(origin);

	origin_free(origin);
	return left ? -1 : 0;
}

static int perform(struct http_request *req, const char *path, struct cancel *c,
		   struct http_response *ret, struct error **err)
{
	AUTO(http_client) struct http_client *h = http_client_new();
	AUTO_FREE char *url = xasprintf("%s%s", origin_url(origin), path);

	req->url = url;
	return http_perform(h, req, c, ret, err);
}

static void check_get(const char *path, int status, const char *body)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_response) struct http_response r = { 0 };
	struct http_request req = { 0 };

	if (perform(&req, path, NULL, &r, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(r.status, status);
	assert_string_equal(r.body.buf, body);
}

static void check_fails(struct http_request *req, struct cancel *c, enum error_kind kind)
{
	AUTO(error) struct error *err = NULL;
	struct http_response r = { .status = -7 };

	assert_int_equal(perform(req, "/", c, &r, &err), -1);
	assert_int_equal(err->kind, kind);
	assert_int_equal(r.status, -7); /* untouched */
}

/* The one request the server got begins with, or has, this. */
static void check_request(const char *part)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(origin, &requests);
	assert_true(requests.len > 0);
	if (!strstr(requests.v[requests.len - 1], part))
		fail_msg("no '%s' in: %s", part, requests.v[requests.len - 1]);
}

static void test_get(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_response) struct http_response r = { 0 };
	AUTO_FREE char *url = NULL;
	struct http_request req = { 0 };

	origin_reply(origin, "200 OK",
		     "ETag:  \"x\" \r\nX-Two: 1\r\nx-two: 2\r\n"
		     "Last-Modified: Thu, 01 Jan 1970 00:01:40 GMT\r\n",
		     "hello");
	assert_int_equal(perform(&req, "/a?b=c", NULL, &r, &err), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.length, 5);
	assert_int_equal(r.modified, 100);
	assert_string_equal(r.body.buf, "hello");
	assert_string_equal(http_response_header(&r, "etag"), "\"x\"");
	assert_string_equal(http_response_header(&r, "x-two"), "2");
	assert_null(http_response_header(&r, "none"));
	url = xasprintf("%s/a?b=c", origin_url(origin));
	assert_string_equal(r.url, url);
	check_request("GET /a?b=c HTTP/1.1\r\n");
	check_request("User-Agent: ingot/");
}

static void test_any_status_is_a_response(void **state)
{
	origin_reply(origin, "404 Not Found", "", "no such thing");
	check_get("/", 404, "no such thing");
	origin_reply(origin, "204 No Content", "", "");
	check_get("/", 204, "");
	origin_reply(origin, "503 Busy", "", "");
	check_get("/", 503, "");
}

static void test_redirects(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_response) struct http_response r = { 0 }, kept = { 0 };
	AUTO_FREE char *url = xasprintf("%s/there", origin_url(origin));
	struct http_request req = { 0 }, stay = { .no_redirects = true };

	origin_reply(origin, "302 Found", "Location: /there\r\nX-First: 1\r\n", "gone there");
	origin_reply(origin, "200 OK", "", "here");
	assert_int_equal(perform(&req, "/", NULL, &r, &err), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.buf, "here");
	assert_string_equal(r.url, url);
	assert_null(http_response_header(&r, "x-first")); /* not of this response */
	origin_reply(origin, "302 Found", "Location: /there\r\n", "");
	assert_int_equal(perform(&stay, "/", NULL, &kept, &err), 0);
	assert_int_equal(kept.status, 302);
	for (int i = 0; i < 11; i++)
		origin_reply(origin, "302 Found", "Location: /again\r\n", "");
	check_fails(&req, NULL, ERROR_REMOTE);
	/* never out of the web: a file of this host is none of the server's business */
	origin_reply(origin, "302 Found", "Location: file:///etc/passwd\r\n", "");
	check_fails(&req, NULL, ERROR_INVALID);
}

static void test_methods(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(http_response) struct http_response r = { 0 }, put = { 0 }, head = { 0 };
	struct http_request req = { .body = "a=b", .body_len = 3, .headers = &headers };

	strv_push(&headers, "Content-Type: text/x-test");
	origin_reply(origin, "200 OK", "", "");
	assert_int_equal(perform(&req, "/", NULL, &r, &err), 0);
	check_request("POST / HTTP/1.1\r\n");
	check_request("Content-Type: text/x-test\r\n");
	check_request("\r\n\r\na=b");
	req.method = "PUT";
	origin_reply(origin, "200 OK", "", "");
	assert_int_equal(perform(&req, "/", NULL, &put, &err), 0);
	check_request("PUT / HTTP/1.1\r\n");
	origin_reply_raw(origin, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 41);
	req = (struct http_request){ .method = "HEAD" };
	assert_int_equal(perform(&req, "/", NULL, &head, &err), 0);
	check_request("HEAD / HTTP/1.1\r\n");
	assert_int_equal(head.length, 1234);
	assert_int_equal(head.body.len, 0);
}

static void test_range(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_response) struct http_response part = { 0 }, whole = { 0 };
	struct http_request req = { .range_from = 6 };

	origin_reply(origin, "206 Partial Content", "Content-Range: bytes 6-9/10\r\n", "rest");
	assert_int_equal(perform(&req, "/", NULL, &part, &err), 0);
	check_request("Range: bytes=6-\r\n");
	assert_int_equal(part.status, 206);
	/* a server that ignores the range is no error here, but it can be told */
	origin_reply(origin, "200 OK", "", "whole rest");
	assert_int_equal(perform(&req, "/", NULL, &whole, &err), 0);
	assert_int_equal(whole.status, 200);
}

struct seen {
	struct strbuf body;
	int heads, status;
	int64_t done, total;
	bool refuse_head, refuse_body;
};

static int on_head(void *data, const struct http_response *r, struct error **err)
{
	struct seen *s = data;

	s->heads++;
	s->status = r->status;
	return s->refuse_head ? error_set(err, ERROR_EXISTS, "not wanted") : 0;
}

static int on_body(void *data, const void *bytes, size_t len, struct error **err)
{
	struct seen *s = data;

	assert_int_equal(s->heads, 1);
	strbuf_add(&s->body, bytes, len);
	return s->refuse_body ? error_set(err, ERROR_IO, "disk is full") : 0;
}

static void on_progress(void *data, int64_t done, int64_t total)
{
	struct seen *s = data;

	assert_true(done >= s->done);
	s->done = done;
	s->total = total;
}

static void test_streaming(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_response) struct http_response r = { 0 }, empty = { 0 };
	AUTO_FREE char *big = xcalloc(1, 3000001);
	struct seen seen = { .body = STRBUF_INIT };
	struct http_request req = {
		.head = on_head, .sink = on_body, .progress = on_progress, .data = &seen
	};

	memset(big, 'x', 3000000);
	origin_reply(origin, "302 Found", "Location: /2\r\n", "body of the redirect");
	origin_reply(origin, "200 OK", "", big);
	assert_int_equal(perform(&req, "/", NULL, &r, &err), 0);
	assert_int_equal(seen.heads, 1);
	assert_int_equal(seen.body.len, 3000000);
	assert_int_equal(seen.done, 3000000);
	assert_int_equal(seen.total, 3000000);
	assert_int_equal(r.body.len, 0);
	/* the head is told of even if no body follows */
	seen.heads = 0;
	seen.done = 0;
	origin_reply(origin, "404 None", "", "");
	assert_int_equal(perform(&req, "/", NULL, &empty, &err), 0);
	assert_int_equal(seen.heads, 1);
	assert_int_equal(seen.status, 404);
	strbuf_release(&seen.body);
}

static void test_callbacks_refuse(void **state)
{
	struct seen seen = { .body = STRBUF_INIT, .refuse_head = true };
	struct http_request req = { .head = on_head, .sink = on_body, .data = &seen };

	origin_reply(origin, "200 OK", "", "body");
	check_fails(&req, NULL, ERROR_EXISTS);
	assert_int_equal(seen.body.len, 0);
	seen = (struct seen){ .body = STRBUF_INIT, .refuse_body = true };
	origin_reply(origin, "200 OK", "", "body");
	check_fails(&req, NULL, ERROR_IO);
	strbuf_release(&seen.body);
	/* also where there is no body to stop */
	seen = (struct seen){ .body = STRBUF_INIT, .refuse_head = true };
	origin_reply(origin, "200 OK", "", "");
	check_fails(&req, NULL, ERROR_EXISTS);
}

static void test_limit(void **state)
{
	struct http_request req = { .body_max = 4 };

	origin_reply(origin, "200 OK", "", "12345");
	check_fails(&req, NULL, ERROR_INVALID);
}

static void test_lost(void **state)
{
	struct http_request req = { 0 };

	origin_reply_cut(origin, "200 OK", "", "0123456789", 4);
	check_fails(&req, NULL, ERROR_DISCONNECTED);
	origin_reply_raw(origin, "", 0);
	check_fails(&req, NULL, ERROR_DISCONNECTED);
	origin_reply_raw(origin, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	check_fails(&req, NULL, ERROR_INVALID);
}

static void test_stall(void **state)
{
	struct http_request req = { .stall_timeout = 30 * NSEC_PER_MSEC };

	origin_reply_stall(origin, "", "0123456789", 4);
	check_fails(&req, NULL, ERROR_TIMEOUT);
	req = (struct http_request){ .deadline = clock_deadline(30 * NSEC_PER_MSEC) };
	origin_reply_stall(origin, "", "0123456789", 4);
	check_fails(&req, NULL, ERROR_TIMEOUT);
}

struct trigger {
	struct cancel *c;
	int64_t at;
};

static int cancel_at_head(void *data, const struct http_response *r, struct error **err)
{
	struct trigger *t = data;

	t->at = clock_monotonic();
	cancel_trigger(t->c);
	return 0;
}

static void test_cancel(void **state)
{
	int64_t best = INT64_MAX;

	/* a busy host may delay us now and then, but not every time */
	for (int i = 0; i < 5 && best >= 50 * NSEC_PER_MSEC; i++) {
		AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
		struct trigger t = { .c = c };
		struct http_request req = { .head = cancel_at_head, .data = &t };

		origin_reply_stall(origin, "", "0123456789", 4);
		check_fails(&req, c, ERROR_CANCELLED);
		best = MIN(best, clock_monotonic() - t.at);
	}
	assert_true(best < 50 * NSEC_PER_MSEC);

	/* nothing is asked for under a token that has ended */
	AUTO(cancel) struct cancel *ended = cancel_new(NULL, clock_deadline(0));
	struct http_request req = { 0 };

	check_fails(&req, ended, ERROR_TIMEOUT);
}

static void check_url_fails(const char *url, enum error_kind kind, const char *message)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_client) struct http_client *h = http_client_new();
	struct http_request req = { .url = url };
	struct http_response r;

	assert_int_equal(http_perform(h, &req, NULL, &r, &err), -1);
	assert_int_equal(err->kind, kind);
	if (message && !strstr(err->message, message))
		fail_msg("no '%s' in: %s", message, err->message);
}

static void test_bad_urls(void **state)
{
	check_url_fails("file:///etc/passwd", ERROR_INVALID, "cannot get 'file:///etc/passwd': ");
	check_url_fails("ftp://127.0.0.1/", ERROR_INVALID, NULL);
	check_url_fails("http://[::1", ERROR_INVALID, NULL);
	check_url_fails("", ERROR_INVALID, NULL);
	/* nobody listens on port 1; the password stays here */
	check_url_fails("http://joe:geheim@127.0.0.1:1/", ERROR_DISCONNECTED,
			"cannot get 'http://joe:xxxxx@127.0.0.1:1/': ");
}

static void check_shown(const char *url, const char *want)
{
	AUTO_FREE char *shown = http_url_shown(url);

	assert_string_equal(shown, want);
}

static void test_shown(void **state)
{
	check_shown("http://h/p@q:r", "http://h/p@q:r");
	check_shown("http://u@h/", "http://u@h/");
	check_shown("http://u:p@ss@h/x", "http://u:xxxxx@h/x");
	check_shown("https://:p@h?a@b", "https://:xxxxx@h?a@b");
	check_shown("plain:path@x", "plain:path@x");
}

static void test_credentials(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);

	AUTO_FREE char *netrc = xasprintf("%s/netrc", dir);
	AUTO(http_response) struct http_response r = { 0 };
	const char text[] = "machine 127.0.0.1 login joe password secret\n";
	struct http_request req = { .netrc = netrc };

	assert_int_equal(fs_write(netrc, text, sizeof(text) - 1, 0600, &err), 0);
	origin_reply(origin, "200 OK", "", "");
	assert_int_equal(perform(&req, "/", NULL, &r, &err), 0);
	check_request("Authorization: Basic am9lOnNlY3JldA==\r\n");
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_proxy(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(http_client) struct http_client *h = http_client_new();
	AUTO(http_response) struct http_response given = { 0 }, named = { 0 };
	struct http_request req = { .url = "http://example.invalid/x" };

	req.plain_proxy = origin_url(origin);
	origin_reply(origin, "200 OK", "", "by way of it");
	assert_int_equal(http_perform(h, &req, NULL, &given, &err), 0);
	assert_string_equal(given.body.buf, "by way of it");
	check_request("GET http://example.invalid/x HTTP/1.1\r\n");
	req.plain_proxy = NULL;
	setenv("http_proxy", origin_url(origin), 1);
	origin_reply(origin, "200 OK", "", "");
	assert_int_equal(http_perform(h, &req, NULL, &named, &err), 0);
	setenv("no_proxy", "127.0.0.1", 1);
	origin_reply(origin, "200 OK", "", "direct");
	check_get("/direct", 200, "direct");
	check_request("GET /direct HTTP/1.1\r\n");
	unsetenv("no_proxy");
	unsetenv("http_proxy");
}

int main(void)
{
	static const char *const proxies[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
					       "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
					       "no_proxy",    "NO_PROXY",   "REQUEST_METHOD" };

	for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
		unsetenv(proxies[i]);
	signal(SIGPIPE, SIG_IGN);
#define TEST(f) cmocka_unit_test_setup_teardown(f, start_origin, stop_origin)
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_any_status_is_a_response),
		TEST(test_redirects),
		TEST(test_methods),
		TEST(test_range),
		TEST(test_streaming),
		TEST(test_callbacks_refuse),
		TEST(test_limit),
		TEST(test_lost),
		TEST(test_stall),
		TEST(test_cancel),
		TEST(test_bad_urls),
		TEST(test_shown),
		TEST(test_credentials),
		TEST(test_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
