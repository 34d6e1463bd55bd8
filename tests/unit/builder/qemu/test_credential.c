/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "builder/qemu/credential.h"
#include "lab.h"

static void test_smbios(void **state)
{
	AUTO_FREE char *value = credential_smbios("ingot", "ssh-ed25519 AAAA\n");
	const char *prefix = "type=11,value=io.systemd.credential.binary:tmpfiles.extra=";
	AUTO(strbuf) struct strbuf rules = STRBUF_INIT;

	assert_int_equal(strncmp(value, prefix, strlen(prefix)), 0);
	assert_true(decode_base64(&rules, value + strlen(prefix), strlen(value + strlen(prefix))));
	assert_string_equal(
		rules.buf,
		"d /run/ingot 0755 root root -\n"
		"d /run/ingot/authorized_keys.d 0755 root root -\n"
		"f /run/ingot/authorized_keys.d/ingot 0644 root root - ssh-ed25519 AAAA\n");
}

static void test_odd_users(void **state)
{
	const char *const users[] = { NULL, "", ".", "..", "a/b", "a b", "-x", "a\nb", "%u" };

	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		assert_null(credential_smbios(users[i], "ssh-ed25519 AAAA"));
}

static void test_machines(void **state)
{
	assert_true(credential_is_possible("qemu-system-x86_64"));
	assert_true(credential_is_possible("/opt/bin/qemu-system-aarch64"));
	assert_true(credential_is_possible("kvm"));
	assert_false(credential_is_possible("qemu-system-s390x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smbios),
		cmocka_unit_test(test_odd_users),
		cmocka_unit_test(test_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
