/* SPDX-License-Identifier: Apache-2.0 */
/* Single texts of a configuration, and the dates of archives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/bootstrap/archive.h"
#include "builder/bootstrap/check.h"
#include "sample.h"

static void test_packages(void **state)
{
	(void)state;
	assert_true(is_package_name("nginx"));
	assert_true(is_package_name("libstdc++6"));
	assert_true(is_package_name("gcc-12:amd64"));
	assert_true(is_package_name("curl=7.88.1-10+deb12u5"));
	assert_true(is_package_name("linux-image-amd64/bookworm-backports"));
	assert_false(is_package_name("a"));
	assert_false(is_package_name("-o"));
	assert_false(is_package_name("a,b"));
	assert_false(is_package_name("ab cd"));
	assert_false(is_package_name("ab="));
	assert_false(is_package_name("Nginx"));
}

static void test_names(void **state)
{
	(void)state;
	assert_true(is_hostname("web-1.example.org"));
	assert_false(is_hostname("-web"));
	assert_false(is_hostname("web-"));
	assert_false(is_hostname("a..b"));
	assert_false(is_hostname(""));
	assert_false(is_hostname("we_b"));
	assert_true(is_user_name("_apt"));
	assert_false(is_user_name("1st"));
	assert_false(is_user_name("a:b"));
	assert_false(is_user_name(""));
	assert_true(is_locale("de_DE.UTF-8"));
	assert_true(is_locale("C"));
	assert_false(is_locale("de_DE"));
	assert_false(is_locale("de_DE.UTF-8 x"));
}

static void test_mirrors(void **state)
{
	(void)state;
	assert_true(is_mirror("http://deb.debian.org/debian"));
	assert_true(is_mirror("https://user@host:8080/a~b/20260101T000000Z/"));
	assert_true(is_mirror("file:/srv/mirror"));
	assert_false(is_mirror("deb.debian.org/debian"));
	assert_false(is_mirror("http://host/a b"));
	assert_false(is_mirror("http://host/]"));
	assert_false(is_mirror(""));
}

static void test_credentials(void **state)
{
	(void)state;
	assert_true(is_password_hash("$6$abcdefgh$0123456789abcdefghij"));
	assert_true(is_password_hash("$y$j9T$abcdefghij$0123456789abcdefghij"));
	assert_false(is_password_hash("secret"));
	assert_false(is_password_hash("$6$a:b$0123456789abcdefghij"));
	assert_true(is_authorized_key("ssh-ed25519 AAAAC3Nza me@host"));
	assert_true(is_authorized_key("command=\"ls\" ecdsa-sha2-nistp256 AAAAE2 x"));
	assert_false(is_authorized_key("ssh-ed25519 AAAAC3Nza\nssh-rsa AAAA"));
	assert_false(is_authorized_key("-----BEGIN OPENSSH PRIVATE KEY-----"));
}

static void check_size(const char *text, int64_t want)
{
	int64_t got = 0;

	assert_true(parse_disk_size(text, &got));
	assert_int_equal(got, want);
}

static void test_sizes(void **state)
{
	int64_t n;

	(void)state;
	check_size("4G", INT64_C(4) << 30);
	check_size("4g", INT64_C(4) << 30);
	check_size("2048", INT64_C(2) << 30);
	check_size("512M", INT64_C(512) << 20);
	check_size("1T", INT64_C(1) << 40);
	check_size("64T", INT64_C(64) << 40);
	assert_false(parse_disk_size("65T", &n));
	assert_false(parse_disk_size("", &n));
	assert_false(parse_disk_size("G", &n));
	assert_false(parse_disk_size("-4G", &n));
	assert_false(parse_disk_size("4GB", &n));
}

static void test_date(void **state)
{
	int64_t t = 0;

	(void)state;
	assert_true(archive_date("Origin: x\nDate: Sat, 11 Jul 2026 09:39:12 UTC\n", &t));
	assert_int_equal(t, 1783762752);
	assert_true(archive_date("Date: Thu, 29 Feb 2024 00:00:00 UTC", &t));
	assert_int_equal(t, 1709164800);
	assert_true(archive_date("Date: Thu,  1 Jan 1970 00:00:00 UTC", &t));
	assert_int_equal(t, 0);
	assert_false(archive_date("NoDate: Sat, 11 Jul 2026 09:39:12 UTC", &t));
	assert_false(archive_date("Date: 11 Jul 2026", &t));
	assert_false(archive_date("Date: Sat, 11 anJ 2026 09:39:12 UTC", &t));
	assert_false(archive_date("", &t));
}

static void test_suites(void **state)
{
	struct bootstrap b = sample_config();
	struct archive_source s[ARCHIVE_SOURCES_MAX];

	(void)state;
	assert_int_equal(archive_sources(&b, s), 3);
	assert_string_equal(s[1].suite, "bookworm-updates");
	assert_string_equal(s[2].uri, "http://deb.debian.org/debian-security");
	b.updates = false;
	b.security_mirror = "";
	assert_int_equal(archive_sources(&b, s), 1);
	b = sample_config();
	b.release = "sid";
	b.rel = distro_release_find(b.distro, "sid");
	assert_int_equal(archive_sources(&b, s), 1);
}

/* Everything that changes the disk changes the digest, what names it does not. */
static void test_digest(void **state)
{
	struct bootstrap a = sample_config(), b = sample_config();
	struct digest *d[3];
	char *hex[3];

	(void)state;
	b.vm_name = "other";
	b.output_directory = "elsewhere";
	for (int i = 0; i < 3; i++) {
		if (i == 2)
			b.hostname = "db";
		d[i] = digest_new(DIGEST_SHA256);
		bootstrap_digest(i ? &b : &a, d[i]);
		hex[i] = digest_finish_hex(d[i]);
		digest_free(d[i]);
	}
	assert_string_equal(hex[0], hex[1]);
	assert_string_not_equal(hex[0], hex[2]);
	for (int i = 0; i < 3; i++)
		free(hex[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages), cmocka_unit_test(test_names),
		cmocka_unit_test(test_mirrors),  cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_sizes),    cmocka_unit_test(test_date),
		cmocka_unit_test(test_suites),   cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
