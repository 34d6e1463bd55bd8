/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/path.h"
#include "func/globber.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int make_tree(void **state)
{
	static const char *const files[] = { "a.sh", "b.txt", "sub/c.sh", "sub/deep/d.sh",
					     "sub/[x]" };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;
	AUTO_FREE char *deep = NULL;

	if (fs_temp_dir("/tmp", "globber", &dir, &err) < 0)
		return -1;
	deep = path_join(dir, "sub/deep");
	if (fs_mkdir_all(deep, 0700, &err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_FREE char *path = path_join(dir, files[i]);

		if (fs_write(path, "", 0, 0600, &err) < 0)
			return -1;
	}
	*state = TAKE(dir);
	return 0;
}

static int remove_tree(void **state)
{
	AUTO_FREE char *dir = *state;
	AUTO(error) struct error *err = NULL;

	return fs_remove_tree(dir, &err);
}

static void expect_files(const char *dir, const char *pattern, const char *want)
{
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = NULL;

	assert_int_equal(globber_files(dir, pattern, &files, &err), 0);
	got = strv_join(&files, " ");
	assert_string_equal(got, want);
}

static void test_patterns(void **state)
{
	const char *dir = *state;

	expect_files(dir, "*.sh", "a.sh");
	expect_files(dir, "**/*.sh", "a.sh sub/c.sh sub/deep/d.sh");
	expect_files(dir, "**", "a.sh b.txt sub/[x] sub/c.sh sub/deep/d.sh");
	expect_files(dir, "sub/*", "sub/[x] sub/c.sh");
	expect_files(dir, "?.{sh,txt}", "a.sh b.txt");
	expect_files(dir, "[!a].*", "b.txt");
	expect_files(dir, "[a-b].{s{h,x},txt}", "a.sh b.txt");
	expect_files(dir, "sub/\\[x]", "sub/[x]");
	expect_files(dir, "sub", "");
}

static bool is_refused(const char *dir, const char *pattern)
{
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *err = NULL;

	return globber_files(dir, pattern, &files, &err) < 0 && err->kind == ERROR_INVALID;
}

static void test_malformed(void **state)
{
	assert_true(is_refused(*state, "["));
	assert_true(is_refused(*state, "a{b"));
	assert_true(is_refused(*state, "[]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
