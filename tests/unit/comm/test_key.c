/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "comm/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void generate(const char *type, int64_t bits, const char *public, const char *private)
{
	AUTO(keypair) struct keypair *k = NULL, *again = NULL;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(keypair_generate(type, bits, &k, &e), 0);
	if (!text_starts_with(k->public_line, public) || !text_ends_with(k->public_line, "\n"))
		fail_msg("%s", k->public_line);
	if (!text_starts_with(k->private_pem, private))
		fail_msg("%.40s", k->private_pem);
	assert_int_equal(keypair_parse(k->private_pem, &again, &e), 0);
	assert_string_equal(again->public_line, k->public_line);
}

static void test_rsa(void **state)
{
	(void)state;
	generate("rsa", 2048, "ssh-rsa AAAA", "-----BEGIN PRIVATE KEY-----");
}

static void test_ecdsa(void **state)
{
	(void)state;
	generate("ecdsa", 0, "ecdsa-sha2-nistp521 AAAA", "-----BEGIN PRIVATE KEY-----");
	generate("ecdsa", 256, "ecdsa-sha2-nistp256 AAAA", "-----BEGIN PRIVATE KEY-----");
}

static void test_ed25519(void **state)
{
	(void)state;
	generate("ed25519", 77, "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----");
}

static void refuse(const char *type, int64_t bits, const char *text)
{
	AUTO(keypair) struct keypair *k = NULL;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(keypair_generate(type, bits, &k, &e), -1);
	assert_int_equal(e->kind, ERROR_INVALID);
	if (!strstr(e->message, text))
		fail_msg("%s", e->message);
}

static void test_refused(void **state)
{
	(void)state;
	refuse("rsa", 512, "1024 to 16384");
	refuse("ecdsa", 300, "256, 384 or 521");
	refuse("dsa", 0, "not supported");
	refuse("rot13", 0,
	       "possible algorithm types are `dsa` | `ecdsa` | `ed25519` | `rsa` ( the default )");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
