/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cloud/ecr.h"

static void test_names(void **state)
{
	static const char *const good[] = {
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com",
		"https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/",
		"http://1.dkr.ecr.us-gov-west-1.amazonaws.com/team/web",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com:443/x",
		"public.ecr.aws",
		"https://public.ecr.aws/team",
	};
	static const char *const bad[] = {
		"",
		"registry.example.org",
		".dkr.ecr.eu-central-1.amazonaws.com",
		"12a.dkr.ecr.eu-central-1.amazonaws.com",
		"12.dkr.ecr..amazonaws.com",
		"12.dkr.ecr.a.b.amazonaws.com",
		"12.dkr.ecr.evil.example/eu.amazonaws.com",
		"12.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
		"xpublic.ecr.aws",
		"public.ecr.aws.example",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!ecr_knows(good[i]))
			fail_msg("'%s' is one", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (ecr_knows(bad[i]))
			fail_msg("'%s' is none", bad[i]);
	assert_true(ecr_is_public(good[7]));
	assert_false(ecr_is_public(good[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
