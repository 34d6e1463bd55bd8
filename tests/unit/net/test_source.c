/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "net/source.h"
#include "os/fs.h"

static void check_web(const char *text, const char *url, const char *path, const char *checksum,
		      const char *archive)
{
	AUTO(error) struct error *err = NULL;
	AUTO(source) struct source s = { 0 };

	assert_int_equal(source_parse(&s, text, "/w", &err), 0);
	assert_false(s.is_local);
	assert_string_equal(s.url, url);
	assert_string_equal(s.path, path);
	assert_true(text_eq(s.checksum, checksum));
	assert_true(text_eq(s.archive, archive));
}

static void test_web(void **state)
{
	check_web("http://h/a/b.iso", "http://h/a/b.iso", "/a/b.iso", NULL, NULL);
	check_web("HTTPS://h:1/x%20y#f", "HTTPS://h:1/x%20y", "/x y", NULL, NULL);
	check_web("http://h", "http://h", "/", NULL, NULL);
	check_web("http://h//a//b", "http://h//a//b", "//a//b", NULL, NULL);
	check_web("http://h/a?sig=%2B+x&checksum=md5%3Aab&z&archive=false",
		  "http://h/a?sig=%2B+x&z", "/a", "md5:ab", "false");
	check_web("http://h/a?checksum=1&checksum=2", "http://h/a", "/a", "1", NULL);
	check_web("http://h/%zz%4", "http://h/%zz%4", "/%zz%4", NULL, NULL);
}

static void check_local(const char *text, const char *path, const char *checksum)
{
	AUTO(error) struct error *err = NULL;
	AUTO(source) struct source s = { 0 };

	assert_int_equal(source_parse(&s, text, "/w", &err), 0);
	assert_true(s.is_local);
	assert_null(s.url);
	assert_string_equal(s.path, path);
	assert_true(text_eq(s.checksum, checksum));
}

static void test_local(void **state)
{
	check_local("a/b.iso", "/w/a/b.iso", NULL);
	check_local("./a/../b", "/w/b", NULL);
	check_local("/a/b", "/a/b", NULL);
	check_local("/a%20b", "/a%20b", NULL);
	check_local("/a?checksum=x%3Ay", "/a", "x:y");
	check_local("c:odd", "/w/c:odd", NULL);
	check_local("file:///a%20b", "/a b", NULL);
	check_local("file:/a", "/a", NULL);
	check_local("FILE://localhost/a?checksum=1", "/a", "1");
	check_local("file:a/b", "/w/a/b", NULL);
	check_local("file://a/b", "/w/a/b", NULL);
}

static void test_question_mark_in_a_name(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);

	AUTO_FREE char *path = path_join(dir, "what?checksum=no");

	assert_int_equal(fs_write(path, "", 0, 0666, &err), 0);
	check_local(path, path, NULL);
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "ftp://h/x", "download not supported for scheme 'ftp'" },
		{ "S3://b/x", "download not supported for scheme 's3'" },
		{ "", "nothing to download from: empty URL" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(error) struct error *err = NULL;
		AUTO(source) struct source s = { 0 };

		assert_int_equal(source_parse(&s, bad[i][0], "/w", &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
		assert_string_equal(err->message, bad[i][1]);
	}
}

static void check_shown(const char *text, const char *checksum, const char *want)
{
	AUTO_FREE char *shown = source_shown(text, checksum);

	assert_string_equal(shown, want);
}

static void test_shown(void **state)
{
	check_shown("http://h/a", NULL, "http://h/a");
	check_shown("http://h/a", "sha256:ab", "http://h/a?checksum=sha256%3Aab");
	check_shown("http://h/a?z=1&b=x y&checksum=old", "md5:1",
		    "http://h/a?b=x+y&checksum=md5%3A1&z=1");
	check_shown("http://u:p@h/a", "md5:1", "http://u:xxxxx@h/a?checksum=md5%3A1");
	check_shown("a.iso", "md5:1", "a.iso?checksum=md5%3A1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_web),     cmocka_unit_test(test_local),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_question_mark_in_a_name),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
