/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a file that was fetched: in place or in the cache, with and without a sum, unpacked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "download_lab.h"

static void test_in_place(void **state)
{
	struct download_result r = { 0 };
	AUTO_FREE char *path = at("local.iso");

	put(path, BODY);
	strv_push(&f.urls, "./local.iso");
	run(&r);
	assert_string_equal(r.path, path);
	assert_true(r.in_place);
	check_said("Retrieving ISO\nTrying ./local.iso\nTrying ./local.iso?checksum=md5%%3A%s\n"
		   "./local.iso?checksum=md5%%3A%s => %s\n",
		   BODY_MD5 + 4, BODY_MD5 + 4, path);
	check_files("local.iso");
	download_result_release(&r);
	free(f.urls.v[0]);
	f.urls.v[0] = xasprintf("file://%s", path);
	run(&r);
	assert_string_equal(r.path, path);
	download_result_release(&r);
}

static void test_in_place_wrong(void **state)
{
	AUTO_FREE char *path = at("local.iso");
	AUTO_FREE char *message =
		xasprintf("error downloading ISO: [Checksums did not match for %s.\n"
			  "Expected: %s\nGot: 0cc175b9c0f1b6a831c399e269772661\n"
			  "*md5.digest]",
			  path, BODY_MD5 + 4);

	put(path, "a");
	strv_push(&f.urls, path);
	run_fails(message);
	check_content(path, "a"); /* it is the user's */
	assert_null(strstr(f.said.buf, "removing"));
}

static void test_in_place_directory(void **state)
{
	AUTO_FREE char *message = xasprintf("error downloading ISO: ['%s' is a directory]", f.dir);

	strv_push(&f.urls, f.dir);
	run_fails(message);
}

/* ---- checksums ---------------------------------------------------------- */

static void test_sum_in_url(void **state)
{
	struct download_result r = { 0 };

	f.d.checksum = "md5:00";
	strv_pushf(&f.urls, "%s/1?checksum=%s&x=y", origin_url(f.origin), BODY_SHA256);
	add_url("/2");
	origin_reply(f.origin, "404 Not Found", "", "");
	origin_reply(f.origin, "200 OK", "", BODY);
	run(&r);
	assert_true(asked(0, "GET /1?x=y HTTP/1.1\r\n"));
	assert_string_equal(r.checksum, BODY_SHA256); /* also for the next URL */
	check_content(r.path, BODY);
	download_result_release(&r);
}

static void test_bad_sum_in_url(void **state)
{
	strv_pushf(&f.urls, "%s/1?checksum=xyz", origin_url(f.origin));
	run_fails("error downloading ISO: [invalid checksum: encoding/hex: invalid byte: U+0078 "
		  "'x' in "
		  "\"xyz\"]");
}

static void test_no_sum(void **state)
{
	struct download_result r = { 0 };

	f.d.checksum = "none";
	add_url("/x.iso");
	origin_reply(f.origin, "200 OK", "Last-Modified: Thu, 01 Jan 1970 00:01:40 GMT\r\n", BODY);
	run(&r);
	check_content(r.path, BODY);
	check_said("Retrieving ISO\nTrying %s\nTrying %s\n%s => %s\n", f.urls.v[0], f.urls.v[0],
		   f.urls.v[0], r.path);
	download_result_release(&r);

	/* same size and time: it is still the same */
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n"
				   "Last-Modified: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n";
	static const char newer[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n"
				    "Last-Modified: Thu, 01 Jan 1970 00:01:41 GMT\r\n\r\n";

	origin_reply_raw(f.origin, head, sizeof(head) - 1);
	run(&r);
	assert_true(r.cached);
	assert_true(asked(1, "HEAD /x.iso"));
	download_result_release(&r);
	/* another time: it is fetched again */
	origin_reply_raw(f.origin, newer, sizeof(newer) - 1);
	origin_reply(f.origin, "200 OK", "", "9876543210");
	run(&r);
	assert_false(r.cached);
	check_content(r.path, "9876543210");
	download_result_release(&r);
}

/* Without a checksum only the server can say that a part still fits. */
static void test_no_sum_resume(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct download_result r = { 0 };

	f.d.checksum = "none";
	f.d.progress = cancel_now;
	f.d.data = c;
	add_url("/x.iso");
	origin_reply_stall(f.origin, "ETag: \"v1\"\r\n", BODY, 4);
	assert_int_equal(download_run(&f.d, c, &r, &err), -1);
	f.d.progress = NULL;
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 4-9/10\r\n", "456789");
	run_gets_body();
	assert_true(asked(1, "Range: bytes=4-\r\n"));
	assert_true(asked(1, "If-Range: \"v1\"\r\n"));
}

static void test_no_sum_foreign_part(void **state)
{
	f.d.checksum = "none";
	add_url("/x.iso");
	leave_part("abcd"); /* nobody knows of what */
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_false(asked(0, "Range:"));
}

/* ---- the rest ----------------------------------------------------------- */

static void test_target_path(void **state)
{
	struct download_result r = { 0 };
	AUTO_FREE char *file = at("deep/er/my.img");
	AUTO_FREE char *dir = at("isos");

	add_url("/x.iso");
	f.d.target_path = file;
	origin_reply(f.origin, "200 OK", "", BODY);
	run(&r);
	assert_string_equal(r.path, file);
	download_result_release(&r);
	f.d.target_path = dir; /* no extension: a directory */
	origin_reply(f.origin, "200 OK", "", BODY);
	run(&r);
	assert_true(path_is_below(r.path, dir));
	assert_true(text_ends_with(r.path, ".iso"));
	download_result_release(&r);
}

static int fake_unpack(void *data, const char *type, const char *from, const char *to,
		       struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	f.unpacked++;
	if (fs_read(from, 1000, &text, err) < 0)
		return -1;
	if (data)
		return error_set(err, ERROR_INVALID, "not in this format");
	strbuf_insert(&text, 0, type, strlen(type));
	return fs_write(to, text.buf, text.len, 0666, err);
}

static void test_packed(void **state)
{
	struct download_result r = { 0 };

	add_url("/x.img.tar.gz");
	f.d.unpack = fake_unpack;
	origin_reply(f.origin, "200 OK", "", BODY); /* the sum is of the packed file */
	run(&r);
	assert_true(text_ends_with(r.path, ".iso"));
	check_content(r.path, "tar.gz" BODY);
	download_result_release(&r);
	run(&r); /* is not fetched again */
	assert_int_equal(request_count(), 1);
	check_content(r.path, "tar.gz" BODY);
	download_result_release(&r);
}

static void test_packed_kept(void **state)
{
	add_url("/x.gz?archive=false");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_true(asked(0, "GET /x.gz HTTP/1.1\r\n"));
}

static void test_packed_fails(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct download_result r = { 0 };

	add_url("/x.xz");
	f.d.unpack = fake_unpack;
	f.d.data = &f;
	origin_reply(f.origin, "200 OK", "", BODY);
	assert_int_equal(download_run(&f.d, NULL, &r, &err), -1);
	assert_non_null(strstr(err->message, "cannot unpack '"));
	assert_true(text_ends_with(err->message, ".iso.xz': not in this format]"));
	error_ignore(&err, "looked at");
	f.d.unpack = NULL;
	assert_int_equal(download_run(&f.d, NULL, &r, &err), -1);
	assert_non_null(strstr(err->message, "with archive=false it is used as it is"));
}

/* A full disk ends it at once: another mirror would not help. */
static void test_disk_full(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = NULL, *part = NULL;
	struct download_result r = { 0 };

	add_url("/x.iso");
	add_url("/y.iso");
	f.d.checksum = "none";
	path = target();
	part = xasprintf("%s.part", path);
	origin_reply(f.origin, "200 OK", "", BODY);

	struct rlimit before, tight;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 5;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);

	int result = download_run(&f.d, NULL, &r, &err);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(result, -1);
	assert_int_equal(err->os_errno, EFBIG);
	assert_int_equal(request_count(), 1);
	assert_false(fs_exists(path));
}

static void test_no_cache_dir(void **state)
{
	add_url("/x.iso");
	f.d.cache_dir = "/dev/null/cache";

	AUTO(error) struct error *err = NULL;
	struct download_result r = { 0 };

	assert_int_equal(download_run(&f.d, NULL, &r, &err), -1);
	assert_non_null(strstr(err->message, "cannot make directory '/dev/null'"));
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_in_place),           TEST(test_in_place_wrong),
		TEST(test_in_place_directory), TEST(test_sum_in_url),
		TEST(test_bad_sum_in_url),     TEST(test_no_sum),
		TEST(test_no_sum_resume),      TEST(test_no_sum_foreign_part),
		TEST(test_target_path),        TEST(test_packed),
		TEST(test_packed_kept),        TEST(test_packed_fails),
		TEST(test_disk_full),          TEST(test_no_cache_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
