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
#include "base/path.h"
#include "base/str.h"
#include "net/checksum.h"
#include "os/clock.h"
#include "os/fs.h"

#define MD5    "00112233445566778899aabbccddeeff"
#define SHA1   MD5 "00112233"
#define SHA256 MD5 MD5
#define SHA512 SHA256 SHA256

static const struct checksum_context plain = { .url = "http://h/d/x.iso", .cwd = "/w" };

static void check(const char *text, const struct checksum_context *ctx, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = NULL;

	if (checksum_resolve(text, ctx, NULL, &got, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(got, want);
}

static void check_refused(const char *text, const struct checksum_context *ctx, const char *message)
{
	AUTO(error) struct error *err = NULL;
	char *got = NULL;

	assert_int_equal(checksum_resolve(text, ctx, NULL, &got, &err), -1);
	assert_null(got);
	assert_string_equal(err->message, message);
}

static void test_forms(void **state)
{
	check("none", &plain, "none");
	check(MD5, &plain, "md5:" MD5);
	check(SHA1, &plain, "sha1:" SHA1);
	check(SHA256, &plain, "sha256:" SHA256);
	check(SHA512, &plain, "sha512:" SHA512);
	check("SHA256:AABB", &plain, "sha256:aabb"); /* the length is not looked at */
	check("Md5:" MD5, &plain, "md5:" MD5);
}

static void test_refused(void **state)
{
	check_refused("", &plain, "A checksum must be specified");
	check_refused("http://h/x.ISO", &plain,
		      "Error parsing checksum: .iso is not a valid checksum ending");
	check_refused("aabb", &plain, "Unknown type for checksum aabb in \"aabb\"");
	check_refused("md4:aabb", &plain, "unsupported checksum type: md4 in \"md4:aabb\"");
	check_refused("sha384:aabb", &plain,
		      "unsupported checksum type: sha384 in \"sha384:aabb\"");
	check_refused("sha224:aabb", &plain,
		      "unsupported checksum type: sha224 in \"sha224:aabb\"");
	check_refused("File:x", &plain,
		      "invalid checksum: encoding/hex: invalid byte: U+0078 'x' in \"File:x\"");
	check_refused("aab", &plain,
		      "invalid checksum: encoding/hex: odd length hex string in \"aab\"");
	check_refused("md5:", &plain, "invalid checksum: it is empty in \"md5:\"");
	check_refused("md5:a b", &plain,
		      "invalid checksum: encoding/hex: invalid byte: U+0020 in \"md5:a b\"");
	check_refused(
		"file:/no/such/file", &plain,
		"Error downloading checksum file: cannot open '/no/such/file': No such file or "
		"directory in \"file:/no/such/file\"");
	check_refused("None", &plain,
		      "invalid checksum: encoding/hex: invalid byte: U+004E 'N' in \"None\"");
}

static void check_find(const char *content, const char *path, const char *sums, const char *want)
{
	AUTO_FREE char *got = checksum_find(content, path, sums);

	if (!want)
		assert_null(got);
	else if (!got)
		fail_msg("not found: %s", content);
	else
		assert_string_equal(got, want);
}

static void test_lines(void **state)
{
	static const char path[] = "/d/sub/x.iso", sums[] = "/d/SHA256SUMS";

	check_find(SHA256 "  x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " *x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " ?x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " sub/x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " ./sub/x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " /d/sub/x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 " ../../sub/x.iso\n", path, sums, "sha256:" SHA256);
	check_find(SHA256 "\tx.iso\r\n", path, sums, "sha256:" SHA256);
	check_find("SHA256 (x.iso) = " SHA256 "\n", path, sums, "sha256:" SHA256);
	check_find("MD5 (./sub/x.iso) = " MD5 "\n", path, sums, "md5:" MD5);
	check_find("sha512 (x.iso) = " SHA512, path, sums, "sha512:" SHA512);
	/* no newline at the end */
	check_find(SHA256 "  y.iso\n" MD5 "  x.iso", path, sums, "md5:" MD5);
	/* the first that fits wins */
	check_find(MD5 "  x.iso\n" SHA256 "  x.iso\n", path, sums, "md5:" MD5);
	/* one field, or many: no name to compare with */
	check_find(SHA1 "\n", path, sums, "sha1:" SHA1);
	check_find(SHA1 " other name\n", path, sums, "sha1:" SHA1);
	check_find(SHA1 " a b c d e f\n", path, sums, "sha1:" SHA1);
}

static void test_lines_that_do_not_count(void **state)
{
	static const char path[] = "/d/x.iso", sums[] = "/d/sums";

	check_find("", path, sums, NULL);
	check_find("\n \n\t\n", path, sums, NULL);
	check_find("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# " SHA256 "\n"
		   "/ " SHA256 "\n",
		   path, sums, NULL);
	check_find(SHA256 "  y.iso\n", path, sums, NULL);
	check_find(SHA256 "  xx.iso\n", path, sums, NULL);
	check_find("SHA256 (y.iso) = " SHA256 "\n", path, sums, NULL);
	check_find("CRC32 (x.iso) = aabbccdd\n", path, sums, NULL);
	check_find("zz" SHA256 "  x.iso\n", path, sums, NULL);
	check_find("aabb  x.iso\n", path, sums, NULL);
	check_find(SHA256 "  ./\n", path, sums, NULL);
	/* bad lines are passed over, not the end */
	check_find("aabb  x.iso\n" MD5 "  x.iso\n", path, sums, "md5:" MD5);
}

static void test_relative_names(void **state)
{
	check_find(MD5 " a/x.iso\n", "/b/a/x.iso", "/b/sums", "md5:" MD5);
	check_find(MD5 " ../other/x.iso\n", "/other/x.iso", "/b/sums", "md5:" MD5);
	check_find(MD5 " ../bb/x.iso\n", "/bb/x.iso", "/b/sums", "md5:" MD5);
	check_find(MD5 " x.iso\n", "/x.iso", "/sums", "md5:" MD5);
}

static void test_local_file(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);

	AUTO_FREE char *sums = path_join(dir, "sums");
	const char text[] = SHA256 "  x.iso\n" MD5 "  y.iso\n";
	const struct checksum_context local = { .url = "iso/y.iso", .cwd = dir };
	const struct checksum_context web = { .url = "http://h/x.iso?a=b", .cwd = dir };
	const struct checksum_context other = { .url = "http://h/z.iso", .cwd = dir };
	AUTO_FREE char *by_url = xasprintf("file:file://%s", sums);

	assert_int_equal(fs_write(sums, text, sizeof(text) - 1, 0666, &err), 0);
	check("file:sums", &web, "sha256:" SHA256);
	check("file:./sums", &local, "md5:" MD5);
	check(by_url, &web, "sha256:" SHA256);
	check_refused("file:sums", &other, "no checksum found in: sums in \"file:sums\"");
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_by_http(void **state)
{
	struct origin *o = origin_new();
	AUTO_FREE char *text = xasprintf("file:%s/d/SUMS", origin_url(o));
	AUTO_FREE char *message = xasprintf(
		"Error downloading checksum file: bad response code: 404 in \"%s\"", text);

	origin_reply(o, "200 OK", "", SHA256 "  x.iso\n");
	check(text, &plain, "sha256:" SHA256);
	origin_reply(o, "404 Not Found", "", SHA256 "  x.iso\n");
	check_refused(text, &plain, message);

	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	char *got = NULL;

	cancel_trigger(c);
	assert_int_equal(checksum_resolve(text, &plain, c, &got, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	origin_free(o);
}

static void test_split(void **state)
{
	enum digest_type type = DIGEST_MD5;
	const char *hex = NULL;

	assert_true(checksum_split("sha256:ab", &type, &hex));
	assert_int_equal(type, DIGEST_SHA256);
	assert_string_equal(hex, "ab");
	assert_false(checksum_split("none", &type, &hex));
	assert_false(checksum_split("", &type, &hex));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_that_do_not_count),
		cmocka_unit_test(test_relative_names),
		cmocka_unit_test(test_local_file),
		cmocka_unit_test(test_by_http),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
