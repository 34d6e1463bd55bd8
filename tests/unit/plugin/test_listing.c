/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "plugin/get/listing.h"
#include "plugin/get/platform.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef int (*versions_fn)(const char *text, size_t len, struct version_list *ret,
			   struct error **err);

static void check_versions(versions_fn read, const char *text, const char *constraint,
			   const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(version_list) struct version_list l = { 0 };
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	if (read(text, strlen(text), &l, &err) < 0 || version_list_choose(&l, constraint, &err) < 0)
		fail_msg("%s", err->message);
	for (size_t i = 0; i < l.len; i++)
		strbuf_addf(&got, "%s%s", i ? " " : "", l.items[i].text);
	assert_string_equal(got.buf, want);
}

static void check_refused(versions_fn read, const char *text, const char *message)
{
	AUTO(error) struct error *err = NULL;
	AUTO(version_list) struct version_list l = { 0 };

	assert_int_equal(read(text, strlen(text), &l, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_true(text_starts_with(err->message, message));
}

static void test_index(void **state)
{
	static const char index[] =
		"{\"name\": \"packer-plugin-x\", \"versions\": {"
		"\"1.2.0\": {\"version\": \"1.2.0\", \"builds\": []}, \"1.10.0\": {\"version\": "
		"\"1.10.0\"},"
		"\"odd\": {\"version\": \"1.9.1\"}, \"1.3.0-dev\": {\"version\": \"1.3.0-dev\"},"
		"\"nonsense\": {}, \"1.1.1\": 7, \"2.0.0+x\": {}}}";

	check_versions(listing_read_index, index, NULL, "1.10.0 1.9.1 1.2.0 1.1.1");
	check_versions(listing_read_index, index, ">= 1.2, < 1.10", "1.9.1 1.2.0");
	check_versions(listing_read_index, index, "= 1.1.1", "1.1.1");
	check_versions(listing_read_index, index, "> 3", "");
	check_versions(listing_read_index, "{\"versions\":{}}", NULL, "");
	check_refused(listing_read_index, "[]", "it has no object 'versions'");
	check_refused(listing_read_index, "{\"versions\": []}", "it has no object 'versions'");
	check_refused(listing_read_index, "<html>", "it is no JSON: line 1");
	check_refused(listing_read_index, "", "it is no JSON");
}

static void test_tags(void **state)
{
	static const char tags[] =
		"[{\"ref\": \"refs/tags/v1.2.0\"}, {\"ref\": \"refs/tags/1.3\"},"
		"{\"ref\": \"refs/heads/v9.0.0\"}, {\"ref\": \"refs/tags/v1.2.0\"}, {\"ref\": 7}, "
		"8,"
		"{\"ref\": \"refs/tags/v2.0.0-rc1\"}, {\"ref\": \"refs/tags/nightly\"}]";

	check_versions(listing_read_tags, tags, NULL, "1.3.0 1.2.0");
	check_versions(listing_read_tags, tags, "~> 1.2.0", "1.2.0");
	check_versions(listing_read_tags, "[]", NULL, "");
	check_refused(listing_read_tags, "{\"message\": \"Not Found\"}", "it is no list of tags");
}

static void test_versions_are_bounded(void **state)
{
	AUTO(strbuf) struct strbuf many = STRBUF_INIT;
	AUTO(version_list) struct version_list l = { 0 };
	AUTO(error) struct error *err = NULL;

	strbuf_addstr(&many, "[");
	for (int i = 0; i < LISTING_VERSIONS_MAX + 10; i++)
		strbuf_addf(&many, "%s{\"ref\": \"refs/tags/v1.0.%d\"}", i ? "," : "", i);
	strbuf_addstr(&many, "]");
	assert_int_equal(listing_read_tags(many.buf, many.len, &l, &err), 0);
	assert_int_equal(l.len, LISTING_VERSIONS_MAX);
}

static void test_bad_constraint(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(version_list) struct version_list l = { 0 };

	version_list_add(&l, "1.0.0");
	assert_int_equal(version_list_choose(&l, "about 1", &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
}

static void test_manifest(void **state)
{
	static const char good[] =
		"{\"version\": 1, \"metadata\": {\"protocol_version\": \"5.0\"}}";
	static const char *const bad[] = { "{}", "{\"metadata\": 5}",
					   "{\"metadata\": {\"protocol_version\": 5.0}}", "5.0" };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = NULL;

	assert_int_equal(listing_read_manifest(good, strlen(good), &got, &err), 0);
	assert_string_equal(got, "5.0");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *none = NULL;

		assert_int_equal(listing_read_manifest(bad[i], strlen(bad[i]), &none, &e), -1);
		assert_null(none);
	}
}

static void test_sums(void **state)
{
	static const char sums[] =
		HEX "  a.zip\n"
		    "\n# made by hand\n"
		    "abc  short.zip\n" HEX " *b.zip\r\n" HEX "  two words\n" HEX "\n"
		    "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789"
		    "abcdef\tlast.zip";
	AUTO(error) struct error *err = NULL;
	AUTO(sum_list) struct sum_list l = { 0 };

	assert_int_equal(listing_read_sums(sums, strlen(sums), &l, &err), 0);
	assert_int_equal(l.len, 3);
	assert_string_equal(sum_list_find(&l, "a.zip"), HEX);
	assert_string_equal(sum_list_find(&l, "b.zip"), HEX);
	assert_string_equal(sum_list_find(&l, "last.zip"), HEX);
	assert_null(sum_list_find(&l, "short.zip"));
}

static void test_no_sums(void **state)
{
	static const char page[] = "<html><body>not found</body></html>\n";
	AUTO(error) struct error *err = NULL;
	AUTO(sum_list) struct sum_list l = { 0 };

	assert_int_equal(listing_read_sums(page, strlen(page), &l, &err), -1);
	assert_string_equal(err->message, "it has no line of a SHA-256 and a name");
}

static void test_digest(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = NULL, *none = NULL;

	assert_int_equal(listing_read_digest(HEX "\nmore", 69, &got, &err), 0);
	assert_string_equal(got, HEX);
	assert_int_equal(listing_read_digest(HEX, 63, &none, &err), -1);
}

static void test_names(void **state)
{
	AUTO_FREE char *plain = platform_binary_name("x", "1.2.3", "linux_arm64");
	AUTO_FREE char *windows = platform_binary_name("x", "1.2.3", "windows_amd64");

	assert_string_equal(plain, "packer-plugin-x_v1.2.3_x5.0_linux_arm64");
	assert_string_equal(windows, "packer-plugin-x_v1.2.3_x5.0_windows_amd64.exe");
	assert_true(platform_is_valid("linux_amd64"));
	assert_true(platform_is_valid("freebsd_386"));
	assert_false(platform_is_valid("linux"));
	assert_false(platform_is_valid("linux_"));
	assert_false(platform_is_valid("_amd64"));
	assert_false(platform_is_valid("linux_amd64_x"));
	assert_false(platform_is_valid("../linux_amd64"));
	assert_false(platform_is_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_versions_are_bounded),
		cmocka_unit_test(test_bad_constraint),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_no_sums),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("plugin/listing", tests, NULL, NULL);
}
