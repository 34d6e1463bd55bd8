/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files of AWS, as people and tools write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cloud/aws_profile.h"
#include "os/fs.h"

static char *home;
static const char *profile;

static const char *environment(const char *name)
{
	return text_eq(name, "AWS_PROFILE") ? profile : NULL;
}

static int make_home(void **state)
{
	AUTO(error) struct error *err = NULL;

	if (fs_temp_dir("/tmp", "ingot-test-", &home, &err) < 0)
		return -1;

	AUTO_FREE char *dir = path_join(home, ".aws");

	return fs_mkdir(dir, 0700, &err);
}

static int remove_home(void **state)
{
	AUTO(error) struct error *err = NULL;
	int r = fs_remove_tree(home, &err);

	free(home);
	return r;
}

static void load(struct aws_profiles *ret, const char *config, const char *credentials)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *first = path_join(home, ".aws/config");
	AUTO_FREE char *second = path_join(home, ".aws/credentials");
	const struct cloud_ctx ctx = { .getenv = environment, .home = home };

	assert_int_equal(fs_write(first, config, strlen(config), 0600, &err), 0);
	assert_int_equal(fs_write(second, credentials, strlen(credentials), 0600, &err), 0);
	assert_int_equal(aws_profiles_load(&ctx, ret, &err), 0);
}

static void test_settings(void **state)
{
	AUTO(aws_profiles) struct aws_profiles p = { 0 };

	load(&p,
	     "stray = 1\n# comment\n; comment\n[default]\r\nRegion = a \r\n\n"
	     "[ profile  two words ]\nregion=b # why\nkey = x#y ; z\n"
	     "[profile \"quoted\"]\nregion = c\nempty =\n"
	     "[profile nested]\ns3 =\n  region = wrong\n\tregion = wrong\nregion = d",
	     "[default]\naws_access_key_id = id\nregion = over\n[only here]\nregion = e\n");
	assert_string_equal(aws_profiles_get(&p, "default", "region"), "over");
	assert_string_equal(aws_profiles_get(&p, "default", "aws_access_key_id"), "id");
	assert_string_equal(aws_profiles_get(&p, "two words", "region"), "b");
	assert_string_equal(aws_profiles_get(&p, "two words", "key"), "x#y");
	assert_string_equal(aws_profiles_get(&p, "quoted", "region"), "c");
	assert_null(aws_profiles_get(&p, "quoted", "empty"));
	assert_string_equal(aws_profiles_get(&p, "nested", "region"), "d");
	assert_string_equal(aws_profiles_get(&p, "only here", "region"), "e");
	assert_null(aws_profiles_get(&p, "nobody", "region"));
	assert_null(aws_profiles_get(&p, "default", "stray"));
}

static void test_sections_of_others(void **state)
{
	AUTO(aws_profiles) struct aws_profiles p = { 0 };

	load(&p,
	     "[sso-session a]\nregion = x\n[profiles]\nregion = x\n[services b]\nregion = x\n"
	     "[profile]\nregion = x\n[\nregion = x\n[]\n[profile \n= x\n[preview]\n",
	     "");
	assert_false(aws_profiles_has(&p, "a"));
	assert_false(aws_profiles_has(&p, "profiles"));
	assert_false(aws_profiles_has(&p, "b"));
	assert_false(aws_profiles_has(&p, "default"));
}

static void test_names(void **state)
{
	const struct cloud_ctx ctx = { .getenv = environment };

	profile = NULL;
	assert_string_equal(aws_profile_name(&ctx), "default");
	profile = "";
	assert_string_equal(aws_profile_name(&ctx), "default");
	profile = "work";
	assert_string_equal(aws_profile_name(&ctx), "work");
}

static void test_no_files(void **state)
{
	AUTO(aws_profiles) struct aws_profiles p = { 0 };
	AUTO(error) struct error *err = NULL;
	const struct cloud_ctx ctx = { .getenv = environment, .home = "/nowhere" };
	const struct cloud_ctx homeless = { .getenv = environment };

	assert_int_equal(aws_profiles_load(&ctx, &p, &err), 0);
	assert_false(aws_profiles_has(&p, "default"));
	assert_int_equal(aws_profiles_load(&homeless, &p, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_settings, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_sections_of_others, make_home, remove_home),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
