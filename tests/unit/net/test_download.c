/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "download_lab.h"

static void test_fresh(void **state)
{
	struct download_result r = { 0 };
	AUTO_FREE char *want = NULL;

	add_url("/a/b.iso");
	origin_reply(f.origin, "200 OK", "", BODY);
	want = target();
	run(&r);
	assert_string_equal(r.path, want);
	assert_string_equal(r.url, f.urls.v[0]);
	assert_string_equal(r.checksum, BODY_MD5);
	assert_false(r.in_place);
	assert_false(r.cached);
	check_content(r.path, BODY);
	assert_int_equal(f.done, 10);
	assert_int_equal(f.total, 10);
	check_said("Retrieving ISO\nTrying %s\nTrying %s?checksum=md5%%3A%s\n"
		   "%s?checksum=md5%%3A%s => %s\n",
		   f.urls.v[0], f.urls.v[0], BODY_MD5 + 4, f.urls.v[0], BODY_MD5 + 4, r.path);
	assert_true(asked(0, "GET /a/b.iso HTTP/1.1\r\n"));
	assert_false(asked(0, "Range:"));
	download_result_release(&r);
	/* the second time nothing is asked for */
	run(&r);
	assert_true(r.cached);
	assert_int_equal(request_count(), 1);
	download_result_release(&r);
}

static void check_target(const char *checksum, const char *target_path, const char *extension,
			 const char *want)
{
	struct download d = {
		.cache_dir = "/c", .target_path = target_path, .extension = extension, .cwd = "/w"
	};
	AUTO_FREE char *got = download_target(&d, "http://h/x.iso", checksum);

	assert_string_equal(got, want);
}

static void test_target(void **state)
{
	check_target("sha256:abc", NULL, "iso", "/c/68bf184eb1060ba3902b5028b7f4523ba96e723b.iso");
	check_target("none", NULL, "ISO", "/c/c60d70f6734199d3ebd74a3f7e2d504478639bc3.iso");
	check_target("sha256:abc", "my.img", "iso", "/w/my.img");
	check_target("sha256:abc", "/x/isos", "img",
		     "/x/isos/68bf184eb1060ba3902b5028b7f4523ba96e723b.img");
}

static void test_bad_cache_entry(void **state)
{
	AUTO_FREE char *path = NULL;

	add_url("/x.iso");
	path = target();
	put(path, "something else");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
}

static void test_resume_after_cut(void **state)
{
	add_url("/x.iso");
	origin_reply_cut(f.origin, "200 OK", "ETag: \"1\"\r\n", BODY, 4);
	origin_reply_cut(f.origin, "206 Partial Content", "Content-Range: bytes 4-9/10\r\n",
			 "456789", 3);
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 7-9/10\r\n", "789");
	run_gets_body();
	assert_true(asked(1, "Range: bytes=4-\r\n"));
	assert_true(asked(1, "If-Range: \"1\"\r\n"));
	assert_true(asked(2, "Range: bytes=7-\r\n"));
	assert_int_equal(f.done, 10);
	assert_int_equal(f.total, 10);
}

/* A server that ignores Range sends the whole: it must not be appended. */
static void test_range_ignored(void **state)
{
	add_url("/x.iso");
	origin_reply_cut(f.origin, "200 OK", "", BODY, 4);
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_true(asked(1, "Range: bytes=4-\r\n"));
}

/* Nor what belongs elsewhere. */
static void test_wrong_part(void **state)
{
	add_url("/x.iso");
	origin_reply_cut(f.origin, "200 OK", "", BODY, 4);
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 2-9/10\r\n",
		     "23456789");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_false(asked(2, "Range:"));
}

static void test_resume_of_earlier_run(void **state)
{
	add_url("/x.iso");
	leave_part("012345");
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 6-9/10\r\n", "6789");
	run_gets_body();
	assert_true(asked(0, "Range: bytes=6-\r\n"));
}

static void test_part_is_complete(void **state)
{
	add_url("/x.iso");
	leave_part(BODY);
	origin_reply(f.origin, "416 Range Not Satisfiable", "Content-Range: bytes */10\r\n", "");
	run_gets_body();
	assert_int_equal(f.done, 0);
}

static void test_part_is_too_long(void **state)
{
	add_url("/x.iso");
	leave_part(BODY "and more");
	origin_reply(f.origin, "416 Range Not Satisfiable", "Content-Range: bytes */10\r\n", "");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
}

/* The part was of another file: once more from nothing, before anybody is blamed. */
static void test_part_is_of_another_file(void **state)
{
	add_url("/x.iso");
	leave_part("abcdef");
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 6-9/10\r\n", "6789");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_false(asked(1, "Range:"));
}

static void test_wrong_sum(void **state)
{
	AUTO_FREE char *path = NULL, *message = NULL, *lock = NULL;

	add_url("/x.iso");
	path = target();
	put(path, "an old file");
	origin_reply(f.origin, "200 OK", "", "tampered!!");
	message = xasprintf("error downloading ISO: [Checksums did not match for %s.\n"
			    "Expected: %s\nGot: bbc86e0683dd775827040bb8dc1ab941\n*md5.digest]",
			    path, BODY_MD5 + 4);

	run_fails(message);
	lock = xasprintf("!Checksum did not match, removing %s\n", path);
	assert_non_null(strstr(f.said.buf, lock));
	/* neither file nor part is left */
	free(lock);
	lock = xasprintf("%s.lock", path_basename(path));
	check_files(lock);
}

static void test_wrong_sum_then_mirror(void **state)
{
	struct download_result r = { 0 };

	add_url("/bad.iso");
	add_url("/good.iso");
	origin_reply(f.origin, "200 OK", "", "tampered!!");
	origin_reply(f.origin, "200 OK", "", BODY);
	run(&r);
	assert_string_equal(r.url, f.urls.v[1]);
	check_content(r.path, BODY);
	download_result_release(&r);
}

static void test_mirrors_in_order(void **state)
{
	strv_push(&f.urls, "ftp://h/x.iso");
	strv_push(&f.urls, "/no/such/file.iso");
	add_url("/gone.iso");
	add_url("/x.iso");
	origin_reply(f.origin, "404 Not Found", "", "a page that explains it");
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_non_null(strstr(f.said.buf, "!Download failed bad response code: 404\n"));
	assert_non_null(
		strstr(f.said.buf, "!Download failed download not supported for scheme 'ftp'\n"));
	assert_non_null(strstr(f.said.buf, "!Download failed cannot open '/no/such/file.iso': No "
					   "such file or directory\n"));
}

static void test_all_fail(void **state)
{
	add_url("/1");
	add_url("/2");
	origin_reply(f.origin, "404 Not Found", "", "");
	origin_reply(f.origin, "403 Forbidden", "", "");
	run_fails("error downloading ISO: [bad response code: 404 bad response code: 403]");
	assert_int_equal(request_count(), 2); /* such are not tried again */
}

static void test_retries(void **state)
{
	add_url("/x.iso");
	origin_reply(f.origin, "503 Busy", "", "");
	origin_reply_raw(f.origin, "", 0);
	origin_reply(f.origin, "200 OK", "", BODY);
	run_gets_body();
	assert_int_equal(request_count(), 3);
}

static void test_retries_end(void **state)
{
	add_url("/x.iso");
	for (int i = 0; i < 3; i++)
		origin_reply(f.origin, "500 Oops", "", "");
	run_fails("error downloading ISO: [bad response code: 500]");
	assert_int_equal(request_count(), 3);
}

/* Each answer brings a byte: the number of tries does not end it. */
static void test_progress_counts(void **state)
{
	add_url("/x.iso");
	origin_reply_cut(f.origin, "200 OK", "", BODY, 1);
	for (int i = 1; i < 10; i++) {
		AUTO_FREE char *range = xasprintf("Content-Range: bytes %d-9/10\r\n", i);

		origin_reply_cut(f.origin, "206 Partial Content", range, BODY + i, 1);
	}
	run_gets_body();
}

static void test_stall(void **state)
{
	add_url("/x.iso");
	f.d.stall_timeout = 20 * NSEC_PER_MSEC;
	origin_reply_stall(f.origin, "", BODY, 4);
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 4-9/10\r\n", "456789");
	run_gets_body();
}

static void test_request_timeout(void **state)
{
	add_url("/x.iso");
	f.d.request_timeout = 20 * NSEC_PER_MSEC;
	origin_reply_stall(f.origin, "", BODY, 4);
	origin_reply(f.origin, "206 Partial Content", "Content-Range: bytes 4-9/10\r\n", "456789");
	run_gets_body();
}

/* The part stays for the next run. */
static void test_cancel(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	AUTO_FREE char *path = NULL, *part = NULL;
	struct download_result r = { 0 };

	add_url("/x.iso");
	path = target();
	part = xasprintf("%s.part", path);
	f.d.progress = cancel_now;
	f.d.data = c;
	origin_reply_stall(f.origin, "", BODY, 4);
	assert_int_equal(download_run(&f.d, c, &r, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	check_content(part, "0123");
	assert_false(fs_exists(path));
}

static void *run_thread(void *data)
{
	run_gets_body();
	return NULL;
}

/* Two at once: the second waits and finds it done. */
static void test_shared(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *lock_path = NULL, *path = NULL;
	pthread_t thread;
	int lock = -1;

	add_url("/x.iso");
	path = target();
	lock_path = xasprintf("%s.lock", path);
	assert_int_equal(lock_try(lock_path, &lock, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_thread, NULL), 0);
	put(path, BODY); /* as the one that holds the lock would */
	fd_close(lock);
	pthread_join(thread, NULL);
	assert_int_equal(request_count(), 0);
}

static void test_lock_is_cancellable(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, clock_deadline(10 * NSEC_PER_MSEC));
	AUTO_FREE char *lock_path = NULL, *path = NULL;
	struct download_result r = { 0 };
	int lock = -1;

	add_url("/x.iso");
	path = target();
	lock_path = xasprintf("%s.lock", path);
	assert_int_equal(lock_try(lock_path, &lock, &err), 0);
	assert_int_equal(download_run(&f.d, c, &r, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	fd_close(lock);
}

/* ---- files of this host ------------------------------------------------- */

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_fresh),
		TEST(test_target),
		TEST(test_bad_cache_entry),
		TEST(test_resume_after_cut),
		TEST(test_range_ignored),
		TEST(test_wrong_part),
		TEST(test_resume_of_earlier_run),
		TEST(test_part_is_complete),
		TEST(test_part_is_too_long),
		TEST(test_part_is_of_another_file),
		TEST(test_wrong_sum),
		TEST(test_wrong_sum_then_mirror),
		TEST(test_mirrors_in_order),
		TEST(test_all_fail),
		TEST(test_retries),
		TEST(test_retries_end),
		TEST(test_progress_counts),
		TEST(test_stall),
		TEST(test_request_timeout),
		TEST(test_cancel),
		TEST(test_shared),
		TEST(test_lock_is_cancellable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
