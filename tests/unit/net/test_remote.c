/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../fakes/http_origin.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "net/remote.h"

struct fixture {
	struct origin *origin;
	struct strbuf said; /* one message a line, errors with "!" before */
	struct strv urls;
	char *url, *state;
};

static void note(void *data, bool is_error, const char *text)
{
	struct fixture *f = data;

	strbuf_addf(&f->said, "%s%s\n", is_error ? "!" : "", text);
}

static int set_up(void **state)
{
	struct fixture *f = NEW(struct fixture);

	*f = (struct fixture){ .origin = origin_new(), .said = STRBUF_INIT, .urls = STRV_INIT };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	size_t left = origin_left(f->origin);

	origin_free(f->origin);
	strbuf_release(&f->said);
	strv_release(&f->urls);
	free(f->url);
	free(f->state);
	free(f);
	return left ? -1 : 0;
}

static int find(struct fixture *f, struct cancel *c, struct error **err)
{
	const struct remote r = { .urls = &f->urls, .cwd = "/", .say = note, .data = f };

	free(f->url);
	free(f->state);
	f->url = f->state = NULL;
	return remote_find(&r, c, &f->url, &f->state, err);
}

#define PARTS "Accept-Ranges: bytes\r\n"

static void test_first_that_can(void **state)
{
	struct fixture *f = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv asked = STRV_INIT;
	AUTO_FREE char *want = xasprintf("%s/d?x=1", origin_url(f->origin));

	strv_pushf(&f->urls, "%s/a", origin_url(f->origin));
	strv_pushf(&f->urls, "%s/b", origin_url(f->origin));
	strv_pushf(&f->urls, "%s/c", origin_url(f->origin));
	strv_pushf(&f->urls, "%s/d?checksum=md5:00&x=1", origin_url(f->origin));
	strv_pushf(&f->urls, "%s/e", origin_url(f->origin));
	origin_reply(f->origin, "404 Not Found", PARTS, "");
	origin_reply(f->origin, "200 OK", "", "");
	origin_reply(f->origin, "200 OK", "Accept-Ranges: none\r\n", "");
	origin_reply(f->origin, "200 OK", PARTS "ETag: \"1\"\r\n", "");
	assert_int_equal(find(f, NULL, &err), 0);
	assert_string_equal(f->url, want);
	assert_non_null(strstr(f->state, "\"1\""));
	assert_non_null(strstr(f->said.buf, "/a: the server answers with status 404"));
	assert_non_null(strstr(f->said.buf, "/b: the server gives the whole file only"));
	assert_non_null(strstr(f->said.buf, "/c: the server gives the whole file only"));
	origin_requests(f->origin, &asked);
	assert_int_equal(asked.len, 4);
	assert_true(text_starts_with(asked.v[3], "HEAD /d?x=1 "));
}

static void test_changed_file_has_another_state(void **state)
{
	struct fixture *f = *state;
	AUTO(error) struct error *err = NULL;

	strv_pushf(&f->urls, "%s/a", origin_url(f->origin));
	origin_reply(f->origin, "200 OK", PARTS "Last-Modified: Thu, 01 Jan 1970 00:00:10 GMT\r\n",
		     "");
	origin_reply(f->origin, "200 OK", PARTS "Last-Modified: Thu, 01 Jan 1970 00:00:11 GMT\r\n",
		     "");
	assert_int_equal(find(f, NULL, &err), 0);

	AUTO_FREE char *before = xstrdup(f->state);

	assert_int_equal(find(f, NULL, &err), 0);
	assert_string_not_equal(f->state, before);
}

static void test_none_can(void **state)
{
	struct fixture *f = *state;
	AUTO(error) struct error *err = NULL;

	strv_push(&f->urls, "http://127.0.0.1:1/nobody");
	strv_pushf(&f->urls, "%s/a", origin_url(f->origin));
	origin_reply(f->origin, "200 OK", "", "");
	assert_int_equal(find(f, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_string_equal(err->message, "No byte serving support. The HTTP server must support "
					  "Accept-Ranges=bytes");
	assert_non_null(strstr(f->said.buf, "\n!"));
	assert_null(f->url);
}

static void test_cancelled(void **state)
{
	struct fixture *f = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, 0);

	strv_pushf(&f->urls, "%s/a", origin_url(f->origin));
	cancel_trigger(c);
	assert_int_equal(find(f, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_that_can, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed_file_has_another_state, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_none_can, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
