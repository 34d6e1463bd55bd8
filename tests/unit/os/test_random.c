/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/random.h"

static void test_bytes(void **state)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	random_bytes(a, 0);
}

static void test_below(void **state)
{
	unsigned seen = 0;

	for (int i = 0; i < 1000; i++) {
		uint32_t n = random_below(5);

		assert_true(n < 5);
		seen |= 1u << n;
	}
	assert_int_equal(seen, 31); /* all five, save for a chance of 10^-96 */
	assert_int_equal(random_below(1), 0);
}

static void test_text(void **state)
{
	char out[33];

	random_text(out, 32, "ab");
	assert_int_equal(strlen(out), 32);
	assert_int_equal(strspn(out, "ab"), 32);
	random_text(out, 0, "ab");
	assert_string_equal(out, "");
}

static void test_uuid(void **state)
{
	static const unsigned char dns[16] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
					       0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	char a[UUID_TEXT], b[UUID_TEXT];

	random_uuid(a);
	random_uuid(b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
	assert_int_equal(a[14], '4');
	assert_string_not_equal(a, b);
	uuid_v5(dns, "python.org", a);
	assert_string_equal(a, "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
