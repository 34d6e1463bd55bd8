/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/digest.h"

static const struct {
	enum digest_type type;
	const char *name, *abc;
} types[] = {
	{ DIGEST_MD5, "md5", "900150983cd24fb0d6963f7d28e17f72" },
	{ DIGEST_SHA1, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ DIGEST_SHA224, "sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
	{ DIGEST_SHA256, "sha256",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA384, "sha384",
	  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	  "8086072ba1e7cc2358baeca134c825a7" },
	{ DIGEST_SHA512, "sha512",
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void test_types(void **state)
{
	assert_int_equal(ARRAY_LEN(types), DIGEST_TYPE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO(digest) struct digest *d = digest_new(types[i].type);
		enum digest_type found = DIGEST_TYPE_COUNT;

		digest_add(d, "a", 1);
		digest_add(d, NULL, 0);
		digest_add(d, "bc", 2);

		AUTO_FREE char *hex = digest_finish_hex(d);

		assert_string_equal(hex, types[i].abc);
		assert_int_equal(digest_size(types[i].type) * 2, strlen(hex));
		assert_string_equal(digest_name(types[i].type), types[i].name);
		assert_true(digest_from_name(types[i].name, &found));
		assert_int_equal(found, types[i].type);
	}
}

static void test_unknown_name(void **state)
{
	enum digest_type found;

	assert_false(digest_from_name("SHA256", &found));
	assert_false(digest_from_name("", &found));
}

static void test_hmac(void **state)
{
	AUTO(digest) struct digest *d = digest_new_hmac(DIGEST_SHA256, "Jefe", 4);

	digest_add(d, "what do ya want for nothing?", 28);

	AUTO_FREE char *hex = digest_finish_hex(d);

	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

	AUTO(digest) struct digest *no_key = digest_new_hmac(DIGEST_SHA256, NULL, 0);
	AUTO_FREE char *empty = digest_finish_hex(no_key);

	assert_string_equal(empty,
			    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static char *field_hex(const char *name, const char *value)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA1);

	digest_add_field(d, name, value, strlen(value));
	return digest_finish_hex(d);
}

static void test_fields_are_separate(void **state)
{
	AUTO_FREE char *a = field_hex("ab", "c");
	AUTO_FREE char *b = field_hex("a", "bc");
	AUTO_FREE char *again = field_hex("ab", "c");

	assert_string_not_equal(a, b);
	assert_string_equal(a, again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_fields_are_separate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
