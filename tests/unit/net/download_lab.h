/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of downloads share: an origin, a directory, one download. Include after cmocka.h. */
#pragma once

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

static inline void note(void *data, bool is_error, const char *text)
{
	strbuf_addf(&f.said, "%s%s\n", is_error ? "!" : "", text);
}

static inline void progress(void *data, int64_t done, int64_t total)
{
	f.done = done;
	f.total = total;
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void add_url(const char *path)
{
	strv_pushf(&f.urls, "%s%s", origin_url(f.origin), path);
}

static inline char *at(const char *name)
{
	return path_join(f.dir, name);
}

static inline void put(const char *path, const char *text)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0666, &err), 0);
}

static inline void check_content(const char *path, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(text.buf, want);
}

static inline void run(struct download_result *r)
{
	AUTO(error) struct error *err = NULL;

	if (download_run(&f.d, NULL, r, &err) < 0)
		fail_msg("%s", err->message);
}

static inline void run_fails(const char *message)
{
	AUTO(error) struct error *err = NULL;
	struct download_result r = { 0 };

	assert_int_equal(download_run(&f.d, NULL, &r, &err), -1);
	assert_string_equal(err->message, message);
	assert_null(r.path);
}

/* Runs, expects BODY in the cache, forgets the result. */
static inline void run_gets_body(void)
{
	struct download_result r = { 0 };

	run(&r);
	check_content(r.path, BODY);
	download_result_release(&r);
}

static inline char *target(void)
{
	return download_target(&f.d, f.urls.v[0], f.d.checksum);
}

static inline void check_said(const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&want, fmt, ap);
	va_end(ap);
	assert_string_equal(f.said.buf, want.buf);
}

/* Request number n has this in it, or not. */
static inline bool asked(size_t n, const char *part)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(f.origin, &requests);
	assert_true(n < requests.len);
	return strstr(requests.v[n], part) != NULL;
}

static inline size_t request_count(void)
{
	AUTO(strv) struct strv requests = STRV_INIT;

	origin_requests(f.origin, &requests);
	return requests.len;
}

/* Names in the directory. */
static inline void check_files(const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;

	assert_int_equal(fs_list(f.dir, &names, &err), 0);

	AUTO_FREE char *all = strv_join(&names, " ");

	assert_string_equal(all, want);
}

static inline void cancel_now(void *data, int64_t done, int64_t total)
{
	cancel_trigger(data);
}

/* An earlier run left a part behind. */
static inline void leave_part(const char *text)
{
	AUTO_FREE char *path = target();
	AUTO_FREE char *part = xasprintf("%s.part", path);

	put(part, text);
}
