/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fakes/http_origin.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "net/download.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"

#define BODY        "0123456789"
#define BODY_MD5    "md5:781e5e245d69b566979b86e28d23f2c7"
#define BODY_SHA256 "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"

struct fixture {
	struct origin *origin;
	char *dir;
	struct strbuf said; /* one message a line, errors with "!" before */
	int64_t done, total;
	int unpacked;
	struct strv urls;
	struct download d;
};

static struct fixture f;

static void note(void *data, bool is_error, const char *text)
{
	strbuf_addf(&f.said, "%s%s\n", is_error ? "!" : "", text);
}

static void progress(void *data, int64_t done, int64_t total)
{
	f.done = done;
	f.total = total;
}

static int set_up(void **state)
{
	AUTO(error) struct error *err = NULL;

	memset(&f, 0, sizeof(f));
	f.origin = origin_new();
	strbuf_init(&f.said);
	strv_init(&f.urls);
	if (fs_temp_dir("/var/tmp", "ingot-test-", &f.dir, &err) < 0)
		return -1;
	f.d = (struct download){
		.what = "ISO",
		.urls = &f.urls,
		.checksum = BODY_MD5,
		.cache_dir = f.dir,
		.extension = "ISO",
		.cwd = f.dir,
		.retry_pause = NSEC_PER_MSEC,
		.tries = 3,
		.say = note,
		.progress = progress,
	};
	return 0;
}

static int tear_down(void **state)
{
	AUTO(error) struct error *err = NULL;
	size_t left = origin_left(f.origin);

	origin_free(f.origin);
	strbuf_release(&f.said);
	strv_release(&f.urls);
	if (fs_remove_tree(f.dir, &err) < 0)
		return -1;
	free(f.dir);
	return left ? -1 : 0;
}

static void add_url(const char *path)
{
	strv_pushf(&f.urls, "%s%s", origin_url(f.origin), path);
}

static char *at(const char *name)
{
	return path_join(f.dir, name);
}

static void put(const char *path, const char *text)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0666, &err), 0);
}

static void check_content(const char *path, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(text.buf, want);
}

static void run(struct download_result *r)
{
	AUTO(error) struct error *err = NULL;

	if (download_run(&f.d, NULL, r, &err) < 0)
		fail_msg("%s", err->message);
}

static void run_fails(const char *message)
{
	AUTO(error) struct error *err = NULL;
	struct download_result r = { 0 };

	assert_int_equal(download_run(&f.d, NULL, &r, &err), -1);
	assert_string_equal(err->message, message);
	assert_null(r.path);
}

/* Runs, expects BODY in the cache, forgets the result. */
static void run_gets_body(void)
{
	struct download_result r = { 0 };

	run(&r);
	check_content(r.path, BODY);
	download_result_release(&r);
}

static char *target(void)
{
	return download_target(&f.d, f.urls.v[0], f.d.checksum);
}

static void check_said(const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&want, fmt, ap);
	va_end(ap);
	assert_string_equal(f.said.buf, want.buf);
}

/* Request number n has this in it, or not. */
static bool asked(size_t n, const char *part)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(f.origin, &requests);
	assert_true(n < requests.len);
	return strstr(requests.v[n], part) != NULL;
}

static size_t request_count(void)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(f.origin, &requests);
	return requests.len;
}

/* Names in the directory. */
static void check_files(const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;

	assert_int_equal(fs_list(f.dir, &names, &err), 0);

	AUTO_FREE char *all = strv_join(&names, " ");

	assert_string_equal(all, want);
}

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

/* An earlier run left a part behind. */
static void leave_part(const char *text)
{
	AUTO_FREE char *path = target();
	AUTO_FREE char *part = xasprintf("%s.part", path);

	put(part, text);
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

static void cancel_now(void *data, int64_t done, int64_t total)
{
	cancel_trigger(data);
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
		TEST(test_in_place),
		TEST(test_in_place_wrong),
		TEST(test_in_place_directory),
		TEST(test_sum_in_url),
		TEST(test_bad_sum_in_url),
		TEST(test_no_sum),
		TEST(test_no_sum_resume),
		TEST(test_no_sum_foreign_part),
		TEST(test_target_path),
		TEST(test_packed),
		TEST(test_packed_kept),
		TEST(test_packed_fails),
		TEST(test_disk_full),
		TEST(test_no_cache_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
